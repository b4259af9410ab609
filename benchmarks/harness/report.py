"""Write the results of `make bench`: results.json, the tables of docs/speed.md and its three pictures."""

import json
import os
import platform
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle

from ..peers import PEERS
from .ratio import Figure
from .rendered import ROOT, Rendered

RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Picture:
    """A bar chart of docs/speed.md.

    Args:
        file: file name in results/
        title: quantity and unit of the bars
        group: group of the figures
        figures: pattern for the names of the figures whose sides are drawn
    """

    file: str
    title: str
    group: str
    figures: str


PICTURES = [
    Picture("one-row.svg", "One row by key, requests/s", "http", r"one row by key, (?!sqlite|.*README)"),
    Picture("p99.svg", "p99 of 64 clients, ms", "http", "p99 "),
    Picture("layers.svg", "One row by key through each layer, requests/s", "layers", ""),
]


def machine() -> str:
    """Return the processors and the system of this machine."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.partition(": ")[2] for line in information.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} processors ({model}), {platform.system()} {platform.release()}"


def versions() -> dict[str, dict[str, str]]:
    """Return the package versions of our project and of each peer that was generated here."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"ours": Rendered(Path(folder) / "project").versions()}
    return found | {peer.name: versions for peer in PEERS if (versions := peer.made()) is not None}


def as_json(figure: Figure) -> dict[str, Any]:
    """Return a figure as an entry of results.json."""
    return {
        "name": figure.name,
        "ratio": None if figure.ratio is None else round(figure.ratio, 4),
        "must_be": figure.bound,
        "holds": figure.holds,
        "detail": figure.detail,
        "unit": figure.unit,
        "sides": {side: [round(value, 6) for value in values] for side, values in figure.sides.items()},
    }


def table(figures: Iterable[Mapping[str, Any]]) -> str:
    """Return entries of results.json as a Markdown table."""
    rows = ["| figure | ratio | must be | |", "|---|---:|---|---|"]
    for figure in figures:
        ratio, verdict = "", "not available"
        if figure["ratio"] is not None:
            ratio = f"{figure['ratio']:.2f}"
            verdict = ("holds" if figure["holds"] else "**missed**") if figure["must_be"] else ""
        rows.append(f"| {figure['name']} | {ratio} | {figure['must_be']} | {verdict} |")
    return "\n".join(rows)


def publish(groups: Mapping[str, Any]) -> None:
    """Write the table of each group into docs/speed.md, between its two markers, and draw the pictures."""
    parts = [
        f"{name}, {group['date']}, {group['machine']}, `make bench ONLY={name}`:\n\n{table(group['figures'])}"
        for name, group in groups.items()
    ]
    _put(ROOT / "docs" / "speed.md", "\n\n".join(parts))
    for picture in PICTURES:
        if picture.group in groups:
            draw(picture, groups[picture.group]["figures"])


def _put(path: Path, text: str) -> None:
    before, mark, rest = path.read_text().partition("<!-- figures -->\n")
    _, end, after = rest.partition("<!-- end of figures -->")
    assert mark, path
    assert end, path
    path.write_text(f"{before}{mark}{text}\n{end}{after}")


def save(groups: Mapping[str, Sequence[Figure]], order: Sequence[str]) -> None:
    """Write the results of these groups, and keep earlier results of other groups; `order` is that of all groups."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {"groups": {}}
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()
    measured = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), "commit": commit}
    results["versions"] = versions()
    for name, figures in groups.items():
        results["groups"][name] = {
            **measured,
            "figures": [as_json(figure) for figure in figures],
        }
    results["groups"] = {name: results["groups"][name] for name in order if name in results["groups"]}
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    publish(results["groups"])


def draw(picture: Picture, figures: Iterable[Mapping[str, Any]]) -> None:
    """Draw the median of each side of these entries of results.json."""
    sides = {
        side: statistics.median(values)
        for figure in figures
        if re.match(picture.figures, figure["name"])
        for side, values in figure["sides"].items()
    }
    chart = pygal.HorizontalBar(
        style=CleanStyle,
        js=[],
        no_prefix=True,
        title=picture.title,
        show_legend=False,
        print_values=True,
        value_formatter=lambda value: f"{value:,.0f}" if value >= 100 else f"{value:.2f}",
        height=120 + 28 * len(sides),
    )
    chart.x_labels = list(sides)
    chart.add("", list(sides.values()))
    (RESULTS / picture.file).write_bytes(chart.render(is_unicode=False))
