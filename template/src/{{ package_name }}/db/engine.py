"""Create engines: one that writes, one that reads, one that migrates."""

from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from .backend import backend_for
from .options import EngineOptions
from .pool import FairPool
from .slow_query_log import log_slow_queries


def create_engine(url: URL, options: EngineOptions) -> AsyncEngine:
    """Return the engine for requests that write.

    Raises:
        SystemExit: this project was generated without the database of the URL.
    """
    engine: AsyncEngine = backend_for(url).create_engine(url, options, **_arguments(options))
    log_slow_queries(engine, options.slow_query_threshold)
    return engine


def create_read_engine(url: URL, options: EngineOptions) -> AsyncEngine:
    """Return the engine for requests that only read: the database rejects writes on its connections.

    Each statement is a transaction of its own and sees the rows committed before it began.

    Raises:
        SystemExit: this project was generated without the database of the URL.
    """
    engine: AsyncEngine = backend_for(url).create_read_engine(url, options, **_arguments(options))
    log_slow_queries(engine, options.slow_query_threshold)
    return engine


def create_migration_engine(url: URL, options: EngineOptions, **arguments: Any) -> AsyncEngine:
    """Return an engine for migrations, which may take as long as they need.

    Raises:
        SystemExit: this project was generated without the database of the URL, or the URL names no file.
    """
    engine: AsyncEngine = backend_for(url).create_migration_engine(url, options, poolclass=NullPool, **arguments)
    return engine


def _arguments(options: EngineOptions) -> dict[str, Any]:
    return {
        "echo": options.log_sql,
        # Keep the values of a failed statement out of error messages.
        "hide_parameters": not options.log_sql,
        "poolclass": FairPool,
        "pool_size": options.pool_size,
        "max_overflow": options.max_overflow,
        "pool_timeout": options.pool_timeout,
        "pool_recycle": options.pool_recycle,
    }
