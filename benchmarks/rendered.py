"""A project of the last commit, rendered and set up, and its service."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import copier

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
# What a shell or a test run has set is not what a user of the project has.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")}


class Rendered:
    """A project with its own environment and first revision.

    Args:
        path: where to make it
        variables: of the environment that its programs get
        answers: to the questionnaire
    """

    def __init__(self, path: Path, variables: dict[str, str] | None = None, **answers: object) -> None:
        options: dict[str, Any] = {
            "defaults": True,
            "skip_tasks": True,
            "unsafe": True,
            "quiet": True,
            "vcs_ref": "HEAD",
        }
        copier.run_copy(str(ROOT), path, data=answers, **options)
        self.path = path
        self.environment = ENVIRONMENT | {"PYTHONPATH": "src:scripts"} | (variables or {})
        self.run(PROGRAMS / "uv", "sync", "--quiet")
        self.python("scripts/first_revision.py")

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
    def served(self) -> Iterator[str]:
        """Serve its database, which is migrated, and yield the URL."""
        self.python("-m", "alembic", "upgrade", "head")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        serve = [".venv/bin/uvicorn", "my_service.main:app", f"--port={port}", "--no-access-log"]
        with subprocess.Popen(serve, cwd=self.path, env=self.environment, stderr=subprocess.DEVNULL) as service:
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                service.terminate()


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the service does not start")
