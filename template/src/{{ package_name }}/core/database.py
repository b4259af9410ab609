"""Engines and sessions of the service."""

from collections.abc import AsyncGenerator

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ..db.engine import backend_for, create_engine, create_read_engine
from ..db.session import AnySession, ReadSession, for_update, transaction
from .config import settings

__all__ = [
    "AnySession",
    "AsyncSessionLocal",
    "ReadSession",
    "backend",
    "engine",
    "for_update",
    "get_db",
    "get_read_db",
    "read_engine",
    "transaction",
]

_url = make_url(settings.database_url)
backend = backend_for(_url)
engine = create_engine(_url, settings, echo=settings.DEBUG)
read_engine = create_read_engine(_url, settings, echo=settings.DEBUG)

AsyncSessionLocal = async_sessionmaker(
    engine,
    class_=AsyncSession,
    # Objects stay readable after a commit, without another query.
    expire_on_commit=False,
    # Using a session after close() raises.
    close_resets_only=False,
)
_read_session = ReadSession(read_engine)


async def get_db() -> AsyncGenerator[AsyncSession]:
    """Yield a session for a request that writes. It commits only through `transaction`."""
    async with AsyncSessionLocal() as session:
        yield session


async def get_read_db() -> ReadSession:
    """Return the session for requests that only read. It neither waits for writers nor blocks them."""
    return _read_session
