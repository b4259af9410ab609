"""Planets with moons and craters for the tests of soft delete."""

from itertools import count

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.models.base import BaseModel

from ..planets import Crater, Moon, Planet

_numbers = count(1)


async def make_planet(db: AsyncSession, moons: int = 2) -> Planet:
    """Store a planet with moons of two craters each, the second below the first."""
    planet = Planet(name=f"planet {next(_numbers)}")
    db.add(planet)
    await db.flush()
    for number in range(moons):
        moon = Moon(name=f"moon {number}", planet_id=planet.id)
        db.add(moon)
        await db.flush()
        first = Crater(moon_id=moon.id)
        db.add(first)
        await db.flush()
        db.add(Crater(moon_id=moon.id, parent_id=first.id))
    await db.commit()
    return planet


async def live(db: AsyncSession, model: type[BaseModel]) -> int:
    """Return how many rows are not deleted."""
    rows = model.__table__
    return await db.scalar(select(func.count()).select_from(rows).where(rows.c.deleted_at.is_(None))) or 0
