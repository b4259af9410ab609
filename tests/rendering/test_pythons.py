"""A project passes its tests on every Python that is installed here, from the lowest one up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..harness import UV, clean_environment, render


def installed_pythons() -> list[str]:
    """Return the interpreters from 3.11 up, one of each minor version: this one, those on the PATH, and pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "/nonexistent")) / "versions"
    path = os.pathsep.join([*map(str, sorted(pyenv.glob("3.*/bin"))), os.environ.get("PATH", os.defpath)])
    listed = subprocess.run(
        [UV, "python", "list", "--only-installed", "--output-format", "json"],
        env=os.environ | {"PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    found = {f"{sys.version_info.major}.{sys.version_info.minor}": sys.executable}
    for python in json.loads(listed.stdout):
        parts = python["version_parts"]
        if python["implementation"] == "cpython" and (parts["major"], parts["minor"]) >= (3, 11):
            found.setdefault(f"{parts['major']}.{parts['minor']}", python["path"])
    return [found[version] for version in sorted(found)]


def version(python: str) -> str:
    """Return the minor version of an interpreter."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
@pytest.mark.parametrize("python", installed_pythons(), ids=version)
def test_a_project_runs_on(
    template: Path, tmp_path: Path, request: pytest.FixtureRequest, python: str, database: str
) -> None:
    project = render(template, tmp_path / "project", database=database, python_version=version(python))
    environment = clean_environment(tmp_path / "home", UV_PYTHON=python)
    environment["PATH"] = f"{Path(UV).parent}:{environment['PATH']}"
    if database == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        environment["TEST_DATABASE_URL"] = server.format(database="pythons_test")
    tested = subprocess.run(
        ["make", "test"],  # noqa: S607
        cwd=project,
        env=environment | {"SCRATCH_DATABASE_URL": environment.get("TEST_DATABASE_URL", "")},
        check=False,
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-3000:]
    assert f"Python {version(python)}." in tested.stdout
    assert " passed" in tested.stdout
