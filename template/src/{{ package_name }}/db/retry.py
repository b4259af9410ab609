"""Retry a service call that the database rolled back in favour of another transaction."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from .engine import backend_for
from .session import in_transaction

ATTEMPTS = 10


class _Service(Protocol):
    db: AsyncSession


Service = TypeVar("Service", bound=_Service)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def retry_on_conflict(
    call: Callable[Concatenate[Service, Parameters], Awaitable[Result]],
) -> Callable[Concatenate[Service, Parameters], Coroutine[Any, Any, Result]]:
    """Retry a service method after a deadlock or a serialization failure: 10 attempts at most.

    The rollback undoes the attempt, so the method must have no other effects. Within a larger transaction only its
    owner can retry everything, so the error is raised.
    """

    @wraps(call)
    async def run(service: Service, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        db = service.db
        owns_transaction = not (in_transaction(db) or db.in_transaction() or db.new or db.dirty or db.deleted)
        attempt = 1
        while True:
            try:
                return await call(service, *args, **kwargs)
            except DBAPIError as error:
                if not owns_transaction or attempt == ATTEMPTS or not _is_retryable(db, error):
                    raise
            await db.rollback()  # a statement before the transaction may have failed
            # A random delay, so that the same transactions do not collide again.
            await asyncio.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311
            attempt += 1

    return run


def _is_retryable(db: AsyncSession, error: DBAPIError) -> bool:
    return bool(backend_for(db.get_bind().engine.url).is_retryable(error))
