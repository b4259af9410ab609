"""The guide's own code, block by block, inside projects of each database and of both."""

import shutil
from collections.abc import Callable

import pytest

from ..harness import ROOT, Project

CHAPTERS = ROOT / "tests" / "guide" / "chapters"


@pytest.mark.parametrize("database", ["postgresql", "sqlite", "both"])
def test_the_guide_holds(make_project: Callable[..., Project], database: str) -> None:
    project = make_project(database=database)
    project.make_first_revision()
    copied = [shutil.copy(path, project.path / "tests") for path in CHAPTERS.glob("*.py")]
    tested = project.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, copied))
    assert " passed" in tested.stdout
    assert "skipped" not in tested.stdout
