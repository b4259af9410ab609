"""Transactions on SQLite that stay open, or are cancelled in a given state."""

import asyncio
import gc
from contextlib import suppress

from probed.api.dependencies import ReadDB, WriteDB
from probed.core.database import engine, read_engine, transaction
from probed.main import app
from probed.models.post import Post
from probed.models.user import User
from slow import SLEEP
from sqlalchemy import Connection, event, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

# Nothing here may wait for the garbage collector, which comes when it likes.
gc.disable()
ROWS = text("WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers) SELECT i FROM numbers")
_committing: list[asyncio.Task[None]] = []


@event.listens_for(engine.sync_engine, "commit")
def _cancel_soon(connection: Connection) -> None:
    while _committing:
        asyncio.get_running_loop().call_later(0.01, _committing.pop().cancel)


@app.post("/probe/hold")
async def hold(seconds: float, db: WriteDB) -> None:
    """Write, and keep the transaction open."""
    async with transaction(db):
        await db.execute(update(User).values(full_name="held"))
        await asyncio.sleep(seconds)


@app.get("/probe/hold")
async def hold_reading(seconds: float, db: ReadDB) -> None:
    """Read, and keep the transaction open."""
    await db.scalar(select(func.count()).select_from(User))
    await asyncio.sleep(seconds)


async def _write(state: str, db: AsyncSession) -> None:
    async with transaction(db):
        await db.execute(update(User).values(full_name=state))
        if state == "between two statements":
            await asyncio.sleep(10)
        if state == "in a statement":
            await db.execute(SLEEP, {"seconds": 10})
        if state == "at a row that nobody fetched":
            # The database looks for an interruption before the nap, not between the nap and the row.
            await db.execute(text("SELECT nap(0.5)"))
        if state == "in a statement, a stream open":
            async for _ in await db.stream(ROWS):
                await db.execute(SLEEP, {"seconds": 10})
        if state == "in COMMIT":
            # COMMIT takes its time when it has all of this to write.
            await db.execute(text("PRAGMA cache_size = -200000"))
            await db.execute(text("INSERT INTO blobs SELECT zeroblob(60000000)"))
            _committing.append(asyncio.current_task())


@app.post("/probe/cancelled")
async def cancelled(state: str, db: WriteDB) -> bool:
    """Cancel a transaction in this state, and return whether it was committed all the same."""
    work = asyncio.create_task(_write(state, db))
    if state != "in COMMIT":
        asyncio.get_running_loop().call_later(0.2, work.cancel)
    with suppress(asyncio.CancelledError):
        await work
    return not work.cancelled()


@app.post("/probe/orphan")
async def orphan(db: WriteDB) -> None:
    """Write a post without an author, past all checks."""
    async with transaction(db):
        await db.execute(insert(Post).values(title="a", content="a", author_id=0))


@app.get("/probe/foreign-keys")
async def foreign_keys() -> list[int]:
    """Return whether each of ten connections of both engines enforces foreign keys."""

    async def ask(number: int) -> int:
        async with (engine if number % 2 else read_engine).connect() as connection:
            return (await connection.execute(text("PRAGMA foreign_keys"))).scalar_one()

    return await asyncio.gather(*map(ask, range(10)))
