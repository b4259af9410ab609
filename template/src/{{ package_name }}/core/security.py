"""Hash and verify passwords with argon2."""

import os
from contextlib import suppress

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# One hash takes a core for tens of milliseconds and 64 MiB of memory. Leave one core to the event loop.
_limiter = CapacityLimiter(max(1, (os.cpu_count() or 2) - 1))


def hash_password(password: str) -> str:
    """Return the hash of the password. It is slow on purpose: in a coroutine, use `hash_password_in_thread`."""
    return _hasher.hash(password)


def verify_password(password: str, hashed_password: str) -> bool:
    """Return whether the password matches the hash. In a coroutine, use `verify_password_in_thread`."""
    with suppress(VerificationError, InvalidHashError):
        return _hasher.verify(hashed_password, password)
    return False


async def hash_password_in_thread(password: str) -> str:
    """Return the hash of the password without blocking other requests."""
    return await to_thread.run_sync(hash_password, password, limiter=_limiter)


async def verify_password_in_thread(password: str, hashed_password: str | None) -> bool:
    """Return whether the password matches the hash, without blocking other requests.

    Pass None for a user who does not exist. It takes as long as a hash, so the response time does not reveal users.
    """
    if hashed_password is None:
        await hash_password_in_thread(password)
        return False
    return await to_thread.run_sync(verify_password, password, hashed_password, limiter=_limiter)
