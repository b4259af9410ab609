"""Automatic soft delete: statements leave out deleted rows unless they ask for them."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload

from my_service.db.soft_delete import with_deleted

from ..planets import Moon, Planet
from ..soft_delete.rows import make_planet


async def test_statements_skip_deleted_rows(db_session: AsyncSession) -> None:
    planet, other = await make_planet(db_session), await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    assert (await db_session.scalars(select(Planet))).all() == [other]
    assert await db_session.scalar(select(func.count(Planet.id))) == 1
    assert len((await db_session.execute(select(Planet, Moon).join(Moon, Moon.planet_id == Planet.id))).all()) == 2
    await db_session.execute(update(Planet).values(name="renamed"))
    await db_session.refresh(planet)
    assert planet.name != "renamed"


async def test_with_deleted_returns_every_row(db_session: AsyncSession) -> None:
    planet, other = await make_planet(db_session), await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    statement = with_deleted(select(Planet).order_by(Planet.id))
    assert (await db_session.scalars(statement)).all() == [planet, other]


async def test_where_on_deleted_at_disables_the_filter_of_its_model_only(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    alias = aliased(Planet)
    assert (await db_session.scalars(select(Planet).where(Planet.deleted_at.is_not(None)))).all() == [planet]
    assert (await db_session.scalars(select(alias).where(alias.deleted_at.is_not(None)))).all() == [planet]
    assert (await db_session.scalars(select(alias))).all() == []
    joined = select(Planet, Moon).join(Moon, Moon.planet_id == Planet.id).where(Planet.deleted_at.is_not(None))
    assert (await db_session.execute(joined)).all() == [], "the moons are still left out"
    nested = select(Planet).where(Planet.id.in_(select(Moon.planet_id).where(Moon.deleted_at.is_not(None))))
    assert (await db_session.scalars(nested)).all() == [], "a subquery speaks for itself"


async def test_object_of_the_session_is_returned_although_deleted(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    assert await db_session.get(Planet, planet.id) is planet
    await db_session.refresh(planet)
    db_session.expunge_all()
    assert await db_session.get(Planet, planet.id) is None


async def test_loaded_collection_keeps_a_deleted_row_until_refreshed(db_session: AsyncSession) -> None:
    await make_planet(db_session)
    planet = (await db_session.scalars(select(Planet).options(selectinload(Planet.moons)))).one()
    planet.moons[0].soft_delete()
    await db_session.commit()
    assert len(planet.moons) == 2
    await db_session.refresh(planet, ["moons"])
    assert len(planet.moons) == 1


async def test_core_statements_are_not_filtered(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    assert len((await db_session.execute(select(Planet.__table__))).all()) == 1


async def test_inner_join_to_a_deleted_owner_drops_no_row(db_session: AsyncSession) -> None:
    await make_planet(db_session, moons=1)
    await db_session.execute(update(Planet).values(is_deleted=True))
    db_session.expunge_all()
    statement = select(Moon).options(joinedload(Moon.planet, innerjoin=True))
    assert (await db_session.scalars(statement)).one().planet.is_deleted
