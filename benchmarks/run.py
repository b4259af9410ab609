"""All figures, one after the other, and a table at the end: `make bench`."""

import sys
from collections.abc import Callable

import copy_rows
import hashing
import own_tests
import scaffold
import suite
import update
from ratio import Figure


def main() -> int:
    """Measure, and fail if a figure misses its limit."""
    figures: list[Figure] = []
    measures: dict[str, Callable[[], Figure | list[Figure]]] = {
        "scaffold, postgresql": lambda: scaffold.measure("postgresql"),
        "scaffold, sqlite": lambda: scaffold.measure("sqlite"),
        "update, postgresql": lambda: update.measure("postgresql"),
        "update, sqlite": lambda: update.measure("sqlite"),
        "db-copy": copy_rows.measure,
        "hashing": hashing.measure,
        "tests in savepoints": suite.measure,
        "own tests": own_tests.measure,
    }
    for name, measure in measures.items():
        print(f"{name}:", flush=True)
        measured = measure()
        figures += measured if isinstance(measured, list) else [measured]
    print("\n".join(["", *map(str, figures)]))
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
