"""Both type checkers are content with every kind of project, with a long name too."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from ..harness import ROOT, Project
from ..variants import EXAMPLES, MIXINS, SOFT_DELETE, describe

LONG_NAME = "a_deliberately_long_package_name_of_48_character"
# Each pair of two answers that change code occurs in one of these. The lowest Python of all is the one that runs them.
KINDS: list[dict[str, Any]] = [
    {
        "database": database,
        "soft_delete": SOFT_DELETE[(row + column) % 3],
        "mixins": mixins,
        "example_models": EXAMPLES[(row + 2 * column) % 3],
    }
    for row, database in enumerate(("postgresql", "sqlite", "both"))
    for column, mixins in enumerate(([], ["title"], ["description", "slug"], list(MIXINS)))
]


@pytest.mark.parametrize("answers", KINDS, ids=describe)
def test_types(make_project: Callable[..., Project], answers: dict[str, Any]) -> None:
    check(make_project(**answers))


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_style_and_types_with_a_long_name(make_project: Callable[..., Project], database: str) -> None:
    assert len(LONG_NAME) == 48
    project = make_project(database=database, package_name=LONG_NAME)
    project.make_first_revision()
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    check(project)
    project.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_update_tooling_that_runs_in_a_project(make_project: Callable[..., Project]) -> None:
    project = make_project(database="postgresql")
    # compare_models.py finds its neighbour as a script does, import_sqlite.py becomes a module of the project.
    scripts = ["compare_models.py", "project_modules.py", "with_scratch_server.py"]
    for name, folder in (*((name, ".") for name in scripts), ("import_sqlite.py", "scripts")):
        shutil.copy(ROOT / "hooks" / "update" / name, project.path / folder)
    check(project, *scripts)
    project.run("ruff", "check", "scripts/import_sqlite.py")
    project.run("ruff", "format", "--check", "scripts/import_sqlite.py")


def check(project: Project, *more: str) -> None:
    """Run both checkers as their settings in the project say, and on more files."""
    python = str(project.environment / "bin" / "python")
    checked = ["src", "scripts", "tests", *more]
    project.run("mypy", "--python-executable", python, *checked)
    # A project has no settings of pyright's: an editor finds its packages as this does.
    pyright = str(ROOT / ".venv" / "bin" / "pyright")
    assert "0 errors, 0 warnings" in project.run(pyright, "--pythonpath", python, *checked).stdout
