"""Calls that run again after a deadlock or a serialization failure."""

import asyncio

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.database import AsyncSessionLocal, for_update, read_engine, transaction
from my_service.db.session import ATTEMPTS, retry_on_conflict

from ..planets import Planet


class PlanetService:
    """A service, as those in services/ are."""

    def __init__(self, db: AsyncSession) -> None:
        self.db = db
        self.attempts = 0

    @retry_on_conflict
    async def grow(self, *keys: int) -> None:
        """Lock planets in the given order, so that two calls can deadlock."""
        self.attempts += 1
        async with transaction(self.db):
            for key in keys:
                planet = (await self.db.scalars(for_update(select(Planet).where(Planet.id == key)))).one()
                planet.mass += 1
                await asyncio.sleep(0.05)

    @retry_on_conflict
    async def fail(self, sqlstate: str) -> None:
        """Raise this error in PostgreSQL."""
        self.attempts += 1
        async with transaction(self.db):
            await self.db.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))

    @retry_on_conflict
    async def read_and_fail_once(self, key: int) -> int:
        """Read before the transaction, then fail in the way of a serialization failure."""
        self.attempts += 1
        mass = await self.db.scalar(select(Planet.mass).where(Planet.id == key)) or 0
        if self.attempts == 1:
            await self.db.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))
        return mass


@pytest.fixture(autouse=True)
async def two_planets(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit two planets; repeat calls without a pause."""
    monkeypatch.setattr(f"{retry_on_conflict.__module__}.random.uniform", lambda *_: 0)
    async with AsyncSessionLocal() as db, transaction(db):
        await db.execute(insert(Planet), [{"id": 1, "name": "mars"}, {"id": 2, "name": "venus"}])


async def masses() -> list[int]:
    """Return what another connection sees."""
    async with read_engine.connect() as other:
        return list(await other.scalars(select(Planet.mass).order_by(Planet.id)))


async def test_deadlocked_calls_are_repeated_and_succeed() -> None:
    async def grow(*keys: int) -> int:
        async with AsyncSessionLocal() as db:
            service = PlanetService(db)
            await service.grow(*keys)
            return service.attempts

    attempts = await asyncio.gather(grow(1, 2), grow(2, 1))
    assert sum(attempts) > 2
    assert await masses() == [3, 3]


@pytest.mark.parametrize(
    ("sqlstate", "attempts"),
    [("40001", ATTEMPTS), ("40P01", ATTEMPTS), ("23505", 1), ("55P03", 1)],
    ids=["serialization failure", "deadlock", "unique violation", "lock not available"],
)
async def test_only_retryable_errors_are_repeated(sqlstate: str, attempts: int) -> None:
    async with AsyncSessionLocal() as db:
        service = PlanetService(db)
        with pytest.raises(DBAPIError):
            await service.fail(sqlstate)
    assert service.attempts == attempts


async def test_call_that_fails_before_its_transaction_is_repeated_in_a_new_one() -> None:
    async with AsyncSessionLocal() as db:
        service = PlanetService(db)
        assert await service.read_and_fail_once(1) == 1
    assert service.attempts == 2


async def test_call_within_a_transaction_is_not_repeated() -> None:
    async def one_attempt(db: AsyncSession) -> None:
        service = PlanetService(db)
        with pytest.raises(DBAPIError):
            await service.fail("40001")
        assert service.attempts == 1

    async with AsyncSessionLocal() as db:
        async with transaction(db):
            await one_attempt(db)
        await db.execute(update(Planet).values(mass=7))
        await one_attempt(db)
        db.add(Planet(name="earth"))
        await one_attempt(db)
