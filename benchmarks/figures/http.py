"""Measure requests over HTTP: one row, a page, an insert, and the 99th percentile of the response time.

All services run at once, and one at a time gets requests. Few clients send them, so that no service needs more database
connections than its pool keeps open. The 99th percentile is measured with 64 clients.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ..harness.load import RUNS, Load, load
from ..harness.postgresql import Database, execute
from ..harness.ratio import Figure, compare, interleaved
from ..harness.services import USERS, Served, served, served_on_sqlite
from ..peers import PEERS

CLIENTS, CROWD = 4, 64
SECONDS_OF_CROWD, RUNS_OF_CROWD = 3, 5
PAGE = 50
# The posts have many authors, because an author is locked until the post is committed.
POST = f'{{"title": "Title {{n}}", "content": "text text text", "author_id": {{n % {USERS}}}}}'
RATE = "requests/s"
BY_README = ", as its README starts it"


def rates(urls: Mapping[str, str], runs: int, body: str | None = None) -> dict[str, list[float]]:
    """Return the requests/s of each of these URLs; every response must be a success."""

    def rate(url: str) -> float:
        result = load(url, clients=CLIENTS, body=body)
        assert result.errors == 0, (url, result)
        return result.rate

    return interleaved({name: partial(rate, url) for name, url in urls.items()}, runs, RATE)


def against(
    name: str, measured: Mapping[str, list[float]], peer_limit: float | None, limit: float | None, ours: str = "ours"
) -> list[Figure]:
    """Return the ratios of one of our sides to each peer, and to the handwritten service."""
    return [
        compare(f"{name}, to {other}", measured, ours, side, limit=bound, unit=RATE)
        for side, other, bound in [
            *((peer.name, peer.name, peer_limit) for peer in PEERS),
            ("by hand", "Starlette and the driver", limit),
        ]
    ]


def as_readmes_say(name: str, measured: Mapping[str, list[float]]) -> list[Figure]:
    """Return the ratios to each peer, all started as their READMEs say."""
    ours, *others = (side for side in measured if side.endswith(BY_README))
    return [compare(f"{name}, to {other}", measured, ours, other, limit=None, unit=RATE) for other in others]


def one_row(sides: Mapping[str, Served], runs: int) -> list[Figure]:
    """Measure one row by key."""
    urls = {name: side.at("user", key=USERS // 2) for name, side in sides.items()}
    measured = rates(urls | {"ours, columns": urls["ours"] + "/columns"}, runs)
    name = "one row by key"
    return [
        *against(name, measured, 2.0, 0.2),
        *against(f"{name}, columns", measured, 2.0, 0.3, "ours, columns"),
        *as_readmes_say(name, measured),
    ]


def page(sides: Mapping[str, Served], runs: int) -> list[Figure]:
    """Measure a page of 50 users with their posts."""
    urls = {name: side.at("users_with_posts", limit=PAGE, offset=0) for name, side in sides.items()}
    own = {f"ours, {how}": urls["ours"].replace("-posts", f"-posts/{how}") for how in ("columns", "naive")}
    measured = rates(urls | own, runs)
    name = f"page of {PAGE} with posts"
    return [
        *against(name, measured, 2.0, 0.3),
        *against(f"{name}, columns", measured, 2.0, 0.3, "ours, columns"),
        compare(f"{name}, to a query for each user", measured, "ours", "ours, naive", limit=1.0, unit=RATE),
        *as_readmes_say(name, measured),
    ]


def insert(sides: Mapping[str, Served], runs: int, database: Database) -> list[Figure]:
    """Measure an insert that commits before the response; peers that commit after it are measured without a limit."""
    measured = rates({name: side.at("posts") for name, side in sides.items()}, runs, POST)
    asyncio.run(execute(database, "DELETE FROM posts WHERE content = 'text text text'", "VACUUM ANALYZE"))
    name = "insert"
    figures = []
    for peer in PEERS:
        others, limit = ("", 1.5) if peer.commits == "before" else (", which answers before it commits", None)
        figures.append(compare(f"{name}, to {peer.name}{others}", measured, "ours", peer.name, limit=limit, unit=RATE))
    by_hand = compare(f"{name}, to Starlette and the driver", measured, "ours", "by hand", limit=None, unit=RATE)
    return [*figures, by_hand, *as_readmes_say(name, measured)]


def tail(sides: Mapping[str, Served], runs: int) -> list[Figure]:
    """Measure the 99th percentile of the response time with 64 clients."""
    urls = {name: side.at("user", key=USERS // 2) for name, side in sides.items() if not side.by_readme}
    seen: dict[str, list[Load]] = {name: [] for name in urls}

    def p99(name: str) -> float:
        result = load(urls[name], clients=CROWD, seconds=SECONDS_OF_CROWD)
        seen[name].append(result)
        if result.rate == 0:
            print(f"  {name} answers nothing any more: its clients count as having waited all the time")
            return SECONDS_OF_CROWD * 1000
        return result.p99 * 1000

    measured = interleaved({name: partial(p99, name) for name in urls}, runs, "ms")
    assert not any(result.errors for result in seen["ours"]), seen["ours"]
    return [
        compare(f"p99 of {CROWD} clients, to {name}", measured, "ours", name, limit=limit, at_most=True, unit="ms")
        for name, limit in [*((peer.name, 1.0) for peer in PEERS), ("by hand", None)]
    ]


def one_row_of_sqlite(runs: int) -> list[Figure]:
    """Measure one row by key from a SQLite file."""
    with tempfile.TemporaryDirectory() as folder, served_on_sqlite(Path(folder)) as urls:
        measured = rates(urls, runs)
    name = "one row by key, sqlite"
    return [
        compare(f"{name}, to Starlette and the driver", measured, "ours", "by hand", limit=0.2, unit=RATE),
        compare(f"{name}, columns", measured, "ours, columns", "by hand", limit=0.3, unit=RATE),
    ]


def measure(runs: int = RUNS) -> list[Figure]:
    """Measure on PostgreSQL, and one row by key on SQLite."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (database, sides):
        measures: list[Callable[[], list[Figure]]] = [
            lambda: one_row(sides, runs),
            lambda: page(sides, runs),
            lambda: insert(sides, runs, database),
            lambda: tail(sides, RUNS_OF_CROWD),
        ]
        figures = [figure for measure in measures for figure in measure()]
    return [*figures, *one_row_of_sqlite(runs)]


if __name__ == "__main__":
    print(*measure(), sep="\n")
