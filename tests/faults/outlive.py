"""A service whose database is killed and started again under load."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

import httpx

from .service import Database, Service


class Server(Protocol):
    """What can be killed and started again."""

    def kill(self) -> None:
        """End it at once."""

    def start(self) -> None:
        """Start it, and return once it accepts connections."""


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


class Registrations:
    """Users who register until `stopped` is set, and what they were told."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.stopped = asyncio.Event()
        self._numbers = iter(range(1_000_000))

    async def register(self, http: httpx.AsyncClient) -> None:
        """Register one after another."""
        while not self.stopped.is_set():
            name = f"user{next(self._numbers)}"
            body = {"email": f"{name}@example.com", "username": name, "password": "correct horse"}
            answer = await http.post("/api/v1/users", json=body)
            self.answers[answer.status_code] += 1
            if answer.status_code == 201:
                self.acknowledged.add(name)
            elif answer.status_code == 503:
                assert answer.headers["Retry-After"].isdigit()
                await asyncio.sleep(0.05)


async def outlive(service: Service, server: Server, database: Database, within: float) -> None:
    """Kill the server and start it again while users register, three times; nothing acknowledged may be lost.

    The service answers again within so many seconds of the server's return, and is ready within as many more. The time
    that /health/live takes is not counted: it uses no database, so only a busy machine delays it.
    """
    users = Registrations()

    async with service.client() as http:

        async def status(path: str) -> int:
            return (await http.get(path)).status_code

        async def unready() -> bool:
            return await status("/health/ready") == 503

        async def returns(path: str) -> float:
            """Return how many seconds the database keeps a route from answering."""
            busy = 0.0

            async def answers_again() -> bool:
                nonlocal busy
                started = time.perf_counter()
                assert await status("/health/live") == 200
                busy += time.perf_counter() - started
                return await status(path) == 200

            seconds = await until(answers_again, 5 * within) - busy
            assert seconds < within, (path, seconds, busy)
            return seconds

        load = [asyncio.create_task(users.register(http)) for _ in range(16)]
        for _ in range(3):
            await asyncio.sleep(1)
            assert await status("/health/ready") == 200
            await asyncio.to_thread(server.kill)
            noticed = await until(unready, 5)
            await asyncio.sleep(1)
            await asyncio.to_thread(server.start)
            back = await returns("/api/v1/users?limit=1")
            print(f"not ready {noticed:.2f} s after the kill, answering {back:.2f} s after the server's return")
            await returns("/health/ready")
        await asyncio.sleep(1)
        users.stopped.set()
        await asyncio.gather(*load)
    stored = {row[0] for row in await database.run("SELECT username FROM users")}
    lost = users.acknowledged - stored
    print(
        f"{users.answers[201]} acknowledged, {len(lost)} lost, {len(stored - users.acknowledged)} stored without an answer;"
        f" answers {dict(users.answers)}"
    )
    assert not lost
    assert set(users.answers) == {201, 503}
