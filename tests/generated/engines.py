"""Engines as the service creates them, with other options."""

from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from my_service.core.config import settings
from my_service.db.engine import create_engine, create_migration_engine, create_read_engine
from my_service.db.settings import EngineSettings


def open_writer(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine that writes; it has one connection, unless the options say otherwise."""
    return create_engine(url, _settings(options))


def open_reader(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine that reads; it has one connection, unless the options say otherwise."""
    return create_read_engine(url, _settings(options))


def open_migrator(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine for migrations."""
    return create_migration_engine(url, _settings(options))


def _settings(changed: dict[str, Any]) -> EngineSettings:
    values = {f"DATABASE_{name.upper()}": value for name, value in {"pool_size": 1, **changed}.items()}
    return settings.model_copy(update=values)
