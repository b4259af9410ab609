"""The tables of these tests."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from my_service.core.database import backend
from scripts.revision import temporary_database

from .planets import METADATA


@pytest.fixture(scope="session", autouse=True)
async def tables(engine: AsyncEngine) -> AsyncIterator[None]:
    """Create the tables, and drop them after the last test."""
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.drop_all)


@pytest.fixture
async def committed(engine: AsyncEngine) -> AsyncIterator[None]:
    """Delete the rows that a test commits, since it runs on the real engine."""
    yield
    async with engine.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            await connection.execute(table.delete())


@pytest.fixture
async def empty(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection to a database without tables."""
    async with temporary_database(backend.sibling_url(engine.url, "_empty")) as empty, empty.begin() as connection:
        yield connection
