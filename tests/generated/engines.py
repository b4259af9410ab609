"""Engines as the service creates them, with other options."""

from dataclasses import fields, replace
from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from my_service.core.config import settings
from my_service.db.engine import create_engine, create_migration_engine, create_read_engine
from my_service.db.options import EngineOptions


def open_writer(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine that writes; it has one connection, unless the options say otherwise."""
    return create_engine(url, _options(options))


def open_reader(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine that reads; it has one connection, unless the options say otherwise."""
    return create_read_engine(url, _options(options))


def open_migrator(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine for migrations."""
    return create_migration_engine(url, _options(options))


def _options(changed: dict[str, Any]) -> EngineOptions:
    known = {field.name for field in fields(EngineOptions)}  # SQLite has fewer
    return replace(settings.engine_options(), **{"pool_size": 1} | {k: v for k, v in changed.items() if k in known})
