"""Clients that go away: whatever they asked for, the service holds nothing on their behalf."""

import asyncio
import json
import random
import socket
import sqlite3
import struct
import time
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest

from .service import ADA, PACKAGE, Database, Service, SQLiteDatabase, randomness

pytestmark = [pytest.mark.faults, pytest.mark.anyio]

Serve = Callable[..., Service]


def request(method: str, path: str, body: object = None) -> bytes:
    """Return the bytes of a request."""
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return f"{head}\r\n\r\n".encode() + content


async def cut(service: Service, content: bytes, seconds: float, reset: bool = False) -> None:
    """Send this, and go away after so many seconds: as a program that is killed, or as one whose machine is."""
    _, writer = await asyncio.open_connection("127.0.0.1", service.port)
    if reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.write(content)
    await asyncio.sleep(seconds)
    writer.transport.abort()


async def held(http: httpx.AsyncClient, database: Database) -> dict[str, int]:
    """Return what the service holds: connections, and queries or transactions that the database sees."""
    found: dict[str, int] = (await http.get("/probe/held")).json()
    if database.kind == "postgresql":
        busy = f"application_name = '{PACKAGE}' AND datname = current_database() AND state <> 'idle'"
        found["queries"] = len(await database.run(f"SELECT query FROM pg_stat_activity WHERE {busy}"))
    return found


async def time_until_free(http: httpx.AsyncClient, database: Database, limit: float) -> float:
    """Return after how many seconds the service holds nothing."""
    started = time.perf_counter()
    while any((found := await held(http, database)).values()):
        seconds = time.perf_counter() - started
        assert seconds < limit, f"after {seconds:.1f} s the service still holds {found}"
        await asyncio.sleep(0.05)
    return time.perf_counter() - started


def assert_no_transaction_is_open(database: SQLiteDatabase) -> None:
    """Assert that nobody writes, and that nobody reads: the write-ahead log can be emptied."""
    with closing(sqlite3.connect(database.path, timeout=0, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy


async def test_requests_that_are_cut_off_leave_nothing_behind(serve: Serve, database: Database) -> None:
    """After 1,000 clients that went away at random moments no connection, transaction or query of theirs is left."""
    service = serve(probe="clients")
    user = await service.create_user()
    chance = randomness()

    def choose(number: int) -> bytes:
        new = {**ADA, "email": f"u{number}@example.com", "username": f"u{number}"}
        whole = chance.choice(
            [
                request("GET", "/api/v1/users"),
                request("GET", f"/api/v1/users/{user}"),
                request("POST", "/api/v1/users", new),
                request("PATCH", f"/api/v1/users/{user}", {"full_name": f"{number}"}),
                request("POST", "/api/v1/posts", {"title": "a", "content": "a", "author_id": user}),
                request("GET", "/probe/sleep?seconds=0.2"),
                request("POST", "/probe/sleep?seconds=0.02"),
            ]
        )
        return whole if chance.random() < 0.8 else whole[: chance.randrange(len(whole))]

    waiting = iter(range(1000))

    async def go_away(chance: random.Random) -> None:
        for number in waiting:
            # Most before the handler is done with them, some before it has begun, some in the middle of the answer.
            seconds = chance.choice([0, 0.05, 0.05, 0.5]) * chance.random()
            await cut(service, choose(number), seconds, reset=chance.random() < 0.5)

    async with service.client() as http:
        started = time.perf_counter()
        await asyncio.gather(*(go_away(chance) for _ in range(32)))
        cutting = time.perf_counter() - started
        seconds = await time_until_free(http, database, 30)
        print(f"{database.kind}: 1,000 requests cut off within {cutting:.1f} s; nothing is held {seconds:.2f} s later")
        if isinstance(database, SQLiteDatabase):
            assert_no_transaction_is_open(database)
        answers = await asyncio.gather(*(http.get(f"/api/v1/users/{user}") for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        body = {**ADA, "email": "new@example.com", "username": "new"}
        assert (await http.post("/api/v1/users", json=body)).status_code == 201


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_query_whose_client_left(serve: Serve, database: Database, method: str) -> None:
    """A reading request ends with its client, within 2 s; a writing one goes on to its end, and frees what it had."""
    service = serve(probe="clients")
    await service.create_user()
    async with service.client() as http:
        leaves = asyncio.create_task(cut(service, request(method, "/probe/sleep?seconds=20"), 1))
        await asyncio.sleep(0.5)
        assert (await held(http, database)) == {"connections": 1, "queries": 1}
        await leaves
        seconds = await time_until_free(http, database, 40)
    print(f"{database.kind}: a query of 20 s runs on for {seconds:.1f} s when the client of its {method} is gone")
    names = await database.run("SELECT full_name FROM users")
    if method == "GET":
        assert seconds < 2
    else:
        assert names == [("slow",)]
