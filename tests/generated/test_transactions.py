"""Sessions and transactions on the real engine."""

import asyncio
import logging

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.core.database import AsyncSessionLocal, get_db, read_engine, transaction
from my_service.db import slow_query_log

from .planets import NOTES

pytestmark = pytest.mark.usefixtures("committed")


async def add(db: AsyncSession, key: int) -> None:
    """Write a row as a service does, in a transaction of its own."""
    async with transaction(db):
        await db.execute(insert(NOTES).values(id=key))


async def stored() -> list[int]:
    """Return the rows that another connection sees."""
    async with read_engine.connect() as other:
        return list(await other.scalars(select(NOTES.c.id).order_by(NOTES.c.id)))


async def test_transaction_commits() -> None:
    async with AsyncSessionLocal() as db:
        await add(db, 1)
        assert await stored() == [1]


async def test_transaction_commits_after_a_read() -> None:
    async with AsyncSessionLocal() as db:
        await db.scalar(select(func.count()).select_from(NOTES))
        await add(db, 1)
    assert await stored() == [1]


async def test_error_rolls_back_the_whole_transaction() -> None:
    async def fail() -> None:
        async with AsyncSessionLocal() as db, transaction(db):
            await add(db, 1)
            await add(db, 2)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await stored() == []


async def test_nested_transactions_commit_once() -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        await add(db, 1)
        await add(db, 2)
        assert await stored() == []
    assert await stored() == [1, 2]


async def test_failed_nested_transaction_leaves_the_outer_one_intact() -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        await add(db, 1)
        with pytest.raises(IntegrityError):
            await add(db, 1)
        await add(db, 2)
    assert await stored() == [1, 2]


async def test_explicit_begin_decides_about_the_commit() -> None:
    async with AsyncSessionLocal() as db, db.begin() as begun:
        await add(db, 1)
        await begun.rollback()
    assert await stored() == []
    async with AsyncSessionLocal.begin() as db:
        await add(db, 1)
    assert await stored() == [1]


async def test_transaction_in_a_savepoint_commits_nothing() -> None:
    async with AsyncSessionLocal() as db:
        await db.scalar(select(NOTES.c.id))
        async with db.begin_nested():
            await add(db, 1)
        await db.rollback()
    assert await stored() == []


async def test_session_is_usable_after_an_error() -> None:
    async with AsyncSessionLocal() as db:
        await add(db, 1)
        with pytest.raises(IntegrityError):
            await add(db, 1)
        await add(db, 2)
    assert await stored() == [1, 2]


async def test_cancelled_transaction_is_rolled_back_and_releases_its_locks() -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with AsyncSessionLocal() as db, transaction(db):
            await add(db, 1)
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(2), AsyncSessionLocal() as db:
        await add(db, 2)
    assert await stored() == [2]


async def test_get_db_does_not_commit() -> None:
    async for db in get_db():
        await db.execute(insert(NOTES).values(id=1))
    assert await stored() == []


async def test_rows_are_streamed_in_a_transaction() -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        await db.execute(insert(NOTES), [{"id": key} for key in range(1, 2001)])
    async with AsyncSessionLocal() as db, transaction(db):
        rows = await db.stream_scalars(select(NOTES.c.id).order_by(NOTES.c.id))
        assert [key async for key in rows] == [*range(1, 2001)]


async def test_readers_do_not_wait_for_a_writer() -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        await db.execute(insert(NOTES).values(id=1))
        async with asyncio.timeout(1), read_engine.connect() as first, read_engine.connect() as second:
            assert (await first.execute(select(NOTES))).all() == []
            assert (await second.execute(select(NOTES))).all() == []


async def test_concurrent_increments_lose_no_update() -> None:
    async with AsyncSessionLocal() as db:
        await add(db, 0)

    async def increment() -> None:
        async with AsyncSessionLocal() as db, transaction(db):
            current = await db.scalar(select(NOTES.c.id).with_for_update())
            await db.execute(NOTES.update().values(id=(current or 0) + 1))

    await asyncio.gather(*(increment() for _ in range(20)))
    assert await stored() == [20]


async def test_slow_statement_is_logged_without_its_values(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 1000, 2))  # every statement takes two seconds
    monkeypatch.setattr(f"{slow_query_log.__name__}.time.perf_counter", lambda: next(ticks))
    with caplog.at_level(logging.WARNING):
        async with AsyncSessionLocal() as db:
            await db.execute(text("SELECT :password"), {"password": "unspoken"})
    assert "Slow query: 2.00s - SELECT" in caplog.text
    assert "unspoken" not in caplog.text


async def test_fast_statement_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with AsyncSessionLocal() as db:
            await db.execute(text("SELECT 1"))
    assert caplog.text == ""


async def test_error_does_not_repeat_values() -> None:
    async with AsyncSessionLocal() as db:
        with pytest.raises(DBAPIError) as error:
            await db.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": "unspoken"})
    assert "unspoken" not in str(error.value)
