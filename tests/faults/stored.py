"""What a database holds, asked for from outside of the project."""

import sqlite3
import subprocess
from contextlib import closing

from ..postgresql import EMBEDDED

PROGRAMS = EMBEDDED["find_programs"]("")  # the newest, which talk to every server
PSQL, PG_DUMP = str(PROGRAMS / "psql"), str(PROGRAMS / "pg_dump")


def rows(url: str, *statements: str) -> list[str]:
    """Run statements, each in a transaction of its own, and return the rows as lines with | between the values."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            found = [connection.execute(statement).fetchall() for statement in statements]
        return ["|".join(map(str, row)) for part in found for row in part]
    words = [word for statement in statements for word in ("-c", statement)]
    done = subprocess.run([PSQL, "-qAtX", *words, url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
