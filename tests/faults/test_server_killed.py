"""PostgreSQL that is killed, or full: the service says so, in time, and goes on by itself."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import pytest

from .outlive import outlive
from .service import PostgreSQLDatabase, Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["own server"], indirect=True),
]

Serve = Callable[..., Service]


async def test_a_killed_server_costs_no_acknowledged_write(serve: Serve, database: PostgreSQLDatabase) -> None:
    """The server is killed and started again under load, three times: what was answered 2xx is stored, what failed was
    told 503, readiness follows, and the service answers again within 2 s of the server's return.
    """
    await outlive(serve(probe="clients", workers=2), database.server, database, within=2)


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


async def test_a_server_that_falls_silent_is_given_up(serve: Serve, database: PostgreSQLDatabase) -> None:
    """The system is told how long to wait for a server that was switched off or cut off: what it then does, is its own."""
    service = serve(probe="clients", DATABASE_NETWORK_TIMEOUT=4)
    async with service.client() as http:
        assert (await http.get("/probe/patience")).json() == [1, 4000]
