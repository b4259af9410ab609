"""A PostgreSQL server that can be killed and started again.

It is the one that projects embed, of the newest version. POSTGRESQL_PROGRAMS names the programs of another, such as
/usr/lib/postgresql/15/bin.
"""

import os
import runpy
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from .harness import ROOT, free_port

# The script of the template knows where the programs are, and which account may run them.
EMBEDDED = runpy.run_path(str(next((ROOT / "template" / "scripts").glob("*embedded_postgresql.py*"))))
PROGRAMS = Path(os.environ.get("POSTGRESQL_PROGRAMS") or EMBEDDED["find_programs"]("make setup installs the programs."))


class PostgreSQL:
    """A server of one's own, always on the same port. The role `service` is nobody special; `postgres` may do all.

    Args:
        primary: the server that it is a replica of
        settings: those of postgresql.conf, such as max_connections=20
    """

    def __init__(self, *, primary: Self | None = None, **settings: str | int) -> None:
        # Not below pytest's folder, which is root's alone: as root, the server runs as another user.
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        self.port = free_port()
        self.account = EMBEDDED["as_owner_of"](self.folder)
        if "user" in self.account:
            os.chown(self.folder, self.account["user"], self.account["group"])
        files = [f"--pgdata={self.folder}", "--username=postgres", "--no-sync"]
        make = ["initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        if primary:
            make = [
                "pg_basebackup",
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--host=127.0.0.1",
                f"--port={primary.port}",
            ]
        subprocess.run([PROGRAMS / make[0], *files, *make[1:]], check=True, capture_output=True, **self.account)
        own = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "."}  # its data
        with (self.folder / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in (own | settings).items())
        self._process: subprocess.Popen[Any] | None = None
        self.start()
        if not primary:
            self.execute("CREATE ROLE service LOGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str, role: str = "service") -> str:
        """Return the URL of a database on this server, without a driver."""
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, and return once it accepts connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", self.folder],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.account,
            )
        is_ready = [str(PROGRAMS / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        until = time.monotonic() + 60
        while subprocess.run(is_ready, check=False).returncode != 0:
            assert self._process.poll() is None, f"PostgreSQL does not start:\n{self.log()}"
            assert time.monotonic() < until, f"PostgreSQL does not answer:\n{self.log()}"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server as its owner does: sessions are ended, nothing is left to recover."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """Kill all its processes at once with SIGKILL; it has written what it had written, and no more."""
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        postmaster.suspend()  # it starts no other
        children = postmaster.children(recursive=True)
        for process in (postmaster, *children):
            process.kill()
        self._process.wait()
        self._process = None
        psutil.wait_procs(children, timeout=10)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run SQL as the superuser, and return what psql prints: rows without headings, fields separated by `|`."""
        psql = [str(PROGRAMS / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run([*psql, self.url(database, "postgres")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{sql}\n{done.stderr}"
        return done.stdout.strip()

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create a database that belongs to the role `service`."""
        self.execute(f"CREATE DATABASE {name} OWNER service TEMPLATE {template}")

    def log(self) -> str:
        """Return the end of what the server has to say."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]
