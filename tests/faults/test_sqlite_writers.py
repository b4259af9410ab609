"""SQLite: writers wait for each other and lose nothing; readers wait for nobody; who is cancelled frees the lock."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import httpx
import pytest

from .service import Service, SQLiteDatabase, p99

pytestmark = [
    pytest.mark.faults,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]

Serve = Callable[..., Service]


@pytest.mark.parametrize("processes", [1, 4])
async def test_no_update_is_lost(serve: Serve, database: SQLiteDatabase, processes: int) -> None:
    """50 tasks that read and then write one row 10 times each all commit, in one process or in each of four."""
    service = serve()
    await service.create_user()
    await database.run("UPDATE users SET full_name = '0'")
    printed = await asyncio.gather(*(service.program("increments", "50", "10") for _ in range(processes)))
    seconds = [second for lines in printed for second in json.loads(lines)]
    print(f"{len(seconds)} transactions of {processes} x 50 tasks: p99 {p99(seconds):.2f} s, last {max(seconds):.2f} s")
    assert await database.run("SELECT full_name FROM users") == [(f"{processes * 500}",)]


@pytest.mark.parametrize("other", ["POST", "GET"], ids=["a writer", "another reader"])
async def test_reading_waits_for_nobody(serve: Serve, database: SQLiteDatabase, other: str) -> None:
    """While a transaction stays open for two seconds, the generated GET routes answer as if it were not there."""
    service = serve(probe="writers")
    user = await service.create_user()
    seconds: list[float] = []

    async def read(http: httpx.AsyncClient) -> None:
        while not held.done():
            for path in (f"/api/v1/users/{user}", "/api/v1/users", "/api/v1/posts"):
                started = time.perf_counter()
                assert (await http.get(path)).status_code == 200
                seconds.append(time.perf_counter() - started)

    async with service.client() as http:
        await http.get("/api/v1/users")
        held = asyncio.create_task(http.request(other, "/probe/hold", params={"seconds": 2}))
        await asyncio.sleep(0.1)
        await asyncio.gather(*(read(http) for _ in range(4)))
        assert (await held).status_code == 200
    print(f"{len(seconds)} reads beside an open {other}: p99 {p99(seconds):.3f} s, slowest {max(seconds):.3f} s")
    assert max(seconds) < 1


@pytest.mark.parametrize(
    "state",
    [
        "waiting for the lock",
        "between two statements",
        "in a statement",
        "in a statement, a stream open",
        "at a row that nobody fetched",
        "in COMMIT",
    ],
)
async def test_a_cancelled_request_frees_the_lock(serve: Serve, database: SQLiteDatabase, state: str) -> None:
    """When a request is cancelled, whatever it was doing, the next one can write at once, and nothing is half done."""
    service = serve(probe="writers")
    user = await service.create_user()
    await database.run("CREATE TABLE blobs (content)")
    async with service.client() as http:
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            if state == "waiting for the lock":
                other.execute("BEGIN IMMEDIATE")
            asked = asyncio.create_task(http.post("/probe/cancelled", params={"state": state}))
            await asyncio.sleep(0.5)
            if state == "waiting for the lock":
                other.execute("ROLLBACK")
        started = time.perf_counter()
        committed = (await asked).json()
        answered = time.perf_counter()
        changed = await http.patch(f"/api/v1/users/{user}", json={"username": "grace"})
        seconds = time.perf_counter() - answered
        print(
            f"cancelled {state}: {'committed' if committed else 'rolled back'}, answered after"
            f" {answered - started:.2f} s more, the next write took {seconds:.3f} s"
        )
        assert changed.status_code == 200
        assert seconds < 1
    blobs = await database.run("SELECT 1 FROM blobs")
    names = await database.run("SELECT full_name FROM users")
    assert (names, len(blobs)) in ([([("Ada",)], 0), ([(state,)], 1)] if state == "in COMMIT" else [([("Ada",)], 0)])


async def test_foreign_keys_are_enforced(serve: Serve, database: SQLiteDatabase) -> None:
    """Every connection of the service refuses a row that refers to nothing."""
    service = serve(probe="writers")
    async with service.client() as http:
        assert (await http.get("/probe/foreign-keys")).json() == [1] * 10
        assert (await http.post("/probe/orphan")).status_code == 409
    assert await database.run("SELECT * FROM posts") == []
