"""All figures, one after the other, and a table at the end: `make bench`, or some: `make bench only="growth start"`."""

import sys
from collections.abc import Callable
from functools import partial

import bulk
import choices
import copy_rows
import growth
import hashing
import layers
import over_http
import overheads
import own_tests
import report
import scaffold
import scale
import start
import suite
import update
from ratio import Figure

DATABASES = ("postgresql", "sqlite")
GROUPS: dict[str, list[Callable[[], Figure | list[Figure]]]] = {
    "http": [over_http.measure],
    "layers": [layers.measure],
    "choices": [partial(choices.measure, database) for database in DATABASES],
    "overheads": [overheads.measure],
    "growth": [partial(growth.measure, database) for database in DATABASES],
    "start": [partial(start.measure, database) for database in DATABASES],
    "scale": [scale.measure],
    "bulk": [partial(bulk.measure, database) for database in DATABASES],
    "hashing": [hashing.measure],
    "db-copy": [copy_rows.measure],
    "scaffold": [*(partial(scaffold.measure, database) for database in DATABASES), scaffold.beside_peers],
    "update": [partial(update.measure, database) for database in DATABASES],
    "suite": [suite.measure],
    "own-tests": [own_tests.measure],
}


def main(names: list[str]) -> int:
    """Measure, and fail if a figure misses its limit."""
    if unknown := [name for name in names if name not in GROUPS]:
        raise SystemExit(f"there are no figures {', '.join(unknown)}: choose among {', '.join(GROUPS)}")
    groups: dict[str, list[Figure]] = {}
    for number, name in enumerate(names or GROUPS, 1):
        print(f"{name} ({number} of {len(names or GROUPS)}):", flush=True)
        groups[name] = []
        for measure in GROUPS[name]:
            measured = measure()
            groups[name] += measured if isinstance(measured, list) else [measured]
        print("\n".join(f"  {figure}" for figure in groups[name]), flush=True)
        report.save({name: groups[name]}, list(GROUPS))  # a later one may fail
    figures = [figure for group in groups.values() for figure in group]
    print(f"\n{report.table(map(report.as_json, figures))}\n\n{report.machine()}; in full: {report.RESULTS}")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
