"""Both sides of a figure, measured in turn, as a ratio of medians."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A ratio beside its limit; `at_most` tells on which side of the limit it must be."""

    name: str
    ratio: float
    limit: float
    at_most: bool
    detail: str

    @property
    def holds(self) -> bool:
        """Whether the ratio keeps its limit."""
        return self.ratio <= self.limit if self.at_most else self.ratio >= self.limit

    def __str__(self) -> str:
        bound = "at most" if self.at_most else "at least"
        verdict = "holds" if self.holds else "MISSED"
        return f"{self.name}: {self.ratio:.2f} ({bound} {self.limit:g}: {verdict}) - {self.detail}"


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(sides: Mapping[str, Callable[[], float]], runs: int) -> dict[str, list[float]]:
    """Measure each side once per run, in turn, after one run that does not count; show each as it comes."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(runs + 1):
        for name, measure in sides.items():
            value = measure()
            if run:
                measured[name].append(value)
            print(f"  run {run}/{runs} {name}: {value:.3f} s{'' if run else ' (warm-up)'}", flush=True)
    return measured


def spread(values: list[float]) -> str:
    """Return median, least and most, as text."""
    return f"{statistics.median(values):.3f} s ({min(values):.3f}-{max(values):.3f})"
