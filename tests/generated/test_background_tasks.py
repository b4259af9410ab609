"""Work outside a request, as tests of a project see it: in the transaction of the test, and configured as in production."""

import pytest
from fastapi import BackgroundTasks, FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import func, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.api.dependencies import WriteDB
from my_service.core.database import AsyncSessionLocal, read_engine, transaction

from .planets import Moon, Planet

app = FastAPI()


async def add_moon(name: str) -> None:
    """Add a moon to each planet, in a session of its own."""
    async with AsyncSessionLocal() as db, transaction(db):
        for planet in await db.scalars(select(Planet)):
            db.add(Moon(name=name, planet_id=planet.id))


async def use_session_of_request(db: AsyncSession) -> None:
    """Read by a session that the request has closed."""
    await db.scalar(select(func.count(Planet.id)))


@app.post("/moons")
async def post_moons(tasks: BackgroundTasks) -> None:
    tasks.add_task(add_moon, "phobos")


@app.post("/mistake")
async def post_mistake(tasks: BackgroundTasks, db: WriteDB) -> None:
    tasks.add_task(use_session_of_request, db)


async def committed_planets() -> int:
    """Return how many planets another connection sees."""
    async with read_engine.connect() as other:
        return await other.scalar(select(func.count()).select_from(Planet.__table__)) or 0


async def test_background_task_works_in_the_transaction_of_the_test(db_session: AsyncSession) -> None:
    db_session.add(Planet(name="mars"))
    await db_session.commit()
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        assert (await client.post("/moons")).status_code == 200
    assert (await db_session.scalars(select(Moon.name))).all() == ["phobos"]
    assert await committed_planets() == 0


async def test_rolled_back_task_leaves_nothing_and_keeps_the_rows_of_the_test(db_session: AsyncSession) -> None:
    async def fail() -> None:
        async with AsyncSessionLocal() as db, transaction(db):
            db.add(Planet(name="venus"))
            await db.flush()
            raise RuntimeError

    db_session.add(Planet(name="mars"))
    await db_session.commit()
    with pytest.raises(RuntimeError):
        await fail()
    assert (await db_session.scalars(select(Planet.name))).all() == ["mars"]


@pytest.mark.usefixtures("connection")
async def test_session_of_a_request_is_closed_for_its_background_task() -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        with pytest.raises(InvalidRequestError, match="closed"):
            await client.post("/mistake")


@pytest.mark.usefixtures("engine", "committed")
async def test_session_of_a_test_on_the_real_engine_commits() -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        db.add(Planet(name="mars"))
    assert await committed_planets() == 1
