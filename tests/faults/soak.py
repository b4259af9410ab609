"""Ten minutes of everything at once, the database going away every minute: `make soak` (MINUTES=1 for a short one)."""

import asyncio
import os
import random
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import httpx
import psutil
import pytest

from .service import Database, PostgreSQLDatabase, Service, SQLiteDatabase, randomness

pytestmark = [pytest.mark.faults, pytest.mark.anyio]

MINUTES = float(os.environ.get("MINUTES", "10"))
CLIENTS = 16
ROUND = 60.0  # seconds from one fault to the next
AWAY = 2.0  # seconds that the database is not there
RECOVERY = 3.0  # seconds after which no answer may be 503 any more
FLAT = 1.0  # MB a minute


class Load:
    """Clients that do what clients do, each waiting for its answer; what they are told is counted."""

    def __init__(self, service: Service, chance: random.Random) -> None:
        self.service, self.chance = service, chance
        self.answers: Counter[int] = Counter()
        self.unexplained: list[str] = []
        self.fault_ended = 0.0
        self.at_fault = False
        self.numbers = iter(range(10**9))
        self.users: list[int] = []

    async def request(self, http: httpx.AsyncClient) -> None:
        """Make one request of any kind."""
        name = f"user{next(self.numbers)}"
        user = self.chance.choice(self.users) if self.users else 1
        new = {"email": f"{name}@example.com", "username": name, "password": "correct horse"}
        post = {"title": name, "content": "x" * self.chance.randrange(1, 2000), "author_id": user}
        method, path, body = self.chance.choice(
            [
                ("POST", "/users", new),
                ("POST", "/posts", post),
                ("GET", "/users?limit=20", None),
                ("GET", "/posts?limit=20", None),
                ("GET", f"/users/{user}", None),
                ("PATCH", f"/users/{user}", {"full_name": name}),
                ("DELETE", f"/users/{user}", None),
                ("POST", f"/users/{user}/restore", None),
                ("POST", "/users", {**new, "email": "nobody"}),
                ("GET", "/users/0", None),
            ]
        )
        timeout = 0.01 if self.chance.random() < 0.05 else 30  # some leave at once
        try:
            answer = await http.request(method, f"/api/v1{path}", json=body, timeout=timeout)
        except httpx.TimeoutException:
            return
        self.answers[answer.status_code] += 1
        if (method, path, answer.status_code) == ("POST", "/users", 201):
            self.users = [*self.users[-200:], answer.json()["id"]]
        explained = self.at_fault or time.monotonic() - self.fault_ended < RECOVERY
        if answer.status_code >= 500 and not (answer.status_code == 503 and explained):
            self.unexplained.append(f"{method} {path}: {answer.status_code} {answer.text}")

    async def run(self, until: float) -> None:
        """Make requests until then."""
        async with self.service.client(connections=CLIENTS) as http:

            async def client() -> None:
                while time.monotonic() < until:
                    await self.request(http)

            await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def go_away(database: Database) -> None:
    """Kill the server, or lock the file, and bring it back."""
    if isinstance(database, PostgreSQLDatabase):
        await asyncio.to_thread(database.server.kill)
        await asyncio.sleep(AWAY)
        await asyncio.to_thread(database.server.start)
        return
    assert isinstance(database, SQLiteDatabase)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(AWAY)
        other.execute("ROLLBACK")


@pytest.mark.parametrize("database", ["own server", "sqlite"], indirect=True)
async def test_nothing_grows_and_nothing_is_left(serve: Callable[..., Service], database: Database) -> None:
    """Under mixed load with faults a service's memory stays flat, no connection is lost, and no 5xx lacks a cause."""
    service = serve(probe="clients", DATABASE_POOL_SIZE=8, DATABASE_LOCK_TIMEOUT=1, DATABASE_POOL_TIMEOUT=5)
    process = psutil.Process(service.pid)
    started = time.monotonic()
    until = started + MINUTES * 60
    load = Load(service, randomness())
    memory: list[tuple[float, float]] = []

    async def disturb() -> None:
        while time.monotonic() + ROUND / 2 < until:
            await asyncio.sleep(ROUND / 2)
            load.at_fault = True
            await go_away(database)
            load.at_fault, load.fault_ended = False, time.monotonic()
            await asyncio.sleep(ROUND / 2 - AWAY)
            print(f"  {(time.monotonic() - started) / 60:.1f} min: {memory[-1][1]:.1f} MB, {dict(load.answers)}")

    async def watch() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(1)
            memory.append(((time.monotonic() - started) / 60, process.memory_info().rss / 2**20))

    await asyncio.gather(load.run(until), disturb(), watch())
    await asyncio.sleep(2)
    async with service.client() as http:
        held = (await http.get("/probe/held")).json()
    later = memory[len(memory) // 2 :]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope
    print(f"{database.kind}: {sum(load.answers.values())} requests in {MINUTES:g} min: {dict(load.answers)}")
    print(f"{database.kind}: memory {memory[0][1]:.1f} to {memory[-1][1]:.1f} MB; second half {slope:+.2f} MB a minute")
    assert load.unexplained == []
    assert held["connections"] == 0
    if isinstance(database, PostgreSQLDatabase):
        left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'service' AND (state <> 'idle' OR xact_start IS NOT NULL)"
        assert await database.run(left) == [(0,)]
    if MINUTES >= 10:  # caches fill in the first minutes
        assert slope < FLAT
