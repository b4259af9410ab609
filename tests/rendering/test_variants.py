"""Every variant is rendered, is clean, has its first revision, and passes its own tests on its real database."""

from collections.abc import Callable
from typing import Any

import pytest

from ..harness import Project
from ..variants import VARIANTS, describe


@pytest.mark.variants
@pytest.mark.parametrize("answers", VARIANTS, ids=describe)
def test_a_variant_passes_its_own_tests(make_project: Callable[..., Project], answers: dict[str, Any]) -> None:
    project = make_project(**answers)
    revision = project.make_first_revision()
    assert ("op.create_table" in revision.read_text()) is answers["example_models"]
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    tested = project.run("pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in tested.stdout
    assert "skipped" not in tested.stdout
