"""`insert_rows` against the driver's own way of writing many rows, of which the values lie ready: COPY, or executemany.

Ours gets dicts from a generator, and fills in the defaults; both sides write all columns but the id, in one transaction on
a connection that is open. The memory is the most that a process had, once it has inserted ten times as many rows.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from postgresql import execute, postgresql
from ratio import Figure, compare, interleaved
from rendered import Rendered

ROWS = 100_000
RATE = "rows/s"
HASH = f"$argon2id$v=19$m=65536,t=3,p=4${'x' * 22}${'y' * 43}"
OURS = f"""
import asyncio, resource, sys, time

from my_service.core.bulk import insert_rows
from my_service.core.database import AsyncSessionLocal, engine, transaction
from my_service.models.user import User

ROWS = int(sys.argv[1])


def rows():
    for n in range(ROWS):
        yield {{
            "email": f"User{{n}}@example.com",
            "username": f"user{{n}}",
            "full_name": "Ada Lovelace",
            "hashed_password": "{HASH}",
        }}


def show(done):
    if ROWS > {ROWS}:
        print(f"  {{done:,}} of {{ROWS:,}} rows", file=sys.stderr, flush=True)


async def main():
    async with AsyncSessionLocal() as db:
        await db.connection()
        start = time.perf_counter()
        async with transaction(db):
            assert await insert_rows(db, User, rows(), progress=show) == ROWS
        print(time.perf_counter() - start)
    await engine.dispose()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


asyncio.run(main())
"""
COLUMNS = [
    "email",
    "username",
    "full_name",
    "hashed_password",
    "is_active",
    "is_superuser",
    "created_at",
    "updated_at",
    "deleted_at",
]
COPY = f"""
import asyncio, os, time
from datetime import UTC, datetime

import asyncpg

now = datetime.now(UTC)
records = [
    (f"user{{n}}@example.com", f"user{{n}}", "Ada Lovelace", "{HASH}", True, False, now, now, None)
    for n in range({ROWS})
]


async def main():
    driver = await asyncpg.connect(os.environ["DATABASE_URL"])
    start = time.perf_counter()
    async with driver.transaction():
        await driver.copy_records_to_table("users", columns={COLUMNS}, records=records)
    print(time.perf_counter() - start)
    await driver.close()


asyncio.run(main())
"""
EXECUTEMANY = f"""
import sqlite3, time
from datetime import UTC, datetime

now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
records = [
    (f"user{{n}}@example.com", f"user{{n}}", "Ada Lovelace", "{HASH}", 1, 0, now, now, None) for n in range({ROWS})
]
driver = sqlite3.connect("my_service.db", isolation_level=None)
for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
    driver.execute(f"PRAGMA {{pragma}}")
start = time.perf_counter()
driver.execute("BEGIN IMMEDIATE")
driver.executemany("INSERT INTO users ({", ".join(COLUMNS)}) VALUES ({", ".join("?" * len(COLUMNS))})", records)
driver.execute("COMMIT")
print(time.perf_counter() - start)
driver.close()
"""


@contextmanager
def on_postgresql(folder: Path) -> Iterator[tuple[Rendered, Callable[[], object]]]:
    """Yield a project with its server, and what empties its table."""
    with postgresql() as database:
        project = Rendered(folder / "project", {"DATABASE_URL": database.url()})
        project.python("-m", "alembic", "upgrade", "head")
        yield project, lambda: asyncio.run(execute(database, "TRUNCATE users, posts", "CHECKPOINT"))


@contextmanager
def on_sqlite(folder: Path) -> Iterator[tuple[Rendered, Callable[[], object]]]:
    """Yield a project with its file, and what empties its table."""
    project = Rendered(folder / "project", database="sqlite")
    project.python("-m", "alembic", "upgrade", "head")
    file, empty = project.path / "my_service.db", folder / "empty.db"
    shutil.copy(file, empty)
    yield project, lambda: shutil.copy(empty, file)


def measure(database: str, runs: int = 9) -> list[Figure]:
    """Measure the rows per second of both sides, and the memory of ours."""
    is_postgresql = database == "postgresql"
    name, program, limit = ("COPY", COPY, 0.8) if is_postgresql else ("executemany", EXECUTEMANY, 0.6)
    with tempfile.TemporaryDirectory() as folder, (on_postgresql if is_postgresql else on_sqlite)(Path(folder)) as made:
        project, empty = made

        def run(program: str, rows: int = ROWS) -> list[float]:
            empty()
            return [float(line) for line in project.python("-c", program, str(rows)).split()]

        def rate(program: str) -> float:
            return ROWS / run(program)[0]

        measured = interleaved({name: lambda: rate(program), "insert_rows": lambda: rate(OURS)}, runs, RATE)
        memory = {f"{rows:,} rows": [run(OURS, rows)[1]] for rows in (10 * ROWS, ROWS)}
    return [
        compare(f"insert_rows, {database}", measured, "insert_rows", name, limit=limit, unit=RATE),
        compare(f"insert_rows, {database}, memory", memory, *memory, limit=1.1, at_most=True, unit="MB"),
    ]


if __name__ == "__main__":
    for figure in [*measure("postgresql"), *measure("sqlite")]:
        print(figure)
