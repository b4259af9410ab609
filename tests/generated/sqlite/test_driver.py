"""The driver asks its thread rarely, and returns every row."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from my_service.core.database import read_engine

from ..engines import open_writer

NUMBERS = text("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :count) SELECT i FROM n")


@pytest.fixture
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection that only reads."""
    async with read_engine.connect() as connection:
        yield connection


@pytest.fixture
async def writing(engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    """Yield a connection with an empty table, things."""
    (tmp_path / "things.db").touch()
    own = open_writer(engine.url.set(database=str(tmp_path / "things.db")))
    async with own.connect() as connection:
        await connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)"))
        yield connection
    await own.dispose()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that tells how often the thread was asked since the last call."""
    turns = 0
    ask: Any = aiosqlite.Connection._execute

    async def count(*arguments: Any, **options: Any) -> Any:
        nonlocal turns
        turns += 1
        return await ask(*arguments, **options)

    def tell() -> int:
        nonlocal turns
        told, turns = turns, 0
        return told

    monkeypatch.setattr(aiosqlite.Connection, "_execute", count)
    return tell


async def test_statement_and_its_rows_take_one_turn(reading: AsyncConnection, turns: Callable[[], int]) -> None:
    assert (await reading.scalars(NUMBERS, {"count": 100})).all() == [*range(1, 101)]
    assert turns() == 1


@pytest.mark.parametrize("count", [199, 200, 201, 5000])
async def test_every_row_is_returned(reading: AsyncConnection, turns: Callable[[], int], count: int) -> None:
    assert (await reading.scalars(NUMBERS, {"count": count})).all() == [*range(1, count + 1)]
    assert turns() == (1 if count < 200 else 2)


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_stream_is_fetched_in_parts(writing: AsyncConnection, turns: Callable[[], int], size: int) -> None:
    turns()
    seen = 0
    async with writing.stream_scalars(NUMBERS, {"count": 5000}, execution_options={"yield_per": size}) as numbers:
        async for number in numbers:
            seen += 1
            assert number == seen
            if seen == 10:
                assert turns() < 4
    assert seen == 5000
    assert turns() > 3


async def test_abandoned_stream_leaves_the_connection_usable(writing: AsyncConnection) -> None:
    async with writing.stream_scalars(NUMBERS, {"count": 5000}) as numbers:
        assert await anext(aiter(numbers)) == 1
    assert await writing.scalar(NUMBERS, {"count": 3}) == 1


async def test_error_leaves_the_connection_usable(reading: AsyncConnection) -> None:
    overflow = text("SELECT abs(i) FROM (SELECT 1 AS i UNION ALL SELECT -9223372036854775807 - 1)")
    with pytest.raises(OperationalError, match="overflow"):
        await reading.execute(overflow)
    with pytest.raises(OperationalError, match="no such table"):
        await reading.execute(text("SELECT 1 FROM nowhere"))
    assert await reading.scalar(text("SELECT 1")) == 1


async def test_written_rows_are_counted(writing: AsyncConnection) -> None:
    insert = text("INSERT INTO things (name) VALUES (:name)")
    assert (await writing.execute(insert, [{"name": "a"}] * 300)).rowcount == 300
    assert (await writing.execute(insert, {"name": "b"})).lastrowid == 301
    returned = await writing.scalars(text("UPDATE things SET name = 'c' WHERE id > 50 RETURNING id"))
    assert sorted(returned.all()) == [*range(51, 302)]
    assert (await writing.execute(text("DELETE FROM things WHERE name = 'c'"))).rowcount == 251
