"""Measure the overhead of logs, pings and filters: the median time of one row by key, with sequential requests."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from ..harness.load import RUNS, load
from ..harness.postgresql import Database, postgresql
from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import Rendered
from ..harness.services import FLAGS, POOL, USERS, fill
from ..harness.serving import MEASURED, OTHERS, on

EACH, TOGETHER = 1.05, 1.1
QUIET, LOGGING = FLAGS, [flag for flag in FLAGS if "log" not in flag]
NO_PING = {"DATABASE_POOL_PRE_PING": "false"}


def without_slow_queries(project: Rendered) -> str:
    """Return the folder of a copy of the project's source without the slow-query log."""
    copy = project.path / "untimed"
    shutil.copytree(project.path / "src", copy)
    module = copy / "my_service/db/engine.py"
    lines = module.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.strip().startswith("log_slow_queries(")]
    assert len(kept) < len(lines)
    module.write_text("".join(kept))
    return str(copy)


@contextmanager
def sides(folder: Path, database: Database) -> Iterator[Mapping[str, str]]:
    """Serve the variants, and yield the URL of each."""
    with ExitStack() as stack, on(MEASURED):
        explicit, automatic = (
            Rendered(folder / kind, {"DATABASE_URL": database.url(), **POOL}, soft_delete=kind)
            for kind in ("explicit", "automatic")
        )
        untimed = {"PYTHONPATH": without_slow_queries(explicit)}
        explicit.python("-m", "alembic", "upgrade", "head")
        fill(database)
        variants = {
            "without any": (explicit, untimed | NO_PING, QUIET),
            "slow-query log": (explicit, NO_PING, QUIET),
            "pre-ping": (explicit, untimed, QUIET),
            "access log": (explicit, untimed | NO_PING, LOGGING),
            "automatic soft delete": (automatic, {"PYTHONPATH": without_slow_queries(automatic)} | NO_PING, QUIET),
            "all together": (automatic, {}, LOGGING),
        }
        yield {
            name: stack.enter_context(project.served(*flags, variables=variables)) + f"/api/v1/users/{USERS // 2}"
            for name, (project, variables, flags) in variants.items()
        }


def measure(runs: int = RUNS) -> list[Figure]:
    """Measure on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        with on(OTHERS):
            database = stack.enter_context(postgresql())
        urls = stack.enter_context(sides(Path(folder), database))

        def p50(url: str) -> float:
            result = load(url, clients=1)
            assert result.errors == 0, result
            return result.p50 * 1000

        measured = interleaved({name: partial(p50, url) for name, url in urls.items()}, runs, "ms")
    return [
        compare(
            f"overhead, {name}",
            measured,
            name,
            "without any",
            limit=TOGETHER if name == "all together" else EACH,
            at_most=True,
            unit="ms",
        )
        for name in measured
        if name != "without any"
    ]


if __name__ == "__main__":
    print(*measure(), sep="\n")
