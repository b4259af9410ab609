"""Compare one worker with two, and uvicorn with other servers. No server has a processor of its own here."""

import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.harness import free_port

from ..harness.load import PROCESSOR, RUNS, Load, load, processor_milliseconds
from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import PROGRAMS, Rendered
from ..harness.services import FLAGS, POOL, USERS, fill
from ..harness.serving import serving
from .http import CLIENTS, RATE

# Clients connect one after the other, as in production: one worker would accept all that connect at once.
COMING, CLIENTS_EACH, SECONDS_EACH = 8, 2, 2
APPLICATION = "my_service.main:app"
SERVERS = {
    "uvicorn": ["uvicorn", APPLICATION, "--port={port}", *FLAGS],
    "granian": [
        *("granian", APPLICATION, "--interface=asgi", "--loop=uvloop", "--port={port}"),
        *("--no-access-log", "--log-level=warning"),
    ],
    "hypercorn": ["hypercorn", APPLICATION, "--worker-class=uvloop", "--bind=127.0.0.1:{port}"],
}


def rate(url: str) -> float:
    """Return the requests/s of all clients together."""
    with ThreadPoolExecutor(COMING) as clients:
        loads: list[Future[Load]] = []
        for _ in range(COMING):
            loads.append(clients.submit(load, url, clients=CLIENTS_EACH, seconds=SECONDS_EACH))
            time.sleep(0.05)
        results = [answered.result() for answered in loads]
    assert not any(result.errors for result in results), results
    return sum(result.rate for result in results)


def measure(runs: int = RUNS) -> list[Figure]:
    """Measure on PostgreSQL, with the newest release of each server."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database = stack.enter_context(postgresql())
        project = Rendered(Path(folder) / "project", {"DATABASE_URL": database.url(), **POOL})
        python = project.path / ".venv/bin/python"
        project.run(PROGRAMS / "uv", "pip", "install", "--quiet", "--python", python, "granian", "hypercorn")
        project.python("-m", "alembic", "upgrade", "head")
        fill(database)

        def served(name: str, *more: str) -> str:
            port = free_port()
            program, *arguments = [part.format(port=port) for part in SERVERS[name]]
            command = [str(project.path / ".venv/bin" / program), *arguments, *more]
            url = stack.enter_context(serving(command, port, project.path, project.environment))
            return f"{url}/api/v1/users/{USERS // 2}"

        urls = {name: served(name) for name in SERVERS}
        urls["uvicorn, 2 workers"] = served("uvicorn", "--workers=2")
        urls["granian, 2 workers"] = served("granian", "--workers=2")
        measured = interleaved({name: partial(rate, url) for name, url in urls.items()}, runs, RATE)
        asking = {name: partial(processor_milliseconds, urls[name], clients=CLIENTS) for name in ("uvicorn", "granian")}
        taken = interleaved(asking, runs, PROCESSOR)
    return [
        compare("2 workers to 1", measured, "uvicorn, 2 workers", "uvicorn", limit=None, unit=RATE),
        *(
            compare(f"uvicorn to {name}", measured, "uvicorn", name, limit=0.95, unit=RATE)
            for name in ("granian", "hypercorn")
        ),
        compare(
            "uvicorn to granian, 2 workers", measured, "uvicorn, 2 workers", "granian, 2 workers", limit=None, unit=RATE
        ),
        compare("uvicorn to granian, time of the processor", taken, "uvicorn", "granian", limit=None, unit=PROCESSOR),
    ]


if __name__ == "__main__":
    print(*measure(), sep="\n")
