"""Projects rendered from the work tree, and the programs that run in them."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import copier
import pytest

ROOT = Path(__file__).resolve().parent.parent
UV = str(Path(sys.executable).parent / "uv")
# The settings of a package registry and of the folder for temporary files. Nothing else that happens to be set is kept.
_KEPT = (
    "PIP_",
    "UV_INDEX",
    "UV_DEFAULT",
    "UV_CACHE",
    "SSL_",
    "REQUESTS_CA",
    "CURL_CA",
    "HTTP_",
    "HTTPS_",
    "http_",
    "https_",
    "TMPDIR",
)


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a newcomer: an empty home, the system's programs and this Python."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    path = os.pathsep.join([str(Path(sys.executable).resolve().parent), "/usr/local/bin", "/usr/bin", "/bin"])
    home.mkdir(parents=True, exist_ok=True)
    own = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8"}
    # A project's pytest would close the folder of this one to others, and as root PostgreSQL runs as another user.
    return kept | own | {"PYTEST_DEBUG_TEMPROOT": str(home)} | more


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def git(*arguments: str, cwd: Path) -> str:
    """Run git as someone with no settings, and return what it prints."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True)  # noqa: S607
    return done.stdout.strip()


def commit(repository: Path, message: str, tag: str | None = None) -> None:
    """Commit everything, and perhaps tag it as a release."""
    git("add", "--all", cwd=repository)
    git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message, cwd=repository)
    if tag:
        git("tag", tag, cwd=repository)


def copy_work_tree(destination: Path) -> Path:
    """Copy the files that git knows or would know, as they are, into a repository of their own."""
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
    git("init", "--quiet", "--initial-branch=main", cwd=destination)
    commit(destination, "The template", tag="v0.0.1")
    return destination


def installed(environment: Path) -> set[str]:
    """Return the names of the packages in an environment."""
    found = environment.glob("lib/python*/site-packages/*.dist-info")
    return {path.name.partition("-")[0].replace("_", "-").lower() for path in found}


def grouped(pyproject: Path, *groups: str) -> set[str]:
    """Return the names of the packages that dependency groups list, without those of the groups they include."""
    listed = tomllib.loads(pyproject.read_text())["dependency-groups"]
    needs = [need for group in groups for need in listed.get(group, []) if isinstance(need, str)]
    return {re.split(r"[^\w-]", need)[0].lower() for need in needs}


@contextmanager
def once_for_all_workers(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """Yield a folder that all workers share, and whether it is still to be filled."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with once(shared / name) as missing:
        yield shared / name, missing


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """Yield whether a folder is still to be filled, which no other process does meanwhile."""
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


def render(template: Path, destination: Path, **answers: Any) -> Path:
    """Render a project without its tasks, and return its folder.

    Where the template has a folder `renders` beside it, each set of answers is rendered once and copied.
    """
    renders = template.with_name("renders")
    if not renders.exists():
        return _render(template, destination, answers)
    kept = renders / hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()
    with once(kept) as missing:
        if missing:
            _render(template, kept, answers)
    return Path(shutil.copytree(kept, destination, symlinks=True))


def _render(template: Path, destination: Path, answers: dict[str, Any]) -> Path:
    copier.run_copy(
        str(template),
        destination,
        data=answers,
        defaults=True,
        skip_tasks=True,
        unsafe=True,
        quiet=True,
        vcs_ref="HEAD",
    )
    return destination


@cache
def _warm_python(python: Path) -> subprocess.Popen[str]:
    """Start a Python that has imported the packages of its environment; it ends with this process."""
    program = [str(python), str(ROOT / "tests" / "warm.py")]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run_warm(
    python: Path, command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a module, a file or code after -c in a fork of a Python that has imported the packages already; see warm.py."""
    warm = _warm_python(python)
    assert warm.stdin is not None
    assert warm.stdout is not None
    with NamedTemporaryFile("r") as out, NamedTemporaryFile("r") as err:
        order = {"command": command, "folder": str(folder), "environment": dict(environment)}
        print(json.dumps(order | {"out": out.name, "err": err.name}), file=warm.stdin, flush=True)
        code = int(warm.stdout.readline())
        return subprocess.CompletedProcess(command, code, out.read(), err.read())


@dataclass(frozen=True)
class Project:
    """A rendered project, its programs from a shared environment."""

    path: Path
    environment: Path
    variables: Mapping[str, str]

    def run(self, *command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the project's folder; a failure shows what it printed."""
        program = self.environment / "bin" / command[0]
        environment = {**self.variables, **more}
        if command[0] == "python":
            words = command[1:] if command[1] == "-c" else command[2:]
            done = run_warm(self.environment / "bin" / "python", words, self.path, environment)
        else:
            done = subprocess.run(
                [str(program if program.exists() else command[0]), *command[1:]],
                cwd=self.path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
        assert not check or done.returncode == 0, (
            f"{' '.join(command)} failed:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        )
        return done

    def make_first_revision(self) -> Path:
        """Do what set-up does once the environment is there, and return the revision."""
        self.run("python", "-m", "scripts.revision", "initial")
        self.run("ruff", "check", "--fix", "--quiet", "alembic/versions")
        self.run("ruff", "format", "--quiet", "alembic/versions")
        return self.path / "alembic" / "versions" / "0001_initial_schema.py"


def embedded_folder(project: Path) -> Path:
    """Return the folder of a project's embedded PostgreSQL."""
    own = project / ".postgresql"
    if not (own / "name").exists():
        return own
    return Path("/var/lib/embedded-postgresql", (own / "name").read_text().partition(" ")[0])  # as root


@contextmanager
def embedded_server(project: Path, variables: Mapping[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a process that uses a project's embedded PostgreSQL; yield the URL of the server, and the process."""
    program = "from scripts.embedded_postgresql import server_url; print(server_url(), flush=True); input()"
    with subprocess.Popen(
        [project / ".venv/bin/python", "-c", program],
        cwd=project,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # libpq takes + for itself, not for a space.
        url = process.stdout.readline().strip().replace("postgresql+asyncpg:", "postgresql:").replace("+", "%20")
        yield url, process
        if process.poll() is None:
            print(file=process.stdin, flush=True)
            assert process.wait(60) == 0


def set_up(project: Project) -> Project:
    """Do what a project's own set-up does, with the shared environment, so that its make targets run as its owner's do."""
    if not any(project.path.glob("alembic/versions/*.py")):
        project.make_first_revision()
    shutil.rmtree(project.path / ".venv", ignore_errors=True)
    (project.path / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (project.path / ".venv" / part).symlink_to(project.environment / part)
    (project.path / ".venv" / ".ready").write_text(str(project.path.resolve()))
    variables = {"HOME", "PATH", "LANG", "PYTEST_DEBUG_TEMPROOT", "TMPDIR"} & project.variables.keys()
    # The package is not installed in the shared environment.
    own = {name: project.variables[name] for name in variables} | {"PYTHONPATH": str(project.path / "src")}
    return Project(project.path, project.environment, own)
