"""Run tests/generated inside one project of each combination of answers that changes the mechanism.

A project carries none of these tests. A file runs everywhere, unless its folder is named for a database, a kind of
soft delete or the examples, or is autogenerate/: nothing is skipped.
"""

import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ..harness import ROOT, Project, render
from ..variants import DATABASES, EXAMPLES, SOFT_DELETE

GENERATED = ROOT / "tests" / "generated"
# Answers, and the database on which the tests run. A project for both databases has the modules of either; its examples take
# turns.
COMBINATIONS: list[tuple[dict[str, Any], str]] = [
    ({"database": database, "soft_delete": soft_delete, "example_models": examples}, database)
    for database, soft_delete, examples in product(DATABASES, SOFT_DELETE, EXAMPLES)
] + [
    ({"database": "both", "soft_delete": soft_delete, "example_models": EXAMPLES[(row + column) % 3]}, database)
    for row, soft_delete in enumerate(SOFT_DELETE)
    for column, database in enumerate(DATABASES)
]


def folders(answers: dict[str, Any], database: str) -> list[str]:
    """Return the folders of tests/generated that apply."""
    kinds = {"explicit": ["soft_delete", "explicit"], "automatic": ["soft_delete", "automatic"], "none": []}
    examples = ["examples"] if answers["example_models"] != "none" else []
    # Takes long, and depends on the database alone.
    autogenerate = (
        ["autogenerate"] if answers == {**answers, "soft_delete": "explicit", "example_models": "none"} else []
    )
    return [database, "api", *kinds[answers["soft_delete"]], *examples, *autogenerate]


def add_mechanism_tests(project: Path, answers: dict[str, Any], database: str) -> Path:
    """Copy the tests that apply into the project, and return their folder."""
    copied = project / "tests" / "generated"
    shutil.copytree(GENERATED, copied, ignore=lambda folder, names: [n for n in names if Path(folder, n).is_dir()])
    for name in folders(answers, database):
        shutil.copytree(GENERATED / name, copied / name, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def name_combination(value: object) -> str:
    """Return the answers as part of a test's name."""
    return "-".join(map(str, value.values())) if isinstance(value, dict) else f"on-{value}"


@pytest.mark.mechanism
@pytest.mark.parametrize(("answers", "database"), COMBINATIONS, ids=name_combination)
def test_mechanism_holds(make_project: Callable[..., Project], answers: dict[str, Any], database: str) -> None:
    project = make_project(on=database, **answers)
    project.make_first_revision()
    tests = add_mechanism_tests(project.path, answers, database)
    tested = project.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests))
    assert " passed" in tested.stdout
    assert "skipped" not in tested.stdout


@pytest.mark.mechanism
@pytest.mark.parametrize(
    ("database", "soft_delete"), [("postgresql", "explicit"), ("sqlite", "automatic"), ("postgresql", "none")]
)
def test_mechanism_tests_are_clean(make_project: Callable[..., Project], database: str, soft_delete: str) -> None:
    examples = "none" if soft_delete == "explicit" else "user"
    answers = {"database": database, "soft_delete": soft_delete, "example_models": examples}
    project = make_project(**answers)
    add_mechanism_tests(project.path, answers, database)
    project.run("ruff", "check", "tests")
    project.run("ruff", "format", "--check", "tests")
    project.run("mypy", "tests")


def test_every_file_of_the_mechanism_tests_runs_somewhere() -> None:
    chosen = {name for answers, database in COMBINATIONS for name in folders(answers, database)}
    unused = {path.name for path in GENERATED.iterdir() if path.is_dir()} - chosen - {"__pycache__"}
    assert unused == set()


def test_project_carries_few_tests_of_the_mechanism(template: Path, tmp_path: Path) -> None:
    domain = {"factories.py", "test_posts.py", "test_users.py"}
    tests = render(template, tmp_path / "project", database="postgresql") / "tests"
    lines = {path.name: len(path.read_text().splitlines()) for path in tests.iterdir() if path.name not in domain}
    assert sum(lines.values()) <= 470, lines
