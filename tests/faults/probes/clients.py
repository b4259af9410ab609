"""Routes that take their time, and what the service holds of its database."""

import socket
import time
from typing import Any

import cheap_hashes  # noqa: F401
import slow
from probed.api.dependencies import ReadDB, WriteDB
from probed.core.database import engine, read_engine, transaction
from probed.main import app
from probed.models.user import User
from sqlalchemy import update


@app.get("/probe/sleep")
async def read_slowly(seconds: float, db: ReadDB) -> None:
    """Run a slow query."""
    await db.execute(slow.SLEEP, {"seconds": seconds})


@app.post("/probe/sleep")
async def write_slowly(seconds: float, db: WriteDB) -> None:
    """Write, then run a slow query in the same transaction."""
    async with transaction(db):
        await db.execute(update(User).where(User.id == 1).values(full_name="slow"))
        await db.execute(slow.SLEEP, {"seconds": seconds})


@app.get("/probe/held")
async def held() -> dict[str, int]:
    """Return how many connections are checked out, and how many queries have been seen running just now (SQLite)."""
    pools = {engine.sync_engine.pool, read_engine.sync_engine.pool}
    running = time.monotonic() - slow.last_nap < 0.1
    return {"connections": sum(pool.checkedout() for pool in pools), "queries": int(running)}


@app.get("/probe/patience")
async def patience() -> list[int]:
    """Return after how long a connection to PostgreSQL is given up that the network has cut (keep-alive, ms)."""
    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        peer = driver._transport.get_extra_info("socket")
        return [
            peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
        ]
