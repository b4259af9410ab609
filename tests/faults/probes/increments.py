"""Counts in a row, in so many tasks so many times each, as services do; prints how long each transaction took."""

import asyncio
import json
import sys
import time

from probed.core.database import AsyncSessionLocal, engine, transaction
from probed.models.user import User
from sqlalchemy import select


async def _increment() -> float:
    started = time.perf_counter()
    async with AsyncSessionLocal() as db, transaction(db):
        user = (await db.scalars(select(User).with_for_update())).one()
        await asyncio.sleep(0)
        user.full_name = str(int(user.full_name or 0) + 1)
    return time.perf_counter() - started


async def _repeat(times: int) -> list[float]:
    return [await _increment() for _ in range(times)]


async def _main(tasks: int, times: int) -> None:
    seconds = await asyncio.gather(*(_repeat(times) for _ in range(tasks)))
    await engine.dispose()
    print(json.dumps([second for task in seconds for second in task]))


asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
