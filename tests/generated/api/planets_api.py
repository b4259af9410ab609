"""A router on the planets, built from what every project has."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import Field
from sqlalchemy import select

from my_service.api.dependencies import Cursor, Limit, ReadDB, RowId, Skip, WriteDB
from my_service.core.database import for_update, transaction
from my_service.core.pagination import paginate
from my_service.schemas.base import Omittable, Page, ReadSchema, RequestSchema, StorableText

from ..planets import Planet

router = APIRouter(prefix="/planets")

Name = Annotated[StorableText, Field(min_length=1, max_length=50)]


class PlanetCreate(RequestSchema):
    """A new planet."""

    name: Name
    note: Name | None = None


class PlanetUpdate(RequestSchema):
    """What changes about a planet."""

    name: Omittable[Name] = None
    note: Name | None = None


class PlanetRead(ReadSchema):
    """A planet."""

    id: int
    name: str
    note: str | None
    created_at: datetime


def _found(planet: Planet | None, planet_id: int) -> Planet:
    if planet is None:
        raise HTTPException(404, f"Planet {planet_id} not found")
    return planet


@router.post("", status_code=201, response_model=PlanetRead)
async def create_planet(data: PlanetCreate, db: WriteDB) -> Planet:
    planet = Planet(**data.model_dump())
    async with transaction(db):
        db.add(planet)
    return planet


@router.get("", response_model=Page[PlanetRead])
async def list_planets(db: ReadDB, skip: Skip = 0, limit: Limit = 100, cursor: Cursor = None) -> Page[PlanetRead]:
    planets = await db.scalars(paginate(select(Planet), Planet, skip=skip, limit=limit + 1, cursor=cursor))
    return Page[PlanetRead].from_rows(planets.all(), limit)


@router.get("/{planet_id}", response_model=PlanetRead)
async def get_planet(planet_id: RowId, db: ReadDB) -> Planet:
    return _found(await db.scalar(select(Planet).where(Planet.id == planet_id)), planet_id)


@router.patch("/{planet_id}", response_model=PlanetRead)
async def update_planet(planet_id: RowId, data: PlanetUpdate, db: WriteDB) -> Planet:
    async with transaction(db):
        planet = _found(await db.scalar(for_update(select(Planet).where(Planet.id == planet_id))), planet_id)
        for field, value in data.model_dump(exclude_unset=True).items():
            setattr(planet, field, value)
    return planet


@router.delete("/{planet_id}", status_code=204)
async def delete_planet(planet_id: RowId, db: WriteDB) -> None:
    async with transaction(db):
        await db.delete(_found(await db.scalar(for_update(select(Planet).where(Planet.id == planet_id))), planet_id))
