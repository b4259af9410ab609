"""Explicit soft delete: a statement sees every row unless it filters."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..planets import Planet
from ..soft_delete.rows import make_planet


async def test_statement_without_a_filter_returns_deleted_rows(db_session: AsyncSession) -> None:
    planet = await make_planet(db_session)
    planet.soft_delete()
    await db_session.commit()
    assert (await db_session.scalars(select(Planet))).all() == [planet]
