"""Fixtures of all tests: a copy of the work tree as a release, and projects that are rendered from it.

Every test works on a copy of the work tree in a git repository with a release, so that projects can update from it.
Projects that need the same packages share one environment. `operations/test_setup.py` tests the environment that a
project makes for itself.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import psutil
import pytest

from .harness import (
    UV,
    Project,
    clean_environment,
    copy_work_tree,
    embedded_folder,
    once_for_all_workers,
    render,
    set_up,
)
from .postgresql import PostgreSQL

MEMORY = Path("/dev/shm")  # noqa: S108
NEEDED = 6 << 30  # bytes; a whole run takes about half

pytest_plugins = ["tests.updating.aged_project", "tests.updating.owner"]


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory where there is room: of a run on a disk, they take a fifth of the time."""
    if {"TMPDIR", "PYTEST_DEBUG_TEMPROOT"} & os.environ.keys() or not MEMORY.is_dir():
        return
    status = os.statvfs(MEMORY)
    room = min(status.f_bavail * status.f_frsize, psutil.virtual_memory().available)
    if room < NEEDED or status.f_flag & os.ST_NOEXEC:
        return
    folder = tempfile.mkdtemp(prefix="t-", dir=MEMORY)  # a short name: paths of sockets are limited
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.chmod(folder, 0o1777)  # as root, PostgreSQL runs as another user  # noqa: PTH101, S103
    os.environ["TMPDIR"] = tempfile.tempdir = folder


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the developer's Copier settings and active environment out of the tests."""
    patch = pytest.MonkeyPatch()
    settings = tmp_path_factory.mktemp("settings") / "settings.yml"
    settings.write_text("{}\n")
    patch.setenv("COPIER_SETTINGS_PATH", str(settings))
    for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        patch.delenv(name, raising=False)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once() -> Iterator[None]:
    """Let Copier compile a template of Jinja once, not for each project: half of the time that rendering takes."""
    compile_template = jinja2.Environment.compile
    compiled: dict[tuple[Any, ...], Any] = {}

    def compile_once(environment: jinja2.Environment, source: Any, *more: Any, **named: Any) -> Any:
        key = (source, *more, *named.items()) if isinstance(source, str) else None
        if key is None or key not in compiled:
            compiled[key or ()] = compile_template(environment, source, *more, **named)
        return compiled[key or ()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the work tree as its release v0.0.1; tests do not write to it."""
    with once_for_all_workers(tmp_path_factory, "template") as (folder, missing):
        if missing:
            folder.mkdir()
            folder.with_name("renders").mkdir()
            copy_work_tree(folder)
    return folder


@pytest.fixture(scope="session")
def environment_for(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Return what makes, once, the environment that a project's pyproject.toml asks for."""

    def make(project: Path) -> Path:
        pyproject = (project / "pyproject.toml").read_text()
        parts = [name for name in ("asyncpg", "aiosqlite", "pgserver", "email") if name in pyproject]
        with once_for_all_workers(tmp_path_factory, f"environment-{'-'.join(parts)}") as (folder, missing):
            if missing:
                folder.mkdir()
                for name in ("pyproject.toml", "README.md"):
                    shutil.copy(project / name, folder)
                subprocess.run(
                    [UV, "sync", "--quiet", "--no-install-project", "--compile-bytecode", "--python", sys.executable],
                    cwd=folder,
                    check=True,
                )
        return folder / ".venv"

    return make


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server of this worker's own, with {database} for the name of a database."""
    with PostgreSQL() as server:
        yield server.url("{database}", "postgres:any")


@pytest.fixture(autouse=True)
def _no_data_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Remove the data of embedded servers, which as root is not in the projects."""
    folder: Path | None = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder and os.geteuid() == 0:
        for file in folder.glob("**/.postgresql/name"):
            shutil.rmtree(embedded_folder(file.parents[1]), ignore_errors=True)


@pytest.fixture
def make_project(
    template: Path,
    tmp_path: Path,
    environment_for: Callable[[Path], Path],
    request: pytest.FixtureRequest,
) -> Callable[..., Project]:
    """Return what renders a project that can be run; its databases are on a real server, or real files."""

    def make(name: str = "project", *, on: str | None = None, **answers: Any) -> Project:
        path = render(template, tmp_path / name, **answers)
        # The package is not installed in the shared environment.
        environment = environment_for(path)
        variables = clean_environment(tmp_path / "home", PYTHONPATH=str(path / "src"))
        # mypy then reads the packages once, and what it found in them not at the same time as another worker.
        variables["MYPY_CACHE_DIR"] = f"{environment}/mypy-{os.environ.get('PYTEST_XDIST_WORKER')}"
        if (on or answers.get("database", "postgresql")) == "postgresql":
            server: str = request.getfixturevalue("postgresql_server")
            variables["TEST_DATABASE_URL"] = server.format(database=f"{name}_test")
            variables["SCRATCH_DATABASE_URL"] = server.format(database="postgres")
        return Project(path, environment, variables)

    return make


@pytest.fixture
def make_owned(make_project: Callable[..., Project]) -> Callable[..., Project]:
    """Return what makes a project that is set up."""
    return lambda **answers: set_up(make_project(**answers))
