"""docs/database.md: its planets are a model, routes and hot paths that type checkers accept and clients can ask."""

import re
from collections.abc import Callable

import pytest

from ..harness import Project

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PARTS = ("class Planet(BaseModel)", "class PlanetRead(", "def names(", "PLANET = ", "PLANETS = ")
TEST = """
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.mark.anyio
async def test_planets(engine: AsyncEngine) -> None:
    app = FastAPI()
    app.include_router(router)
    tables = [BaseModel.metadata.tables[name] for name in ("planets", "moons")]
    async with engine.begin() as connection:
        await connection.run_sync(BaseModel.metadata.create_all, tables)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        created = await client.post("/planets", json={"name": "Mars", "radius_km": 3390})
        assert created.status_code == 201
        mars = created.json()
        venus = (await client.post("/planets", json={"name": "Venus", "radius_km": 6052})).json()
        async with engine.begin() as connection:
            moons = ("Phobos", "Deimos")
            await connection.execute(insert(Moon), [{"name": name, "planet_id": mars["id"]} for name in moons])
        for path in ("", "/columns"):
            assert (await client.get(f"/planets/{mars['id']}{path}")).json() == mars
            assert (await client.get(f"/planets/1000{path}")).status_code == 404
        newest, oldest = (await client.get("/planets")).json()
    assert sorted([name async for name in names()]) == ["Mars\\n", "Venus\\n"]
    assert newest == venus | {"moons": []}
    assert oldest | {"moons": sorted(oldest["moons"])} == mars | {"moons": ["Deimos", "Phobos"]}
    async with engine.begin() as connection:
        await connection.run_sync(BaseModel.metadata.drop_all, tables)
"""


@pytest.mark.parametrize(
    ("database", "soft_delete"),
    [("postgresql", "explicit"), ("postgresql", "automatic"), ("sqlite", "explicit"), ("sqlite", "none")],
)
def test_planets_can_be_asked_for(make_project: Callable[..., Project], database: str, soft_delete: str) -> None:
    project = make_project(database=database, soft_delete=soft_delete)
    project.make_first_revision()
    blocks = BLOCK.findall((project.path / "docs/database.md").read_text())
    parts = [next(block for block in blocks if part in block) for part in PARTS]
    (project.path / "tests/test_planets.py").write_text("\n".join(["from typing import Annotated", *parts, TEST]))
    project.run("mypy")
    tested = project.run("pytest", "-q", "-p", "no:cacheprovider", "tests/test_planets.py")
    assert "1 passed" in tested.stdout
