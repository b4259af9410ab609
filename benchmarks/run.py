"""Measure all groups of figures, or the named ones, and print a table: `make bench`, `make bench ONLY="pagination start"`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to import the packages benchmarks and tests
from benchmarks.figures import (
    ablations,
    copy_rows,
    hashing,
    http,
    layers,
    overheads,
    pagination,
    scaffold,
    start,
    template_suite,
    test_isolation,
    update,
    workers,
)
from benchmarks.harness import report
from benchmarks.harness.ratio import Figure

DATABASES = ("postgresql", "sqlite")
GROUPS: dict[str, list[Callable[[], Figure | list[Figure]]]] = {
    "http": [http.measure],
    "layers": [layers.measure],
    "ablations": [partial(ablations.measure, database) for database in DATABASES],
    "overheads": [overheads.measure],
    "pagination": [partial(pagination.measure, database) for database in DATABASES],
    "start": [partial(start.measure, database) for database in DATABASES],
    "workers": [workers.measure],
    "hashing": [hashing.measure],
    "copy_rows": [copy_rows.measure],
    "scaffold": [*(partial(scaffold.measure, database) for database in DATABASES), scaffold.beside_peers],
    "update": [partial(update.measure, database) for database in DATABASES],
    "test_isolation": [test_isolation.measure],
    "template_suite": [template_suite.measure],
}


def main(names: list[str]) -> int:
    """Measure, and fail if a figure misses its limit."""
    if unknown := [name for name in names if name not in GROUPS]:
        raise SystemExit(f"There are no figures named {', '.join(unknown)}. Choose among {', '.join(GROUPS)}.")
    groups: dict[str, list[Figure]] = {}
    for number, name in enumerate(names or GROUPS, 1):
        print(f"{name} ({number} of {len(names or GROUPS)}):", flush=True)
        groups[name] = []
        for measure in GROUPS[name]:
            measured = measure()
            groups[name] += measured if isinstance(measured, list) else [measured]
        print("\n".join(f"  {figure}" for figure in groups[name]), flush=True)
        report.save({name: groups[name]}, list(GROUPS))  # a later group may fail
    figures = [figure for group in groups.values() for figure in group]
    print(f"\n{report.table(map(report.as_json, figures))}\n\n{report.machine()}; in full: {report.RESULTS}")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
