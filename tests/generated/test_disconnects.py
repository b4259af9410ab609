"""Clients that close their connection or do not read the response, over real connections."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest
import uvicorn
from fastapi import FastAPI, Request
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool
from starlette.types import Message

from my_service.api.dependencies import ReadDB, WriteDB
from my_service.core.database import read_engine, transaction
from my_service.db import disconnect
from my_service.main import app

from .planets import NOTES

pytestmark = pytest.mark.usefixtures("committed")

ENDLESS = {
    "postgresql": "SELECT pg_sleep(60)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
}
# Seconds that a watched request takes.
LONG = 0.4

# The service's own middleware around slow routes.
slow = FastAPI(middleware=app.user_middleware)


@slow.get("/endless")
async def endless(db: ReadDB) -> None:
    await db.execute(text(ENDLESS[read_engine.dialect.name]))


@slow.post("/write")
async def write(db: WriteDB) -> None:
    async with transaction(db):
        await db.execute(insert(NOTES).values(id=1))
        await asyncio.sleep(LONG)


@slow.get("/read")
async def read(db: ReadDB) -> None:
    await db.execute(text("SELECT 1"))


@slow.get("/echo")
async def echo(request: Request) -> str:
    await asyncio.sleep(LONG)
    return (await request.body()).decode()


@pytest.fixture(autouse=True)
def watch_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service watch requests after 0.1 seconds instead of one second."""
    monkeypatch.setattr(disconnect, "WATCH_AFTER_SECONDS", 0.1)


@pytest.fixture
async def port(engine: AsyncEngine) -> AsyncIterator[int]:
    """Serve the routes, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(slow, lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve([listening]))
        yield listening.getsockname()[1]
        server.should_exit = server.force_exit = True
        await serving


async def send(port: int, request: str) -> asyncio.StreamWriter:
    """Send the first line of a request, and return its connection."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n".encode())
    await writer.drain()
    return writer


async def until(connections: int) -> float:
    """Wait until so many connections for reading are in use, and return the seconds."""
    pool = read_engine.pool
    assert isinstance(pool, QueuePool)
    start = time.monotonic()
    async with asyncio.timeout(10):
        while pool.checkedout() != connections:  # noqa: ASYNC110 - a pool has no event
            await asyncio.sleep(0.01)
    return time.monotonic() - start


async def test_read_is_cancelled_when_the_client_disconnects(port: int) -> None:
    connection = await send(port, "GET /endless")
    await until(1)
    connection.close()
    assert await until(0) < 3


async def test_write_is_finished_when_the_client_disconnects(port: int) -> None:
    connection = await send(port, "POST /write")
    await asyncio.sleep(LONG / 2)
    connection.close()
    async with asyncio.timeout(5), read_engine.connect() as other:
        while not await other.scalar(select(NOTES.c.id)):  # noqa: ASYNC110 - a table has no event
            await asyncio.sleep(0.01)


async def test_body_of_a_slow_get_is_delivered(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody")
    async with asyncio.timeout(5):
        assert (await reader.read()).endswith(b'"body"')
    writer.close()


@pytest.mark.usefixtures("engine")
async def test_client_that_does_not_read_holds_no_connection() -> None:
    answering = asyncio.Event()

    async def send(message: Message) -> None:  # as of a server that waits until its client has read
        answering.set()
        await asyncio.sleep(60)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/read", "query_string": b"", "headers": []}
    request = asyncio.create_task(slow(scope, receive, send))
    async with asyncio.timeout(5):
        await answering.wait()
    await until(0)
    request.cancel()
