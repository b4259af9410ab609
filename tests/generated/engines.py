"""Engines as the service creates them, with other options."""

from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from my_service.core.config import Settings, settings
from my_service.core.engines import make_engine, make_read_engine, migration_engine

_SETTINGS = {"lock_timeout": "DATABASE_LOCK_TIMEOUT", "statement_timeout": "DATABASE_STATEMENT_TIMEOUT"}
_POOL = ("pool_size", "max_overflow", "pool_timeout")


def open_writer(url: URL, **options: float) -> AsyncEngine:
    """Return an engine that writes; it has one connection, unless the options say otherwise."""
    return make_engine(url, _settings(options), **_pool(options))


def open_reader(url: URL, **options: float) -> AsyncEngine:
    """Return an engine that reads; it has one connection, unless the options say otherwise."""
    return make_read_engine(url, _settings(options), **_pool(options))


def open_migrator(url: URL, **options: float) -> AsyncEngine:
    """Return an engine for migrations."""
    return migration_engine(url, _settings(options), poolclass=NullPool)


def _settings(options: dict[str, float]) -> Settings:
    return settings.model_copy(update={name: options[key] for key, name in _SETTINGS.items() if key in options})


def _pool(options: dict[str, float]) -> dict[str, Any]:
    return {"pool_size": 1, "max_overflow": 0} | {key: options[key] for key in _POOL if key in options}
