"""The session of requests that only read."""

import asyncio

import pytest
from sqlalchemy import bindparam, insert, literal, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import selectinload

from my_service.core.database import AsyncSessionLocal, ReadSession, backend, get_read_db, read_engine, transaction

from .engines import open_reader
from .planets import NOTES, Moon, Planet


@pytest.mark.usefixtures("committed")
async def test_read_session_reads_and_cannot_write() -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        await db.execute(insert(NOTES).values(id=1))
    reader = await get_read_db()
    assert await reader.scalar(select(NOTES.c.id)) == 1
    assert (await reader.scalars(select(NOTES.c.id))).all() == [1]
    assert (await reader.execute(select(NOTES))).all() == [(1,)]
    assert await reader.fetch_dicts(select(NOTES.c.id, NOTES.c.id.label("again"))) == [{"id": 1, "again": 1}]
    assert not hasattr(reader, "add")
    assert not hasattr(reader, "commit")
    with pytest.raises(DBAPIError, match=r"read-?only") as refused:
        await reader.execute(insert(NOTES).values(id=2))
    assert not backend.is_unavailable(refused.value), "a fault of the code: trying again does not help"
    assert (await reader.scalars(select(NOTES.c.id))).all() == [1]


async def test_read_session_returns_no_cached_object(db_session: AsyncSession) -> None:
    planet = Planet(name="mars")
    db_session.add(planet)
    await db_session.commit()
    reader = await get_read_db()
    before = (await reader.scalars(select(Planet))).one()
    planet.note = "red"
    await db_session.commit()
    after = (await reader.scalars(select(Planet))).one()
    assert (before.note, after.note) == (None, "red")


async def test_read_session_loads_relationships(db_session: AsyncSession) -> None:
    planets = [Planet(name=name, moons=[Moon(name=f"moon of {name}")]) for name in ("mars", "venus")]
    db_session.add_all(planets)
    await db_session.commit()
    reader = await get_read_db()
    found = await reader.scalars(select(Planet).options(selectinload(Planet.moons)).order_by(Planet.id))
    assert [[moon.name for moon in planet.moons] for planet in found] == [["moon of mars"], ["moon of venus"]]


async def test_read_session_of_a_test_sees_its_transaction(connection: AsyncConnection) -> None:
    await connection.execute(insert(NOTES), [{"id": 1}, {"id": 2}])
    second = select(NOTES.c.id).where(NOTES.c.id == bindparam("id"))
    reader = await get_read_db()
    assert await reader.fetch_dicts(second, {"id": 2}) == [{"id": 2}]
    assert await reader.fetch_dicts(second, {"id": 3}) == []
    other = ReadSession(read_engine)
    assert await other.fetch_dicts(second, {"id": 2}) == []


async def test_read_session_holds_a_connection_only_during_a_statement(engine: AsyncEngine) -> None:
    single = open_reader(engine.url, pool_timeout=1)
    readers = [ReadSession(single) for _ in range(2)]
    for reader in readers * 2:
        assert await reader.scalar(text("SELECT 1")) == 1
        assert (await reader.execute(text("SELECT 2"))).all() == [(2,)]
        assert await reader.fetch_dicts(select(literal(3).label("three"))) == [{"three": 3}]
        for asked in (reader.scalars, reader.fetch_dicts):
            with pytest.raises(DBAPIError, match="nowhere"):
                await asked(select(text("4 FROM nowhere")))
    await single.dispose()


@pytest.mark.usefixtures("engine")
async def test_read_session_executes_statements_concurrently() -> None:
    reader = await get_read_db()
    numbers = range(50)
    rows = [reader.scalars(text("SELECT :number"), {"number": str(number)}) for number in numbers]
    assert [row.one() for row in await asyncio.gather(*rows)] == [*map(str, numbers)]
