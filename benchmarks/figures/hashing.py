"""Password hashing: its effect on other requests, and whether the time of a registration reveals a taken e-mail."""

import asyncio
import statistics
import tempfile
import time
from itertools import count
from pathlib import Path

import httpx

from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import Rendered

LIVE_LIMIT, TAKEN_LIMIT = 3, 1.2
REGISTRATIONS = 16


def registration(name: str) -> dict[str, str]:
    """Return the request body that registers a user with this name."""
    return {"email": f"{name}@example.com", "username": name, "password": "correct horse"}


async def live(url: str, registrations: int, run: int) -> float:
    """Return the median time of GET /health/live, in seconds, while this many users register at once."""
    limits = httpx.Limits(max_connections=REGISTRATIONS + 1)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http:

        async def register(number: int) -> None:
            (await http.post("/api/v1/users", json=registration(f"user{run}x{number}"))).raise_for_status()

        async def once() -> float:
            started = time.perf_counter()
            (await http.get("/health/live")).raise_for_status()
            return time.perf_counter() - started

        await once()
        at_work = [asyncio.create_task(register(number)) for number in range(registrations)]
        times: list[float] = []

        def enough() -> bool:
            return all(task.done() for task in at_work) if at_work else len(times) == 100

        while not enough():
            times.append(await once())
            await asyncio.sleep(0.002)
        await asyncio.gather(*at_work)
    return statistics.median(times)


def registering(http: httpx.Client, names: list[str], status: int) -> float:
    """Return the median time of sequential registrations, in seconds; each must return this status."""
    times: list[float] = []
    for name in names:
        started = time.perf_counter()
        answer = http.post("/api/v1/users", json=registration(name))
        times.append(time.perf_counter() - started)
        assert answer.status_code == status, answer.text
    return statistics.median(times)


def measure(runs: int = 5) -> list[Figure]:
    """Measure on SQLite, because the figures do not depend on the database."""
    with (
        tempfile.TemporaryDirectory() as name,
        Rendered(Path(name) / "project", database="sqlite").served("--no-access-log") as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        runs_so_far = count()

        def p50(registrations: int) -> float:
            return asyncio.run(live(url, registrations, next(runs_so_far)))

        def free() -> float:
            return registering(http, [f"free{next(runs_so_far)}" for _ in range(20)], 201)

        http.post("/api/v1/users", json=registration("taken")).raise_for_status()
        beside = interleaved({"at rest": lambda: p50(0), "hashing": lambda: p50(REGISTRATIONS)}, runs)
        told = interleaved({"free": free, "taken": lambda: registering(http, ["taken"] * 20, 409)}, runs)
    slower_first = sorted(told, key=lambda side: statistics.median(told[side]), reverse=True)
    return [
        compare("p50 while 16 users register", beside, "hashing", "at rest", limit=LIVE_LIMIT, at_most=True),
        compare("registering, free or taken", told, *slower_first, limit=TAKEN_LIMIT, at_most=True),
    ]


if __name__ == "__main__":
    print(*measure(), sep="\n")
