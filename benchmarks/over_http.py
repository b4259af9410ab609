"""What a service answers over HTTP: a row, a page, a new row, and how long the slowest wait.

All run at once, and one at a time is asked: by few clients, so that none needs more connections to the database than it
keeps; for the tail by 64.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from load import Load, load
from peers import PEERS
from postgresql import Database
from ratio import Figure, compare, interleaved
from services import USERS, Served, execute, served

CLIENTS, CROWD = 4, 64
PAGE = 50
POST = '{"title": "Title {n}", "content": "text text text", "author_id": 500}'
RATE = "requests/s"


def rates(urls: Mapping[str, str], runs: int, body: str | None = None) -> dict[str, list[float]]:
    """Return how many requests a second each of these answers, without an error."""

    def rate(url: str) -> float:
        result = load(url, clients=CLIENTS, body=body)
        assert result.errors == 0, (url, result)
        return result.rate

    return interleaved({name: partial(rate, url) for name, url in urls.items()}, runs, RATE)


def against(
    name: str, measured: Mapping[str, list[float]], peer_limit: float | None, limit: float | None
) -> list[Figure]:
    """Return the ratios to each peer, to the one by hand, and of each that its README starts to ours."""
    figures = [
        compare(f"{name}, to {peer.name}", measured, "ours", peer.name, limit=peer_limit, unit=RATE)
        for peer in PEERS
        if peer.name in measured
    ]
    figures.append(compare(f"{name}, to Starlette and the driver", measured, "ours", "by hand", limit=limit, unit=RATE))
    ours = "ours, as its README starts it"
    figures += [
        compare(f"{name}, to {other}", measured, ours, other, limit=None, unit=RATE)
        for other in measured
        if other.endswith("as its README starts it") and other != ours
    ]
    return figures


def one_row(sides: Mapping[str, Served], runs: int) -> list[Figure]:
    """A row by its key."""
    urls = {name: side.at("user", key=USERS // 2) for name, side in sides.items()}
    measured = rates(urls | {"ours, columns": urls["ours"] + "/columns"}, runs)
    name = "one row by key"
    columns = compare(f"{name}, columns", measured, "ours, columns", "by hand", limit=0.3, unit=RATE)
    return [*against(name, measured, 2.0, 0.2), columns]


def page(sides: Mapping[str, Served], runs: int) -> list[Figure]:
    """50 users with their posts."""
    urls = {name: side.at("users_with_posts", limit=PAGE, offset=0) for name, side in sides.items()}
    naive = urls["ours"].replace("users-with-posts", "users-with-posts/naive")
    measured = rates(urls | {"ours, a query for each user": naive}, runs)
    name = f"page of {PAGE} with posts"
    loading = compare(f"{name}, select-in", measured, "ours", "ours, a query for each user", limit=1.0, unit=RATE)
    return [*against(name, measured, 2.0, 0.3), loading]


def insert(sides: Mapping[str, Served], runs: int, database: Database) -> list[Figure]:
    """A new row, committed before the answer; the peers that commit after it are measured, and held to nothing."""
    measured = rates({name: side.at("posts") for name, side in sides.items()}, runs, POST)
    asyncio.run(execute(database, "DELETE FROM posts WHERE content = 'text text text'", "VACUUM ANALYZE"))
    before = {peer.name for peer in PEERS if peer.commits == "before"}
    figures = []
    for figure in against("insert", measured, 1.5, None):
        peer = next((peer for peer in PEERS if f"to {peer.name}" == figure.name.partition(", ")[2]), None)
        if peer is None or peer.name in before:
            figures.append(figure)
        else:
            name = f"{figure.name}, which commits after it has answered"
            figures.append(compare(name, measured, "ours", peer.name, limit=None, unit=RATE))
    return figures


def tail(sides: Mapping[str, Served], runs: int) -> list[Figure]:
    """The slowest of a hundred, while 64 clients ask at once."""
    urls = {name: side.at("user", key=USERS // 2) for name, side in sides.items() if not side.by_readme}
    seen: dict[str, list[Load]] = {name: [] for name in urls}

    def p99(name: str) -> float:
        seen[name].append(load(urls[name], clients=CROWD))
        return seen[name][-1].p99 * 1000

    measured = interleaved({name: partial(p99, name) for name in urls}, runs, "ms")
    assert not any(result.errors for result in seen["ours"]), seen["ours"]
    return [
        compare(f"p99 of {CROWD} clients, to {name}", measured, "ours", name, limit=limit, at_most=True, unit="ms")
        for name, limit in [*((peer.name, 1.0) for peer in PEERS), ("by hand", None)]
        if name in measured
    ]


def measure(runs: int = 5) -> list[Figure]:
    """Measure on PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (database, sides):
        measures: list[Callable[[], list[Figure]]] = [
            lambda: one_row(sides, runs),
            lambda: page(sides, runs),
            lambda: insert(sides, runs, database),
            lambda: tail(sides, runs),
        ]
        return [figure for measure in measures for figure in measure()]


if __name__ == "__main__":
    print(*measure(), sep="\n")
