"""What `make bench` leaves: a table, the figures as JSON, and a plot of each group as SVG."""

import json
import os
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pygal
from peers import PEERS
from pygal.style import CleanStyle
from ratio import Figure
from rendered import ROOT, Rendered

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> str:
    """Return what the figures were measured on."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.partition(": ")[2] for line in information.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} processors ({model}), {platform.system()} {platform.release()}"


def versions() -> dict[str, dict[str, str]]:
    """Return what each side is made of, of the peers those that were made here."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"ours": Rendered(Path(folder) / "project").versions()}
    return found | {peer.name: versions for peer in PEERS if (versions := peer.made()) is not None}


def as_json(figure: Figure) -> dict[str, Any]:
    """Return a figure as it stands in the results."""
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
    """Return figures, as they stand in the results, as a table in Markdown."""
    rows = ["| figure | ratio | must be | |", "|---|---:|---|---|"]
    for figure in figures:
        ratio, verdict = "", "could not be had"
        if figure["ratio"] is not None:
            ratio = f"{figure['ratio']:.2f}"
            verdict = ("holds" if figure["holds"] else "**missed**") if figure["must_be"] else ""
        rows.append(f"| {figure['name']} | {ratio} | {figure['must_be']} | {verdict} |")
    return "\n".join(rows)


def publish(groups: Mapping[str, Any]) -> None:
    """Put what must hold into README.md, and everything into docs/speed.md, each between two marks."""
    must_hold = [figure for group in groups.values() for figure in group["figures"] if figure["must_be"]]
    machines = " and ".join(sorted({group["machine"] for group in groups.values()}))
    dates = sorted({group["date"] for group in groups.values()})
    measured = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    _put(ROOT / "README.md", f"{measured}, {machines}, `make bench`:\n\n{table(must_hold)}")
    parts = [
        f"{name}, {group['date']}, {group['machine']}, `make bench only={name}`:\n\n{table(group['figures'])}"
        for name, group in groups.items()
    ]
    _put(ROOT / "docs" / "speed.md", "\n\n".join(parts))


def _put(path: Path, text: str) -> None:
    before, mark, rest = path.read_text().partition("<!-- figures -->\n")
    _, end, after = rest.partition("<!-- end of figures -->")
    assert mark, path
    assert end, path
    path.write_text(f"{before}{mark}{text}\n{end}{after}")


def save(groups: Mapping[str, Sequence[Figure]], order: Sequence[str]) -> None:
    """Write the results of these groups of figures, all groups in this order; what was measured of others before stays."""
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
        plot(name, figures)
    results["groups"] = {name: results["groups"][name] for name in order if name in results["groups"]}
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    publish(results["groups"])


def plot(name: str, figures: Sequence[Figure]) -> None:
    """Draw the medians of each side, those of one unit beside each other."""
    for old in RESULTS.glob(f"{name}-*.svg"):
        old.unlink()
    for unit in sorted({figure.unit for figure in figures if figure.sides}):
        chart = pygal.HorizontalBar(
            style=CleanStyle,
            js=[],
            title=f"{name}, {unit}",
            show_legend=False,
            print_values=True,
            value_formatter=lambda value: f"{value:,.0f}" if value >= 100 else f"{value:.2f}",
            height=120 + 28 * sum(len(figure.sides) for figure in figures if figure.unit == unit),
        )
        sides = {
            f"{figure.name}: {side}": statistics.median(values)
            for figure in figures
            if figure.unit == unit
            for side, values in figure.sides.items()
        }
        chart.x_labels = list(sides)
        chart.add("", list(sides.values()))
        path = f"{name} {unit}".replace("/", " a ").replace(",", "").replace(" ", "-")
        (RESULTS / f"{path}.svg").write_bytes(chart.render(is_unicode=False))
