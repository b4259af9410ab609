"""Measure where the time of a request goes: one row by key through one more layer at a time.

The driver's pool on Starlette is the reference. A service cannot be faster than the layers that it consists of.
"""

import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx

from tests.harness import free_port

from ..harness.load import RUNS, load
from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import Rendered
from ..harness.services import BENCHMARKS, FLAGS, POOL, USERS, add_routes, fill
from ..harness.serving import MEASURED, OTHERS, on, serving
from .http import CLIENTS, RATE

LIMIT = "Starlette, driver"
LAYERS = {
    LIMIT: ("starlette", "driver"),
    "Starlette, SQLAlchemy's connection": ("starlette", "connection"),
    "Starlette, SQLAlchemy's session": ("starlette", "session"),
    "FastAPI, no database": ("fastapi", "nothing"),
    "FastAPI, driver": ("fastapi", "driver"),
    "FastAPI, SQLAlchemy's connection": ("fastapi", "connection"),
    "FastAPI, SQLAlchemy's session": ("fastapi", "session"),
    "FastAPI, SQLAlchemy's session in a transaction": ("fastapi", "transaction"),
}


def measure(runs: int = RUNS) -> list[Figure]:
    """Measure on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        with on(OTHERS):
            database = stack.enter_context(postgresql())
        project = Rendered(Path(folder) / "project", {"DATABASE_URL": database.url(), **POOL})
        add_routes(project)
        project.python("-m", "alembic", "upgrade", "head")
        fill(database)
        environment = project.environment | {"PYTHONPATH": str(BENCHMARKS)}
        with on(MEASURED):
            ours = stack.enter_context(project.served(*FLAGS)) + f"/api/v1/users/{USERS // 2}"
            roots: dict[str, str] = {}
            for framework in ("starlette", "fastapi"):
                port = free_port()
                program = str(project.path / ".venv/bin/uvicorn")
                command = [program, f"baselines.layers:{framework}", f"--port={port}", *FLAGS]
                roots[framework] = stack.enter_context(serving(command, port, BENCHMARKS, environment))
        urls = {name: f"{roots[framework]}/{path}/{USERS // 2}" for name, (framework, path) in LAYERS.items()}
        urls |= {"ours, columns": f"{ours}/columns", "ours": ours}
        answers = {name: httpx.get(url).raise_for_status().json()["id"] for name, url in urls.items()}
        assert set(answers.values()) == {USERS // 2}, answers

        def rate(url: str) -> float:
            result = load(url, clients=CLIENTS)
            assert result.errors == 0, result
            return result.rate

        measured = interleaved({name: partial(rate, url) for name, url in urls.items()}, runs, RATE)
    return [compare(name, measured, name, LIMIT, limit=None, unit=RATE) for name in measured if name != LIMIT] + [
        compare(
            "ours, to FastAPI with SQLAlchemy's session",
            measured,
            "ours",
            "FastAPI, SQLAlchemy's session",
            limit=None,
            unit=RATE,
        ),
    ]


if __name__ == "__main__":
    print(*measure(), sep="\n")
