"""How long this repository's own tests take: all 96 variants against their limit, and the rest beside it."""

import subprocess
import sys
from pathlib import Path

from ratio import Figure, seconds

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 8 * 60  # seconds, on two cores


def pytest(marks: str) -> float:
    """Run the tests with two workers, showing their progress, and return the seconds."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "-m", marks]
    return seconds(lambda: subprocess.run(command, cwd=ROOT, check=True))


def measure() -> Figure:
    """Measure once: the run is long enough."""
    variants = pytest("variants")
    others = pytest("not variants")
    detail = f"all variants {variants:.0f} s of {LIMIT}, the other tests {others:.0f} s"
    return Figure("variants against 8 minutes", variants / LIMIT, 1, at_most=True, detail=detail)


if __name__ == "__main__":
    print(measure())
