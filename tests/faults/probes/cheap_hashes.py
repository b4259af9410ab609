"""The service, with passwords hashed in no time."""

from argon2 import PasswordHasher
from probed.core import security
from probed.main import app  # noqa: F401

security._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
