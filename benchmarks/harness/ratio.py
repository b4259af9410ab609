"""Measure both sides of a figure alternately, and compute the ratio of their medians."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """A ratio and its limit.

    Args:
        name: the comparison, for the tables
        ratio: ratio of the medians; None if one side is not available
        limit: limit of the ratio; None if the ratio is only reported
        at_most: whether the limit is an upper bound; otherwise it is a lower bound
        detail: medians and ranges of both sides, as text
        sides: measured values of each side, one for each run
        unit: unit of these values
    """

    name: str
    ratio: float | None
    limit: float | None
    at_most: bool
    detail: str
    sides: Mapping[str, list[float]] = field(default_factory=dict[str, list[float]])
    unit: str = "s"

    @property
    def holds(self) -> bool:
        """Whether the ratio keeps its limit; True if one of them is missing."""
        if self.limit is None or self.ratio is None:
            return True
        return self.ratio <= self.limit if self.at_most else self.ratio >= self.limit

    @property
    def bound(self) -> str:
        """The limit, in words."""
        return "" if self.limit is None else f"at {'most' if self.at_most else 'least'} {self.limit:g}"

    def __str__(self) -> str:
        if self.ratio is None:
            return f"{self.name}: {self.detail}"
        verdict = f" ({self.bound}: {'holds' if self.holds else 'MISSED'})" if self.bound else ""
        return f"{self.name}: {self.ratio:.2f}{verdict} - {self.detail}"


def compare(
    name: str,
    measured: Mapping[str, list[float]],
    ours: str,
    other: str,
    *,
    limit: float | None,
    at_most: bool = False,
    unit: str = "s",
) -> Figure:
    """Return the ratio of two sides that were measured together; without a ratio if the other side is not available."""
    if other not in measured:
        return Figure(name, None, limit, at_most, f"{other} is not available")
    sides = {side: measured[side] for side in (ours, other)}
    ratio = statistics.median(sides[ours]) / statistics.median(sides[other])
    detail = ", ".join(f"{side} {spread(values, unit)}" for side, values in sides.items())
    return Figure(name, ratio, limit, at_most, detail, sides, unit)


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(sides: Mapping[str, Callable[[], float]], runs: int, unit: str = "s") -> dict[str, list[float]]:
    """Measure each side once per run, alternately, after one warm-up run; print each value."""
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(runs + 1):
        for name, measure in sides.items():
            value = measure()
            if run:
                measured[name].append(value)
            print(f"  run {run}/{runs} {name}: {_number(value)} {unit}{'' if run else ' (warm-up)'}", flush=True)
    return measured


def spread(values: list[float], unit: str = "s") -> str:
    """Return the median, the minimum and the maximum as text."""
    return f"{_number(statistics.median(values))} {unit} ({_number(min(values))}-{_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
