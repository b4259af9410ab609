"""Soft delete marks rows, cascades to owned rows, and restores exactly those."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.dialects import registry
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from my_service.core.database import AsyncSessionLocal
from my_service.core.pagination import cursor_of, paginate
from my_service.db.session import Conflict

from ..planets import Crater, Moon, Planet
from .rows import live, make_planet


def test_object_is_marked_and_restored_before_the_flush() -> None:
    planet = Planet(name="a")
    assert planet.is_deleted is False
    planet.soft_delete()
    assert planet.is_deleted is True
    assert planet.deleted_at is not None
    assert planet.deleted_at.tzinfo is UTC
    first = planet.deleted_at
    planet.soft_delete()
    assert planet.deleted_at == first, "the first deletion keeps its date"
    planet.restore()
    assert planet.is_deleted is False
    assert planet.deleted_at is None


async def test_cursor_of_a_deleted_row_is_valid(db_session: AsyncSession) -> None:
    planets = [await make_planet(db_session, moons=0) for _ in range(3)]
    planets[1].soft_delete()
    await db_session.commit()
    remaining = select(Planet).where(Planet.deleted_at.is_(None))
    for last in planets[1:]:
        assert (await db_session.scalars(paginate(remaining, Planet, cursor=cursor_of(last)))).all() == [planets[0]]


def test_is_deleted_can_be_assigned() -> None:
    planet = Planet(name="a", is_deleted=True)
    assert planet.deleted_at is not None
    planet.is_deleted = False
    assert planet.deleted_at is None


IS_NULL = "planets.deleted_at IS NULL"
IS_NOT_NULL = "planets.deleted_at IS NOT NULL"


@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        (Planet.is_deleted == False, IS_NULL),
        (Planet.is_deleted != True, IS_NULL),
        (Planet.is_deleted.is_(False), IS_NULL),
        (~Planet.is_deleted, IS_NULL),
        (Planet.is_deleted == True, IS_NOT_NULL),
        (Planet.is_deleted != False, IS_NOT_NULL),
        (Planet.is_deleted.is_(True), IS_NOT_NULL),
        (Planet.is_deleted, IS_NOT_NULL),
    ],
)
def test_is_deleted_compares_in_the_form_that_an_index_serves(
    dialect: str, condition: ColumnElement[bool], sql: str
) -> None:
    compiled = select(Planet.id).where(condition).compile(dialect=registry.load(dialect)())
    assert str(compiled).endswith(f"WHERE {sql}")


async def test_is_deleted_selects_deleted_or_live_rows(db_session: AsyncSession) -> None:
    planet, other = await make_planet(db_session), await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    assert (await db_session.scalars(select(Planet).where(Planet.is_deleted == True))).all() == [planet]
    assert (await db_session.scalars(select(Planet).where(Planet.is_deleted == False))).all() == [other]


async def test_bulk_statements_set_and_keep_deleted_at(db_session: AsyncSession) -> None:
    earlier = datetime(2020, 1, 1, tzinfo=UTC)
    await db_session.execute(insert(Planet), [{"name": "a", "deleted_at": earlier}, {"name": "b"}])
    await db_session.execute(insert(Planet), [{"name": "c", "is_deleted": True}])
    await db_session.execute(update(Planet).values(is_deleted=True))
    planets = {s.name: s for s in await db_session.scalars(select(Planet).where(Planet.is_deleted == True))}
    assert len(planets) == 3
    assert planets["a"].deleted_at == earlier
    await db_session.execute(update(Planet).where(Planet.is_deleted == True).values(is_deleted=False))
    assert await live(db_session, Planet) == 3


async def test_unique_value_of_a_deleted_row_is_free(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session, moons=0)
    name = planet.name
    planet.soft_delete()
    await db_session.commit()
    db_session.add(Planet(name=name))
    await db_session.commit()
    planet.restore()
    with pytest.raises(IntegrityError):
        await db_session.commit()


async def test_delete_cascades_to_owned_rows_and_restore_brings_them_back(db_session: AsyncSession) -> None:
    planet, other = await make_planet(db_session), await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    assert [await live(db_session, model) for model in (Planet, Moon, Crater)] == [1, 2, 4]
    planet.restore()
    await db_session.commit()
    assert [await live(db_session, model) for model in (Planet, Moon, Crater)] == [2, 4, 8]
    assert other.is_deleted is False


async def test_restore_keeps_rows_deleted_that_were_deleted_before(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session)
    moon = (await db_session.scalars(select(Moon).where(Moon.name == "moon 0"))).one()
    moon.soft_delete()
    await db_session.commit()
    planet.soft_delete()
    await db_session.commit()
    planet.restore()
    await db_session.commit()
    assert moon.is_deleted is True
    assert [await live(db_session, model) for model in (Planet, Moon, Crater)] == [1, 1, 2]


async def test_cascaded_rows_get_the_same_deleted_at_and_a_new_updated_at(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session, moons=1)
    moon = (await db_session.scalars(select(Moon).where(Moon.planet_id == planet.id))).one()
    planet.soft_delete()
    await db_session.commit()
    await db_session.refresh(moon)
    assert moon.deleted_at == planet.deleted_at
    assert moon.updated_at > moon.created_at
    assert planet.updated_at > planet.created_at


async def test_cascade_reaches_objects_of_the_session(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session, moons=0)
    moon = Moon(name="new", planet_id=planet.id)
    db_session.add(moon)
    await db_session.commit()
    planet.soft_delete()
    await db_session.commit()
    assert moon.is_deleted is True


async def test_rows_deleted_by_one_flush_are_restored_together(db_session: AsyncSession) -> None:
    for _ in range(5):
        planet = await make_planet(db_session)
        moons = (await db_session.scalars(select(Moon).where(Moon.planet_id == planet.id))).all()
        before = [await live(db_session, model) for model in (Planet, Moon, Crater)]
        moons[0].soft_delete()
        planet.soft_delete()
        moons[1].soft_delete()
        await db_session.commit()
        assert {moon.deleted_at for moon in moons} == {planet.deleted_at}
        planet.restore()
        await db_session.commit()
        assert [await live(db_session, model) for model in (Planet, Moon, Crater)] == before


@pytest.mark.usefixtures("committed")
async def test_restore_follows_the_deletion_that_is_stored() -> None:
    async with AsyncSessionLocal() as db:
        planet = await make_planet(db)
        before = [await live(db, model) for model in (Planet, Moon, Crater)]
        planet.soft_delete()
        await db.commit()
    async with AsyncSessionLocal() as other:
        again = await other.get_one(Planet, planet.id, execution_options={"with_deleted": True})
        for change in (again.restore, again.soft_delete):
            change()
            await other.commit()
    async with AsyncSessionLocal() as db:
        db.add(planet)  # as it was deleted first
        planet.restore()
        await db.commit()
        assert [await live(db, model) for model in (Planet, Moon, Crater)] == before


async def test_deep_tree_is_deleted_and_restored(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session, moons=1)
    moon = (await db_session.scalars(select(Moon))).one()
    parent: int | None = None
    for _ in range(60):
        crater = Crater(moon_id=moon.id, parent_id=parent)
        db_session.add(crater)
        await db_session.flush()
        parent = crater.id
    await db_session.commit()
    planet.soft_delete()
    await db_session.commit()
    assert await live(db_session, Crater) == 0
    planet.restore()
    await db_session.commit()
    assert await live(db_session, Crater) == 62


async def test_row_of_a_deleted_owner_cannot_be_restored(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session, moons=1)
    moon = (await db_session.scalars(select(Moon).where(Moon.planet_id == planet.id))).one()
    planet_id = planet.id
    planet.soft_delete()
    await db_session.commit()
    await db_session.refresh(moon)
    moon.restore()
    with pytest.raises(Conflict, match=f"restore Planet {planet_id} first"):
        await db_session.commit()


async def test_owner_and_owned_row_can_be_restored_together(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session, moons=1)
    moon = (await db_session.scalars(select(Moon).where(Moon.planet_id == planet.id))).one()
    planet.soft_delete()
    await db_session.commit()
    await db_session.refresh(moon)
    planet.restore()
    moon.restore()
    await db_session.commit()
    assert [await live(db_session, model) for model in (Planet, Moon, Crater)] == [1, 1, 2]


@pytest.mark.parametrize("load", [selectinload, joinedload])
async def test_collections_hold_live_rows_and_take_new_ones(
    db_session: AsyncSession, load: Callable[..., ORMOption]
) -> None:
    planet = await make_planet(db_session)
    moon = (await db_session.scalars(select(Moon).where(Moon.name == "moon 0"))).one()
    moon.soft_delete()
    await db_session.commit()
    db_session.expunge_all()
    statement = select(Planet).options(load(Planet.moons))
    loaded = (await db_session.scalars(statement)).unique().one()
    assert [moon.name for moon in loaded.moons] == ["moon 1"]
    loaded.moons.append(Moon(name="new"))
    await db_session.commit()
    assert await db_session.scalar(select(Moon.planet_id).where(Moon.name == "new")) == planet.id


@pytest.mark.parametrize("load", [selectinload, joinedload])
async def test_row_loads_its_deleted_owner(db_session: AsyncSession, load: Callable[..., ORMOption]) -> None:
    planet = await make_planet(db_session, moons=1)
    planet.soft_delete()
    await db_session.commit()
    db_session.expunge_all()
    statement = select(Moon).where(Moon.is_deleted == True).options(load(Moon.planet))
    assert (await db_session.scalars(statement)).one().planet.id == planet.id


async def test_bulk_statements_do_not_cascade(db_session: AsyncSession) -> None:
    await make_planet(db_session)
    await db_session.execute(update(Planet).values(is_deleted=True))
    assert [await live(db_session, model) for model in (Planet, Moon)] == [0, 2]


async def test_real_delete_cascades_to_owned_rows(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session)
    await db_session.delete(planet)
    await db_session.commit()
    assert [await live(db_session, model) for model in (Planet, Moon, Crater)] == [0, 0, 0]
