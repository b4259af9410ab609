"""Hashes passwords in no time."""

from argon2 import PasswordHasher
from probed.core import security

security._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
