"""One row by key on Starlette and aiosqlite: `uvicorn baselines.sqlite:app` with DATABASE_FILE."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

USER = "id, email, username, full_name, is_active, created_at, updated_at"
ONE = f"SELECT {USER} FROM users WHERE id = ? AND deleted_at IS NULL"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Keep as many connections as the service that this route is compared with."""
    app.state.pool = asyncio.Queue[aiosqlite.Connection]()
    for _ in range(int(os.environ["DATABASE_POOL_SIZE"])):
        connection = await aiosqlite.connect(os.environ["DATABASE_FILE"], isolation_level=None)
        connection.row_factory = aiosqlite.Row
        await connection.execute("PRAGMA query_only = ON")
        app.state.pool.put_nowait(connection)
    yield
    while not app.state.pool.empty():
        await app.state.pool.get_nowait().close()


async def user(request: Request) -> Response:
    """Answer one user."""
    connection = await request.app.state.pool.get()
    try:
        rows = await connection.execute_fetchall(ONE, (request.path_params["key"],))
    finally:
        request.app.state.pool.put_nowait(connection)
    if not rows:
        return JSONResponse({"detail": "not found"}, 404)
    found = dict(rows[0])
    moments = {name: found[name].replace(" ", "T") + "Z" for name in ("created_at", "updated_at")}
    return JSONResponse(found | {"is_active": bool(found["is_active"])} | moments)


app = Starlette(routes=[Route("/users/{key:int}", user)], lifespan=lifespan)
