"""A route without a database while passwords are hashed, against the same route at rest."""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import copier
import httpx
from ratio import Figure, interleaved, spread

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 3
REGISTRATIONS = 16


async def p50(url: str, registrations: int, run: int) -> float:
    """Return the median time of GET /health/live, in seconds, while so many users register at once."""
    limits = httpx.Limits(max_connections=REGISTRATIONS + 1)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http:

        async def register(number: int) -> None:
            name = f"user{run}x{number}"
            body = {"email": f"{name}@example.com", "username": name, "password": "correct horse"}
            (await http.post("/api/v1/users", json=body)).raise_for_status()

        async def live() -> float:
            started = time.perf_counter()
            (await http.get("/health/live")).raise_for_status()
            return time.perf_counter() - started

        await live()
        at_work = [asyncio.create_task(register(number)) for number in range(registrations)]
        times: list[float] = []

        def enough() -> bool:
            return all(task.done() for task in at_work) if at_work else len(times) == 100

        while not enough():
            times.append(await live())
            await asyncio.sleep(0.002)
        await asyncio.gather(*at_work)
    return statistics.median(times)


def until_it_answers(port: int) -> None:
    """Wait until something listens on the port."""
    for _ in range(600):
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the service does not start")


def measure(runs: int = 5) -> Figure:
    """Measure on SQLite: nothing of it is about the database."""
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        project = Path(name) / "project"
        answers = {"database": "sqlite"}
        copier.run_copy(
            str(ROOT), project, data=answers, defaults=True, skip_tasks=True, unsafe=True, quiet=True, vcs_ref="HEAD"
        )
        environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        for target in ("setup", "db-upgrade"):
            command = ["make", target]
            subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        serve = [".venv/bin/uvicorn", "my_service.main:app", f"--port={port}", "--no-access-log"]
        with subprocess.Popen(serve, cwd=project, env=environment, stderr=subprocess.DEVNULL) as service:
            try:
                until_it_answers(port)
                count = iter(range(1000))

                def side(registrations: int) -> float:
                    return asyncio.run(p50(f"http://127.0.0.1:{port}", registrations, next(count)))

                measured = interleaved({"at rest": lambda: side(0), "hashing": lambda: side(REGISTRATIONS)}, runs)
            finally:
                service.terminate()
    ratio = statistics.median(measured["hashing"]) / statistics.median(measured["at rest"])
    detail = ", ".join(f"{name} {spread(values)}" for name, values in measured.items())
    return Figure("p50 while 16 users register", ratio, LIMIT, at_most=True, detail=detail)


if __name__ == "__main__":
    print(measure())
