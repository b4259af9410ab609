"""docs/promises.md of a project: each promise is kept by a test that is there."""

import re
from pathlib import Path
from typing import Any

import pytest

from ..harness import ROOT, render
from ..variants import DATABASES

KEPT = re.compile(r"^\| .+ \| (\*template\* )?`([\w/]+\.py)::(\w+)` \|$")


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    "answers",
    [{}, {"soft_delete": "none"}, {"example_models": False, "soft_delete": "none"}],
    ids=["examples", "no soft delete", "bare"],
)
def test_each_promise_is_kept_by_a_test(template: Path, tmp_path: Path, database: str, answers: dict[str, Any]) -> None:
    project = render(template, tmp_path / "project", database=database, **answers)
    rows = [
        line
        for line in (project / "docs" / "promises.md").read_text().splitlines()
        if line.startswith("|") and not re.match(r"\| promise \||\|---", line)
    ]
    assert len(rows) > 20
    for row in rows:
        kept = KEPT.match(row)
        assert kept is not None, row
        heavy, file, test = kept.groups()
        code = (ROOT / "tests" / "faults" / file if heavy else project / file).read_text()
        assert re.search(rf"^(async )?def {test}\(", code, re.MULTILINE), row
