"""Every variant is rendered, is clean, has its first revision, and passes its own tests on its real database."""

from collections.abc import Callable
from typing import Any

import pytest

from ..harness import Project
from ..variants import VARIANTS, describe

# A project for both databases runs its tests on each.
RUNS = [
    (answers, database)
    for answers in VARIANTS
    for database in (("postgresql", "sqlite") if answers["database"] == "both" else (answers["database"],))
]


def name_run(value: Any) -> str:
    """Return the answers as part of a test's name."""
    return describe(value) if isinstance(value, dict) else f"on-{value}"


@pytest.mark.variants
@pytest.mark.parametrize(("answers", "database"), RUNS, ids=name_run)
def test_variant_passes_its_own_tests(
    make_project: Callable[..., Project], answers: dict[str, Any], database: str
) -> None:
    project = make_project(on=database, **answers)
    revision = project.make_first_revision()
    assert ("op.create_table" in revision.read_text()) is (answers["example_models"] != "none")
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    tested = project.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in tested.stdout
    assert "skipped" not in tested.stdout
