"""Check that a test keeps each promise of docs/promises.md: one of the project's, or one of the template's."""

import re
from pathlib import Path
from typing import Any

import pytest

from ..harness import ROOT, render

ROW = re.compile(r"^\| \w* ?\| .+ \| `(test_\w+)` \|$")


@pytest.mark.parametrize("database", ["postgresql", "sqlite", "both"])
@pytest.mark.parametrize(
    "answers",
    [{}, {"soft_delete": "none"}, {"example_models": "none", "soft_delete": "none"}],
    ids=["examples", "no soft delete", "bare"],
)
def test_a_test_keeps_each_promise(template: Path, tmp_path: Path, database: str, answers: dict[str, Any]) -> None:
    project = render(template, tmp_path / "project", database=database, **answers)
    tests = names_of_tests(project / "tests", ROOT / "tests")
    lines = (project / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]
    assert len(rows) > 20
    kept_by = {row: ROW.match(row) for row in rows}
    assert [row for row, found in kept_by.items() if found is None or found[1] not in tests] == []


def names_of_tests(*folders: Path) -> set[str]:
    """Return the names of all tests in the folders."""
    files = [file for folder in folders for file in folder.rglob("test_*.py")]
    definition = re.compile(r"^\s*(?:async )?def (test_\w+)\(", re.MULTILINE)
    return {name for file in files for name in definition.findall(file.read_text(encoding="utf-8"))}
