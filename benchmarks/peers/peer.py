"""Generate a peer with its own program, add our tables, and serve it."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.harness import free_port

from ..harness.postgresql import Database
from ..harness.rendered import ENVIRONMENT, PROGRAMS
from ..harness.serving import NotServedError, serving
from ..harness.versions import installed

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache"
# Every peer gets this Python and this uv.
_ENVIRONMENT = ENVIRONMENT | {
    "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}",
    "UV_PYTHON": sys.executable,
    "UV_PYTHON_DOWNLOADS": "never",
}


class UnavailableError(Exception):
    """A peer is not available; the text says why."""

    def __init__(self, peer: str, command: str, output: str) -> None:
        self.peer = peer
        last = "\n".join(output.strip().splitlines()[-8:])
        super().__init__(f"{peer} cannot be installed: {command}\n{last}")


@dataclass(frozen=True)
class Routes:
    """The paths of the measured routes; `{key}`, `{limit}` and `{offset}` stand for numbers.

    Args:
        user: one user by key
        users: a page of users
        users_with_posts: a page of users, each with `posts`
        posts: creates a post by POST: title, content, author_id
        items: the key of the rows in a page; None: the page is the list itself
    """

    user: str
    users: str
    users_with_posts: str
    posts: str
    items: str | None


@dataclass(frozen=True)
class Peer:
    """A project that a program from PyPI generates, with our tables in it, in the cache.

    Args:
        name: name of the package on PyPI
        generate_command: scaffolds the project in an empty folder
        project: folder of the service below that folder
        install_command: installs the dependencies in `project`, according to its README
        migrate_command: migrates the database in `project`, according to its README
        test_command: runs the tests in `project`, according to its README
        application: import path of the ASGI application
        routes: paths of the measured routes
        commits: whether a POST commits before or after it responds
        database: returns the environment variables for a database
        readme_command: starts the service in `project`, according to its README; `{port}` stands for a number
        readme_environment: variables for `readme_command`
        registration: a file of the project, and the lines to add so that it serves the routes; None: it already does
        is_factory: whether `application` is a function that returns the application
        then: commands of the generator to run in `project` after generate_command
        quiet: variables that stop the log line of each request, which the flags of the server do not stop
        notes: remarks for readers of the figures
    """

    name: str
    generate_command: tuple[str, ...]
    project: str
    install_command: tuple[str, ...]
    migrate_command: tuple[str, ...]
    test_command: tuple[str, ...]
    application: str
    routes: Routes
    commits: Literal["before", "after"]
    database: Callable[[Database], dict[str, str]]
    readme_command: tuple[str, ...]
    readme_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    registration: tuple[str, str] | None = None
    is_factory: bool = False
    then: tuple[tuple[str, ...], ...] = ()
    quiet: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The folder from which it runs."""
        return CACHE / self.name / self.project

    @property
    def python(self) -> Path:
        """The Python of its own environment."""
        return self.path / ".venv/bin/python"

    def make(self) -> dict[str, str]:
        """Generate and install it, unless the cache has it with the same description; return its versions.

        Delete the cache to get newer releases. The versions are those of the generator (under `name`), of Python and of
        the installed packages. `requires-python` is the original requirement if it excludes this Python.

        Raises:
            UnavailableError: the registry is out of reach, or a command fails.
        """
        made = self.made()
        if made is not None:
            return made
        print(f"  making {self.name}: {shlex.join(self.generate_command)}", flush=True)
        folder = self._made.parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        asked = self.scaffold(folder)
        for command in self.then:
            self._run(command, self.path)
        shutil.copytree(HERE / "added" / self.name, self.path, dirs_exist_ok=True)
        if self.registration is not None:
            with (self.path / self.registration[0]).open("a") as file:
                file.write(self.registration[1])
        versions = {self.name: self._generator_version(), **self._installed(), **asked}
        self._made.write_text(json.dumps({"recipe": self._recipe(), "versions": versions}))
        return versions

    def made(self) -> dict[str, str] | None:
        """Return the cached versions; None unless the cache has it with the same description."""
        if not self._made.exists():
            return None
        made: dict[str, Any] = json.loads(self._made.read_text())
        return made["versions"] if made["recipe"] == self._recipe() else None

    @property
    def _made(self) -> Path:
        return CACHE / self.name / "made.json"

    def scaffold(self, folder: Path) -> dict[str, str]:
        """Generate and install it unchanged in an empty folder; return the Python that it requires, if that is a newer one.

        Raises:
            UnavailableError: the registry is out of reach, or a command fails.
        """
        self._run(self.generate_command, folder)
        project = folder / self.project
        if not project.is_dir():
            raise UnavailableError(self.name, shlex.join(self.generate_command), f"it made no {self.project}")
        asked = _accept_python(project / "pyproject.toml")
        self._run(self.install_command, project)
        return asked

    def migrate_and_test(self, folder: Path, database: Database) -> None:
        """Migrate an empty database and run its own tests, in the folder where it was scaffolded.

        Raises:
            UnavailableError: one of the two fails.
        """
        project = folder / self.project
        environment = _programs_of(project, self.environment(database))
        self._run(self.migrate_command, project, environment)
        self._run(self.test_command, project, environment)

    def serve_command(self, port: int, *flags: str) -> list[str]:
        """Return the command that serves it with uvicorn from its own environment."""
        factory = ["--factory"] if self.is_factory else []
        return [str(self.python), "-m", "uvicorn", self.application, f"--port={port}", *factory, *flags]

    def environment(self, database: Database) -> dict[str, str]:
        """Return the variables with which it runs on a database."""
        return _ENVIRONMENT | self.database(database)

    @contextmanager
    def served(self, database: Database, *flags: str) -> Iterator[str]:
        """Serve it with uvicorn and these flags, and yield the URL.

        Raises:
            UnavailableError: it does not start.
        """
        port = free_port()
        environment = {**self.environment(database), **self.quiet}
        with self._process(self.serve_command(port, *flags), environment, port) as url:
            yield url

    @contextmanager
    def served_by_readme(self, database: Database) -> Iterator[str]:
        """Serve it as its README says, and yield the URL.

        Raises:
            UnavailableError: it does not start.
        """
        port = free_port()
        command = [part.replace("{port}", str(port)) for part in self.readme_command]
        own = {name: value.replace("{port}", str(port)) for name, value in self.readme_environment.items()}
        with self._process(command, _programs_of(self.path, self.environment(database) | own), port) as url:
            yield url

    @contextmanager
    def _process(self, command: list[str], environment: dict[str, str], port: int) -> Iterator[str]:
        try:
            with serving(_found(command, environment), port, self.path, environment) as url:
                yield url
        except NotServedError as error:
            raise UnavailableError(self.name, error.command, error.output) from None

    def _recipe(self) -> str:
        """Return a hash of everything that determines the generated project."""
        added = sorted(path for path in (HERE / "added" / self.name).rglob("*.py") if path.is_file())
        parts = [
            *self.generate_command,
            self.project,
            *map(str, self.then),
            *self.install_command,
            *(self.registration or ()),
            sys.version,
            *(f"{path}\n{path.read_text()}" for path in added),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _run(self, command: tuple[str, ...], folder: Path, environment: dict[str, str] = _ENVIRONMENT) -> str:
        try:
            done = subprocess.run(
                _found(command, environment),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,  # a question is an error
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=900,
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(self.name, shlex.join(command), f"no end after {error.timeout} s") from None
        if done.returncode != 0:
            raise UnavailableError(self.name, shlex.join(command), done.stdout)
        return done.stdout

    def _generator_version(self) -> str:
        code = f"import importlib.metadata; print(importlib.metadata.version({self.name!r}))"
        found = self._run(("uv", "run", "--quiet", "--no-project", "--with", self.name, "python", "-c", code), CACHE)
        return found.strip().splitlines()[-1]

    def _installed(self) -> dict[str, str]:
        found = installed(self.python)
        for needed in ("uvicorn", "uvloop", "httptools"):
            if needed not in found:
                raise UnavailableError(self.name, shlex.join(self.install_command), f"it installs no {needed}")
        return found


def _accept_python(pyproject: Path) -> dict[str, str]:
    """Let a project accept this Python, and return its requirement if that is a newer Python."""
    text = pyproject.read_text()
    asked = re.search(r'^requires-python = "(>=3\.(\d+).*)"', text, re.MULTILINE)
    if asked is None or int(asked[2]) <= sys.version_info.minor:
        return {}
    own = f'requires-python = ">=3.{sys.version_info.minor}"'
    pyproject.write_text(text.replace(asked[0], own))
    return {"requires-python": asked[1]}


def _found(command: Sequence[str], environment: dict[str, str]) -> list[str]:
    """Return a command with the path of its program on that environment's PATH."""
    return [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]]


def _programs_of(project: Path, environment: dict[str, str]) -> dict[str, str]:
    return environment | {"PATH": f"{project / '.venv/bin'}{os.pathsep}{environment['PATH']}"}
