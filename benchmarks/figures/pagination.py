"""Measure with a million rows: the last page against the first, and the share of service queries without an index."""

import json
import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare
from ..harness.rendered import Rendered

ROWS = 1_000_000
LIMIT = 1.2
PROBE = Path(__file__).with_name("probes") / "pagination.py"
# A tenth of the rows are deleted. The e-mail addresses are in random order, as in a real index.
NUMBERS = {
    "postgresql": f"SELECT i FROM generate_series(1::bigint, {ROWS}) i",
    "sqlite": f"WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT i FROM n",
}
MOMENT = {
    "postgresql": "timestamptz '2020-01-01 00:00:00+00' + i * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 1577836800 + i, 'unixepoch')",
}
FILL = """
import asyncio, sys
from my_service.core.database import engine

async def main():
    for statement in sys.argv[1:]:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(statement)

asyncio.run(main())
"""
# The parts of a query plan that mean a scan or a sort of all rows.
WITHOUT_INDEX = re.compile(r"Seq Scan|Sort Key|^SCAN (?!(\d+ )?CONSTANT ROW|\S+ USING)|USE TEMP B-TREE")


def fill(project: Rendered, database: str) -> None:
    """Put a million users and a million posts into the tables."""
    numbers, moment = NUMBERS[database], MOMENT[database]
    deleted = f"CASE WHEN i % 10 = 0 THEN {moment} END"
    project.python(
        "-c",
        FILL,
        "INSERT INTO users (email, username, hashed_password, created_at, updated_at, deleted_at)"
        f" SELECT 'user' || (i * 7919 % 1000003) || '@example.com', 'user' || i, 'x', {moment}, {moment}, {deleted}"
        f" FROM ({numbers}) n",
        "INSERT INTO posts (title, content, author_id, slug, created_at, updated_at, deleted_at)"
        f" SELECT 'Title ' || i, 'text', 1 + i * 31 % {ROWS}, 'post-' || i, {moment}, {moment}, {deleted}"
        f" FROM ({numbers}) n",
        "ANALYZE",
    )


def measure(database: str, runs: int = 60) -> list[Figure]:
    """Measure with this database."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = stack.enter_context(postgresql()).url() if database == "postgresql" else f"sqlite:///{folder}/many.db"
        variables = {"DATABASE_URL": url, "DATABASE_STATEMENT_TIMEOUT": "0", "SLOW_QUERY_THRESHOLD": "60"}
        project = Rendered(Path(folder) / "project", variables, database=database)
        project.python("-m", "alembic", "upgrade", "head")
        print(f"  {ROWS:,} users and {ROWS:,} posts", flush=True)
        fill(project, database)
        found = json.loads(project.python(PROBE, str(runs)).splitlines()[-1])
    times = {name: [1000 * value for value in values] for name, values in found["times"].items()}
    name = f"last page of {ROWS:,} to the first"
    figures = [
        compare(
            f"{name}, {how}, {database}", times, f"last page, {how}", "first page", limit=limit, at_most=True, unit="ms"
        )
        for how, limit in (("by cursor", LIMIT), ("by position", None))
    ]
    slow = {s: plan for s, plan in found["plans"].items() if any(map(WITHOUT_INDEX.search, plan))}
    for statement, plan in slow.items():
        print("\n    ".join([f"  without an index: {statement}", *plan]))
    share = len(slow) / len(found["plans"])
    detail = f"{len(slow)} of {len(found['plans'])} statements"
    figures.append(Figure(f"queries without an index, {database}", share, 0, at_most=True, detail=detail))
    return figures


if __name__ == "__main__":
    for name in ("postgresql", "sqlite"):
        print(*measure(name), sep="\n")
