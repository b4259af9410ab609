"""PgBouncer in transaction mode, in front of a PostgreSQL; it can be killed and started again."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from ..harness import free_port
from ..postgresql import PostgreSQL

# The two that docs/operations.md of a project tells its owner to set, besides where everything is.
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
server_login_retry = 1
query_wait_timeout = 10
"""


class PgBouncer:
    """A pool of a few server connections that many clients share, each for a transaction at a time.

    Args:
        server: what it stands in front of
        pool_size: its connections to a database
    """

    def __init__(self, server: PostgreSQL, pool_size: int = 5) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.fail("pgbouncer is not installed: apt-get install pgbouncer", pytrace=False)
        self._program, self._account = program, server.account  # it refuses to run as root
        self.folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self.port = free_port()
        values = {"server_port": server.port, "port": self.port, "folder": self.folder, "pool_size": pool_size}
        (self.folder / "pgbouncer.ini").write_text(CONFIGURATION.format_map(values))
        (self.folder / "users").write_text('"service" ""\n')
        if "user" in self._account:
            shutil.chown(self.folder, self._account["user"])
        self._process: subprocess.Popen[Any] | None = None
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """Return the URL of a database behind it, as a service names it."""
        return f"postgresql+asyncpg://service@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and return once it listens."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, self.folder / "pgbouncer.ini"],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._account,
            )
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, f"PgBouncer does not start:\n{self.log()}"
                assert time.monotonic() < until, f"PgBouncer does not answer:\n{self.log()}"
                time.sleep(0.02)

    def kill(self) -> None:
        """Kill it with SIGKILL; all that its clients had under way is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """Return the end of what it has to say."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]
