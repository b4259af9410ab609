"""Compare the start-up time and memory of a worker with those of a FastAPI application with one route.

A second such application also imports SQLAlchemy and the driver, and uses neither. It shows the cost of the imports.
"""

import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

from tests.harness import free_port

from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import Rendered
from ..harness.services import FLAGS

LIMIT = 1.5
BARE = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}
"""
DRIVER = {"postgresql": "asyncpg", "sqlite": "aiosqlite"}
WITH_SQLALCHEMY = f"""{BARE}

import sqlalchemy.ext.asyncio
import sqlalchemy.orm

sqlalchemy.ext.asyncio.create_async_engine("%s+%s://")
"""
IMPORT = "import time; start = time.perf_counter(); import {0}.main; print(time.perf_counter() - start)"


def first_answer(project: Rendered, application: str) -> tuple[float, float]:
    """Return the seconds from the command to the first response, and the private memory of the process, in MB."""
    port = free_port()
    command = [str(project.path / ".venv/bin/uvicorn"), f"{application}.main:app", f"--port={port}", *FLAGS]
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=project.path, env=project.environment) as service:
        try:
            while True:
                assert service.poll() is None, command
                with (
                    suppress(URLError, ConnectionError),
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live"),
                ):
                    break
                time.sleep(0.002)
            took = time.perf_counter() - start
            return took, _private(service.pid)
        finally:
            service.terminate()


def _private(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = {line.partition(":")[0]: line.split()[1] for line in rollup[1:]}
    return (int(kilobytes["Private_Clean"]) + int(kilobytes["Private_Dirty"])) / 1024


def measure(database: str, runs: int = 9) -> list[Figure]:
    """Measure a service with this database. It sends no query before its first response."""
    with tempfile.TemporaryDirectory() as folder:
        project = Rendered(Path(folder) / "project", database=database)
        for package, code in {
            "bare": BARE,
            "with_sqlalchemy": WITH_SQLALCHEMY % (database, DRIVER[database]),
        }.items():
            (project.path / "src" / package).mkdir()
            (project.path / "src" / package / "main.py").write_text(code)
        sides = {"ours": "my_service", "bare": "bare", "with SQLAlchemy": "with_sqlalchemy"}
        memory: dict[str, list[float]] = {name: [] for name in sides}

        def importing(application: str) -> Callable[[], float]:
            return lambda: float(project.python("-c", IMPORT.format(application)))

        def answering(name: str, application: str) -> Callable[[], float]:
            def measured() -> float:
                took, megabytes = first_answer(project, application)
                memory[name].append(megabytes)
                return took

            return measured

        imports = interleaved({name: importing(application) for name, application in sides.items()}, runs)
        answers = interleaved({name: answering(name, application) for name, application in sides.items()}, runs)
    return [
        compare(f"{what}, to {text}, {database}", measured, "ours", other, limit=limit, at_most=True, unit=unit)
        for what, measured, unit in [
            ("import", imports, "s"),
            ("first answer", answers, "s"),
            ("memory of an idle worker", memory, "MB"),
        ]
        for other, text, limit in [("bare", "FastAPI", LIMIT), ("with SQLAlchemy", "FastAPI with SQLAlchemy", None)]
    ]


if __name__ == "__main__":
    for name in ("postgresql", "sqlite"):
        print(*measure(name), sep="\n")
