"""Measure how long this repository's tests of the variants take: all of them against their limit, and each one."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ..harness.ratio import Figure, seconds, spread

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 8 * 60  # seconds, on two cores


def measure() -> Figure:
    """Measure one run with two workers, and show its progress. It is long enough to need no repetition."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "2", "-m", "variants", f"--junitxml={report}"]
        took = seconds(lambda: subprocess.run(command, cwd=ROOT, check=True))
        cases = [*ElementTree.parse(report).iter("testcase")]  # noqa: S314 - pytest's own
    each = {
        database: [float(case.get("time", "nan")) for case in cases if database in case.get("name", "")]
        for database in ("postgresql", "sqlite")
    }
    details = (f"{len(times)} variants on {database}, each {spread(times)}" for database, times in each.items())
    detail = f"{took:.0f} s of {LIMIT}; {', '.join(details)}"
    return Figure("all variants, to 8 minutes", took / LIMIT, 1, at_most=True, detail=detail, sides=each)


if __name__ == "__main__":
    print(measure())
