"""The check of query plans fails for a statement without an index."""

from typing import Any

import pytest
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from ...query_plans import assert_indexed
from ..planets import Moon, Planet

NEWEST = select(Planet.id).order_by(Planet.created_at.desc(), Planet.id.desc())


def live(statement: Select[Any]) -> Select[Any]:
    """Return the statement for planets that are not deleted."""
    deleted_at = Planet.__table__.c.get("deleted_at")
    return statement if deleted_at is None else statement.where(deleted_at.is_(None))


@pytest.fixture(autouse=True)
async def rows(db_session: AsyncSession) -> None:
    """Store a planet with a moon."""
    planet = Planet(name="mars", note="red")
    db_session.add(planet)
    await db_session.flush()
    db_session.add(Moon(name="phobos", planet_id=planet.id))
    await db_session.commit()


@pytest.mark.parametrize(
    "statement",
    [
        select(Planet.note).where(Planet.id == 1),
        live(select(Planet.note).where(Planet.id == 1)),
        live(select(Planet.note).where(Planet.id == 1).with_for_update()),
        live(select(Planet.note).where(Planet.name == "mars")),
        select(Moon.name).where(Moon.planet_id == 1),
        live(NEWEST.limit(10)),
        live(NEWEST.limit(10).offset(10)),
    ],
    ids=["primary key", "live", "locked", "unique column", "foreign key", "page", "second page"],
)
async def test_statement_with_an_index_passes(connection: AsyncConnection, statement: Select[Any]) -> None:
    async with assert_indexed(connection):
        await connection.execute(statement)


async def test_update_and_delete_by_primary_key_pass(connection: AsyncConnection) -> None:
    async with assert_indexed(connection):
        await connection.execute(update(Planet).where(Planet.id == 1).values(note="dusty"))
        await connection.execute(delete(Planet).where(Planet.id == 1))


@pytest.mark.parametrize(
    "statement",
    [
        select(Planet.id).where(Planet.note == "red"),
        select(Planet.id).order_by(Planet.note).limit(10),
        NEWEST.where(Planet.note == "red").limit(10),
        NEWEST,
        select(func.count(Planet.id)),
        select(Moon.name).join(Planet).where(Planet.note == "red"),
    ],
    ids=["filter", "order", "filtered page", "without a limit", "count", "join"],
)
async def test_statement_without_an_index_fails(connection: AsyncConnection, statement: Select[Any]) -> None:
    with pytest.raises(AssertionError, match="in the plan of\nSELECT"):
        async with assert_indexed(connection):
            await connection.execute(statement)


async def test_block_without_a_statement_fails(connection: AsyncConnection) -> None:
    with pytest.raises(AssertionError, match="no statement was executed"):
        async with assert_indexed(connection):
            pass


async def test_check_leaves_the_indexes_as_they_were(connection: AsyncConnection) -> None:
    for _twice in range(2):
        async with assert_indexed(connection):
            await connection.execute(live(select(Planet.note).where(Planet.name == "mars")))
