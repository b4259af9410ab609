"""A generated service that runs: a real process, a real database, and a second way into that database."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import httpx

from ..harness import Project, free_port
from ..postgresql import PostgreSQL

PACKAGE = "probed"
PROBES = Path(__file__).parent / "probes"
ADA = {"email": "ada@example.com", "username": "ada", "full_name": "Ada", "password": "correct horse"}


def randomness() -> random.Random:
    """Return a source of chance, and print its seed; SEED=… in the environment repeats it."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))
    print(f"SEED={seed}")
    return random.Random(seed)  # noqa: S311


def p99(seconds: Sequence[float]) -> float:
    """Return the time that 99 of 100 stay below."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[98]


class Database(Protocol):
    """A database of a test's own, looked into from outside of the service."""

    @property
    def kind(self) -> str:
        """Return the answer to the questionnaire: postgresql or sqlite."""
        ...

    @property
    def url(self) -> str:
        """Return what the service has as DATABASE_URL."""
        ...

    async def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own, with all rights, and return its rows."""
        ...


class PostgreSQLDatabase:
    """A database on a server."""

    kind = "postgresql"

    def __init__(self, server: PostgreSQL, name: str) -> None:
        self.server, self.name = server, name
        self.url = server.url(name).replace("postgresql:", "postgresql+asyncpg:")

    async def run(self, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.server.url(self.name, "postgres"))
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


class SQLiteDatabase:
    """A file."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite+aiosqlite:///{path}"

    async def run(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()


class Service:
    """The service under uvicorn, on a port of its own.

    Args:
        probe: a module of probes/, which adds routes to the project's application
        workers: how many processes
        settings: the service's, such as DATABASE_POOL_SIZE=5
    """

    def __init__(
        self,
        project: Project,
        database: Database,
        log: Path,
        *,
        probe: str | None = None,
        workers: int = 1,
        **settings: object,
    ) -> None:
        self.project, self.database, self._log = project, database, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._application = f"{probe or f'{PACKAGE}.main'}:app"
        self._workers = workers
        self._settings = {"DATABASE_URL": database.url, **{name: str(value) for name, value in settings.items()}}
        self._process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables with which the service runs, for programs beside it."""
        path = os.pathsep.join([str(self.project.path / "src"), str(PROBES)])
        # PYTHONDONTWRITEBYTECODE: probes/ belongs to this repository.
        return {**self.project.variables, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **self._settings}

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the service, and return once it answers."""
        serve = ["-m", "uvicorn", self._application, "--host", "127.0.0.1", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.project.environment / "bin" / "python",
                    *serve,
                    "--workers",
                    str(self._workers),
                    "--no-access-log",
                ],
                cwd=self.project.path,
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{self.url}/health/live", timeout=5)
                return
            except httpx.TransportError:
                assert self._process.poll() is None, f"the service does not start:\n{self.log()}"
                assert time.monotonic() < until, f"the service does not answer:\n{self.log()}"
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop the service as a platform does: SIGTERM, and after 15 s SIGKILL to all that it started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    @asynccontextmanager
    async def client(self, connections: int = 100, timeout: float = 60) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a client with so many connections, which waits so many seconds for an answer."""
        # uvicorn closes a connection that was idle for 5 s: the client must be first.
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=2)
        async with httpx.AsyncClient(base_url=self.url, limits=limits, timeout=timeout) as client:
            yield client

    async def create_user(self, name: str = "ada") -> int:
        """Create a user through the service, and return its id."""
        async with self.client() as http:
            answer = await http.post("/api/v1/users", json={**ADA, "email": f"{name}@example.com", "username": name})
            assert answer.status_code == 201, answer.text
            key: int = answer.json()["id"]
            return key

    async def program(self, name: str, *arguments: str) -> str:
        """Run a program of probes/ beside the service, and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            self.project.environment / "bin" / "python",
            PROBES / f"{name}.py",
            *arguments,
            cwd=self.project.path,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode()

    def log(self) -> str:
        """Return the end of what the service has to say."""
        return self._log.read_text(errors="replace")[-6000:] if self._log.exists() else ""


class Prepared:
    """A rendered project whose database is migrated; each test gets a copy of that database."""

    def __init__(self, project: Project, database: Database) -> None:
        self.project, self._migrated = project, database
        self._copies = 0
        project.make_first_revision()
        self.migrate(database)

    def migrate(self, database: Database) -> None:
        """Do what every deployment does first."""
        self.project.run("alembic", "upgrade", "head", DATABASE_URL=database.url)

    def database(self) -> Database:
        """Return a database of one's own, migrated and empty."""
        self._copies += 1
        if isinstance(self._migrated, PostgreSQLDatabase):
            server, name = self._migrated.server, f"{self._migrated.name}_{self._copies}"
            server.create_database(name, template=self._migrated.name)
            return PostgreSQLDatabase(server, name)
        assert isinstance(self._migrated, SQLiteDatabase)
        path = self._migrated.path.with_stem(f"copy_{self._copies}")
        shutil.copy(self._migrated.path, path)
        return SQLiteDatabase(path)
