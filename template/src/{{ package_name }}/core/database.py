"""The engine, the sessions on it, and transactions."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Select, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, SessionTransactionOrigin

from .config import settings
from .engines import make_engine, make_read_engine
from .slow_queries import log_slow_queries

_options: dict[str, Any] = {
    "echo": settings.DEBUG,
    # An error does not repeat the values of the statement that failed.
    "hide_parameters": not settings.DEBUG,
    "pool_size": settings.DATABASE_POOL_SIZE,
    "max_overflow": settings.DATABASE_MAX_OVERFLOW,
    "pool_timeout": settings.DATABASE_POOL_TIMEOUT,
    "pool_recycle": settings.DATABASE_POOL_RECYCLE,
}
_url = make_url(settings.database_url)
engine = make_engine(_url, settings, **_options)
read_engine = make_read_engine(_url, settings, **_options)
log_slow_queries(engine, settings.SLOW_QUERY_THRESHOLD)
log_slow_queries(read_engine, settings.SLOW_QUERY_THRESHOLD)

AsyncSessionLocal = async_sessionmaker(
    engine,
    class_=AsyncSession,
    # An object stays readable after a commit, without a query behind its back.
    expire_on_commit=False,
    # A session that is used once its request has let go of it says so, instead of keeping a connection.
    close_resets_only=False,
)


async def get_db() -> AsyncGenerator[AsyncSession, None]:
    """Yield a session for a request that writes. It commits nothing by itself: see `transaction`."""
    async with AsyncSessionLocal() as session:
        yield session


class _SessionForEachStatement(Session):
    """Keeps nothing: many may execute their statements by it at once, and nobody need close it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._make = partial(Session, *args, **kwargs)
        # To make one takes longer than to close it and use it again.
        self._closed = deque[Session](maxlen=100)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        with self._session() as session:
            return session.execute(*args, **kwargs)

    def scalar(self, *args: Any, **kwargs: Any) -> Any:
        with self._session() as session:
            return session.scalar(*args, **kwargs)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with self._closed.pop() if self._closed else self._make() as session:
            yield session
        self._closed.append(session)


ReadSessionLocal = async_sessionmaker(read_engine, class_=AsyncSession, sync_session_class=_SessionForEachStatement)


class ReadSession:
    """A session that can only read: a type of its own, so that a type checker keeps writes off it.

    That of `get_read_db` has a connection for as long as a statement takes.
    """

    def __init__(self, session: AsyncSession) -> None:
        self.execute = session.execute
        self.scalar = session.scalar
        self.scalars = session.scalars
        self._run = session.run_sync

    async def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return rows as dicts by the names of their columns, past the session: no object is made, no filter added."""
        return await self._run(_rows, statement, parameters)


def _rows(session: Session, statement: Executable, parameters: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    bind = session.get_bind()  # a connection where a test has all work in its transaction
    with nullcontext(bind) if isinstance(bind, Connection) else bind.connect() as connection:
        result = connection.execute(statement, parameters)
        names = result.keys()
        return [dict(zip(names, row, strict=True)) for row in result]


AnySession = TypeVar("AnySession", AsyncSession, ReadSession)
_reader = ReadSession(ReadSessionLocal())


async def get_read_db() -> ReadSession:
    """Return the session for requests that only read; it waits for no writer, and none waits for it."""
    return _reader


@asynccontextmanager
async def transaction(db: AsyncSession) -> AsyncIterator[None]:
    """Commit what is done inside, or roll all of it back.

    Inside another `transaction`, or inside `async with db.begin()`, it is a savepoint: then the outermost
    one commits. So one service call is complete in itself, and several can be made into one.
    """
    if within_transaction(db):
        async with db.begin_nested():
            yield
        return
    db.info["in_transaction"] = True
    try:
        yield
        await db.commit()
    except BaseException:
        await db.rollback()
        raise
    finally:
        del db.info["in_transaction"]


Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])


def locked(statement: Statement) -> Statement:
    """Return the statement that keeps others from changing its rows before this transaction ends, and sees them anew.

    So changes of one row follow one another, and each is made to what the one before has left.
    """
    return statement.with_for_update().execution_options(populate_existing=True)


def within_transaction(db: AsyncSession) -> bool:
    """Whether someone else will commit: an outer `transaction`, or whoever began one by hand."""
    if db.info.get("in_transaction") or db.in_nested_transaction():
        return True
    current = db.sync_session.get_transaction()
    return current is not None and current.origin is not SessionTransactionOrigin.AUTOBEGIN
