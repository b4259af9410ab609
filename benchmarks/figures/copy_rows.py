"""Compare hooks/update/import_sqlite.py with the driver's bulk copy of the same rows, given as Python tuples.

The script's time includes everything except the start of Python: the snapshot, its migrations, the copy, the counts and
the commit. The driver's side is one transaction with the two copies.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from ..harness.postgresql import execute, postgresql
from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import ROOT, Rendered

ROWS = 100_000  # of each table
RATE = "rows/s"
FILL = [
    """
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO users (email, username, full_name, hashed_password, created_at, updated_at)
    SELECT 'user' || i || '@example.com', 'user' || i, iif(i % 3, 'Ada "the first" Lovelace', NULL), hex(randomblob(48)),
        '2001-02-03 04:05:06.000007', '2001-02-03 04:05:06.000007' FROM n
    """,
    """
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO posts (title, content, author_id, slug, created_at, updated_at)
    SELECT 'Title ' || i, replace(hex(zeroblob(30)), '0000', 'Ünï, "quoted"' || char(10)), i, 'post-' || i,
        '2001-02-03 04:05:06.000007', '2001-02-03 04:05:06.000007' FROM n
    """,
]
OURS = """
import asyncio, sys, time
from pathlib import Path

from scripts import import_sqlite

url = import_sqlite.target_url()
start = time.perf_counter()
with import_sqlite.snapshot(Path(sys.argv[1])) as source:
    asyncio.run(import_sqlite.copy_rows(source, url, replace=False))
print(time.perf_counter() - start)
"""
DRIVER = """
import asyncio, os, sqlite3, sys, time
from datetime import UTC, datetime

import asyncpg

TYPES = {"is_active": bool, "is_superuser": bool}


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows_of(table):
    rows = sqlite3.connect(sys.argv[1]).execute(f"SELECT * FROM {table}")
    names = [column[0] for column in rows.description]
    types = [moment if name.endswith("_at") else TYPES.get(name, lambda value: value) for name in names]
    return names, [tuple(v if v is None else t(v) for t, v in zip(types, row)) for row in rows]


async def main():
    tables = {table: rows_of(table) for table in ("users", "posts")}
    driver = await asyncpg.connect(os.environ["DATABASE_URL"])
    start = time.perf_counter()
    async with driver.transaction():
        for table, (names, records) in tables.items():
            await driver.copy_records_to_table(table, columns=names, records=records)
    print(time.perf_counter() - start)
    await driver.close()


asyncio.run(main())
"""
MIGRATE = """
import sys
from alembic import command
from scripts.revision import alembic_config
from sqlalchemy import create_engine

with create_engine(f"sqlite:///{sys.argv[1]}").begin() as connection:
    command.upgrade(alembic_config(connection), "head")
"""


def measure(runs: int = 5) -> Figure:
    """Measure with an equal number of users and posts, and with all indexes."""
    with tempfile.TemporaryDirectory() as name, postgresql() as database:
        project = Rendered(Path(name) / "project", {"DATABASE_URL": database.url()})
        shutil.copy(ROOT / "hooks/update/import_sqlite.py", project.path / "scripts")
        file = Path(name) / "my_service.db"
        project.python("-m", "alembic", "upgrade", "head")
        project.python("-c", MIGRATE, file)
        with closing(sqlite3.connect(file)) as connection, connection:
            for statement in FILL:
                connection.execute(statement, (ROWS,))

        def side(program: str) -> float:
            asyncio.run(execute(database, "TRUNCATE users, posts", "CHECKPOINT"))
            return 2 * ROWS / float(project.python("-c", program, file).splitlines()[-1])

        measured = interleaved({"driver": lambda: side(DRIVER), "db-copy": lambda: side(OURS)}, runs, RATE)
    return compare("db-copy", measured, "db-copy", "driver", limit=0.5, unit=RATE)


if __name__ == "__main__":
    print(measure())
