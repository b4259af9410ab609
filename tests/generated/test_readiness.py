"""Readiness while the database is away, or busy."""

import pytest
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from my_service.api import health
from my_service.core.config import settings

from .engines import open_reader

MISSING = {"postgresql": "no_such_database", "sqlite": "/no/such/folder/app.db"}


async def test_missing_database_returns_503(
    client: AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = open_reader(engine.url.set(database=MISSING[engine.dialect.name]))
    monkeypatch.setattr(health, "read_engine", gone)
    response = await client.get("/health/ready")
    assert (response.status_code, response.json()["detail"]) == (503, "the database does not answer")
    assert response.headers["Retry-After"] == "1"
    assert (await client.get("/health/live")).status_code == 200
    await gone.dispose()


async def test_service_without_free_connection_is_alive_but_not_ready(
    client: AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = open_reader(engine.url)
    monkeypatch.setattr(health, "read_engine", busy)
    monkeypatch.setattr(settings, "READINESS_TIMEOUT", 0.2)
    async with busy.connect():
        ready = await client.get("/health/ready")
    await busy.dispose()
    assert (ready.status_code, ready.json()["detail"]) == (503, "the database does not answer")
    assert (await client.get("/health/live")).status_code == 200
