"""Responses while the database is busy, and after a fault of the service."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from .service import check_unavailable, serve

LOCK = {"postgresql": "LOCK TABLE notes", "sqlite": "SELECT 1"}  # SQLite locks at BEGIN


async def test_exhausted_pool_returns_503(engine: AsyncEngine) -> None:
    async with serve(engine.url, pool_timeout=0.2, lock_timeout=0.2) as (single, client):
        async with single.connect(), asyncio.timeout(2):
            check_unavailable(await client.post("/"))
        assert (await client.post("/")).status_code == 200


async def test_locked_database_returns_503(engine: AsyncEngine) -> None:
    lock = LOCK[engine.dialect.name]
    async with serve(engine.url, lock) as (_, client):
        async with engine.begin() as other, asyncio.timeout(2):
            await other.execute(text(lock))
            check_unavailable(await client.post("/"))
        assert (await client.post("/")).status_code == 200


async def test_unexpected_error_returns_500_and_is_logged(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(engine.url, "SELECT 1 FROM nowhere") as (_, client):
        response = await client.post("/")
    assert (response.status_code, response.json()["detail"]) == (500, "internal error")
    assert "nowhere" in caplog.text
