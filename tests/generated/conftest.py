"""The tables of these tests."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# Not core.database: pytest loads this file before tests/conftest.py points the settings at the test database.
from my_service.db.engine import backend_for

from .planets import METADATA
from scripts.revision import temporary_database


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
    url = backend_for(engine.url).sibling_url(engine.url, "_empty")
    async with temporary_database(url) as empty, empty.begin() as connection:
        yield connection
