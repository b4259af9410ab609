"""PostgreSQL that is killed, or full: the service says so, in time, and goes on by itself."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import httpx
import pytest

from .service import PostgreSQLDatabase, Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["own server"], indirect=True),
]

Serve = Callable[..., Service]


async def until(holds: Callable[[], Awaitable[bool]], seconds: float) -> float:
    """Wait until something holds, and return how long that took.

    Raises:
        TimeoutError: it took longer than so many seconds.
    """
    started = time.perf_counter()
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)
    return time.perf_counter() - started


async def test_a_killed_server_costs_no_acknowledged_write(serve: Serve, database: PostgreSQLDatabase) -> None:
    """The server is killed and started again under load, three times: what was answered 2xx is stored, what failed was
    told 503, readiness follows, and the service answers again within 2 s of the server's return.
    """
    service = serve(probe="clients", workers=2)
    acknowledged: set[str] = set()
    answers: Counter[int] = Counter()
    numbers = iter(range(1_000_000))
    stopped = asyncio.Event()

    async def register(http: httpx.AsyncClient) -> None:
        while not stopped.is_set():
            name = f"user{next(numbers)}"
            body = {"email": f"{name}@example.com", "username": name, "password": "correct horse"}
            answer = await http.post("/api/v1/users", json=body)
            answers[answer.status_code] += 1
            if answer.status_code == 201:
                acknowledged.add(name)
            elif answer.status_code == 503:
                assert answer.headers["Retry-After"].isdigit()
                await asyncio.sleep(0.05)

    async with service.client() as http:

        async def status(path: str) -> int:
            return (await http.get(path)).status_code

        async def ready() -> bool:
            return await status("/health/ready") == 200

        async def unready() -> bool:
            return await status("/health/ready") == 503

        async def answering() -> bool:
            return await status("/api/v1/users?limit=1") == 200

        load = [asyncio.create_task(register(http)) for _ in range(16)]
        for _ in range(3):
            await asyncio.sleep(1)
            assert await ready()
            await asyncio.to_thread(database.server.kill)
            noticed = await until(unready, 5)
            await asyncio.sleep(1)
            await asyncio.to_thread(database.server.start)
            back = await until(answering, 2)
            print(f"not ready {noticed:.2f} s after the kill, answering {back:.2f} s after the server's return")
            await until(ready, 2)
        await asyncio.sleep(1)
        stopped.set()
        await asyncio.gather(*load)
    stored = {row[0] for row in await database.run("SELECT username FROM users")}
    print(
        f"{answers[201]} acknowledged, {len(stored - acknowledged)} stored without an answer; answers {dict(answers)}"
    )
    assert acknowledged <= stored
    assert set(answers) == {201, 503}


@pytest.mark.parametrize("who", ["the pool", "the server"])
async def test_without_a_free_connection_a_client_is_told_in_time(
    serve: Serve, database: PostgreSQLDatabase, who: str
) -> None:
    """Whether the pool or the server has no connection left: 503 and Retry-After in bounded time, and no hang."""
    service = serve(probe="clients", DATABASE_POOL_SIZE=2, DATABASE_POOL_TIMEOUT=1)
    held: list[asyncpg.Connection] = []
    async with service.client() as http:
        if who == "the pool":
            load = [asyncio.create_task(http.get("/probe/sleep?seconds=4")) for _ in range(2)]
            await asyncio.sleep(0.5)
        else:
            load = []
            with suppress(asyncpg.TooManyConnectionsError):
                while True:
                    held.append(await asyncpg.connect(database.server.url(database.name)))
        started = time.perf_counter()
        answers = await asyncio.gather(*(http.get("/api/v1/users") for _ in range(20)))
        seconds = time.perf_counter() - started
        print(f"{who} has no connection: the last of 20 clients was told after {seconds:.2f} s")
        assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "1")}
        assert seconds < 3
        for connection in held:
            await connection.close()
        await asyncio.gather(*load)
        assert (await http.get("/api/v1/users")).status_code == 200
