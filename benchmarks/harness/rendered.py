"""Render and set up a project from the current work tree, and serve it."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import copier

from tests.harness import free_port

from .serving import serving
from .versions import installed

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
# A user of the project does not have the variables that a shell or a test run has set.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")}


class Rendered:
    """A project with its own environment and first revision.

    Args:
        path: folder of the new project
        variables: environment variables for its programs
        answers: answers to the questionnaire
    """

    def __init__(self, path: Path, variables: dict[str, str] | None = None, **answers: object) -> None:
        options: dict[str, Any] = {
            "defaults": True,
            "skip_tasks": True,
            "unsafe": True,
            "quiet": True,
            "vcs_ref": "HEAD",
        }
        with warnings.catch_warnings():
            # The results of earlier figures are not committed yet.
            warnings.simplefilter("ignore", copier.errors.DirtyLocalWarning)
            copier.run_copy(str(ROOT), path, data=answers, **options)
        self.path = path
        self.environment = ENVIRONMENT | {"PYTHONPATH": "src"} | (variables or {})
        self.run(PROGRAMS / "uv", "sync", "--quiet")
        self.python("-m", "scripts.revision", "initial")

    def run(self, *command: str | Path) -> str:
        """Run a program in its folder, and return what it prints.

        Raises:
            CalledProcessError: it failed.
        """
        return subprocess.run(
            command, cwd=self.path, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def python(self, *arguments: str | Path) -> str:
        """Run its Python, and return what it prints."""
        return self.run(self.path / ".venv/bin/python", *arguments)

    @contextmanager
    def served(self, *flags: str, variables: dict[str, str] | None = None) -> Iterator[str]:
        """Migrate its database, serve it with these uvicorn flags and additional variables, and yield the URL."""
        self.python("-m", "alembic", "upgrade", "head")
        port = free_port()
        command = [str(self.path / ".venv/bin/uvicorn"), "my_service.main:app", f"--port={port}", *flags]
        with serving(command, port, self.path, self.environment | (variables or {})) as url:
            yield url

    def versions(self) -> dict[str, str]:
        """Return the versions of Python and of its packages."""
        return installed(self.path / ".venv/bin/python")
