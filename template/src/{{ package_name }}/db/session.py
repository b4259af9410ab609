"""Sessions, transactions and retries."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Executable, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, SessionTransactionOrigin

from .engine import backend_for

ATTEMPTS = 10


class _Service(Protocol):
    db: AsyncSession


Service = TypeVar("Service", bound=_Service)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])


class Conflict(Exception):
    """The request is valid, but the stored rows do not allow it. api/errors.py answers 409 with the text."""


class ReadSession:
    """A session without methods that write.

    Each statement runs in a session of its own, so it holds a connection only while the statement runs. Stateless:
    safe to share between tasks.
    """

    def __init__(self, bind: AsyncEngine | AsyncConnection) -> None:
        session = AsyncSession(bind, sync_session_class=_SessionPerStatement)
        self.execute = session.execute
        self.scalar = session.scalar
        self.scalars = session.scalars
        self._run_sync = session.run_sync

    async def fetch_dicts(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Return rows as dicts by column name. They bypass the ORM: no objects are made and no filter is added."""
        return await self._run_sync(_fetch_dicts, statement, parameters)


# Services accept both; only AsyncSession can write.
AnySession = TypeVar("AnySession", ReadSession, AsyncSession)


class _SessionPerStatement(Session):
    def __init__(self, bind: Any, **options: Any) -> None:
        super().__init__(bind, **options)
        if isinstance(bind, Connection):  # a test's transaction
            options["join_transaction_mode"] = "create_savepoint"
        self._options: dict[str, Any] = {"bind": bind} | options

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return self._read(lambda session: session.execute(*args, **kwargs))

    def scalar(self, *args: Any, **kwargs: Any) -> Any:
        return self._read(lambda session: session.scalar(*args, **kwargs))

    def _read(self, read: Callable[[Session], Any]) -> Any:
        def once() -> Any:
            with Session(**self._options) as session:
                return read(session)

        return _once_more(self._options["bind"], once)


def _once_more(bind: Any, read: Callable[[], Result]) -> Result:
    """Read, and read again if the connection was lost or a migration changed the table."""
    try:
        return read()
    except DBAPIError as error:
        lost = error.connection_invalidated or backend_for(bind.engine.url).is_retryable(error)
        if isinstance(bind, Connection) or not lost:  # a test's transaction ends with its connection
            raise
    return read()


def _fetch_dicts(session: Session, statement: Executable, parameters: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    bind = session.get_bind()

    def once() -> list[dict[str, Any]]:
        with nullcontext(bind) if isinstance(bind, Connection) else bind.connect() as connection:
            result = connection.execute(statement, parameters)
            names = result.keys()
            return [dict(zip(names, row, strict=True)) for row in result]

    return _once_more(bind, once)


@asynccontextmanager
async def transaction(db: AsyncSession) -> AsyncIterator[None]:
    """Commit when the block ends, or roll back when it raises.

    Nested transactions are savepoints, and the outermost one commits. The same holds inside `async with db.begin()`.
    So each service call is atomic, and several can be combined into one transaction.
    """
    if in_transaction(db):
        async with db.begin_nested():
            yield
        return
    db.info["in_transaction"] = True
    try:
        yield
        await db.flush()
        # A commit waits for synchronous replicas, and no timeout of PostgreSQL ends that.
        async with asyncio.timeout(db.get_bind().get_execution_options().get("commit_timeout")):
            await db.commit()
    except BaseException:
        await db.rollback()
        raise
    finally:
        del db.info["in_transaction"]


def in_transaction(db: AsyncSession) -> bool:
    """Return whether other code will commit: an enclosing `transaction`, or a `begin()`."""
    if db.info.get("in_transaction") or db.in_nested_transaction():
        return True
    current = db.sync_session.get_transaction()
    return current is not None and current.origin is not SessionTransactionOrigin.AUTOBEGIN


def for_update(statement: Statement) -> Statement:
    """Return the statement with its rows locked until the transaction ends, and re-read if the session holds them.

    SQLite locks the whole database instead, when the transaction begins. Concurrent changes of a row then run one after another, each on the result of the one before.
    """
    return statement.with_for_update().execution_options(populate_existing=True)


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
                backend = backend_for(db.get_bind().engine.url)
                if not owns_transaction or attempt == ATTEMPTS or not backend.is_retryable(error):
                    raise
            await db.rollback()  # a statement before the transaction may have failed
            # A random delay, so that the same transactions do not collide again.
            await asyncio.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311
            attempt += 1

    return run
