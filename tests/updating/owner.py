"""Projects that were only just made, with what their owners type: `make update`, and Copier's own commands."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import clean_environment, commit, git, render
from .aged_project import AgedProject
from .releases import Releases

ANSWERS = ".copier-answers.yml"
COPIER = Path(sys.executable).parent / "copier"
State = tuple[str, str, dict[str, bytes]]


def state(project: Path) -> State:
    """Return what git says, and every file."""
    files = {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and not {".git", ".venv", ".ruff_cache", "__pycache__"} & set(path.relative_to(project).parts)
    }
    if not (project / ".git").exists():
        return "", "", files
    status = git("status", "--porcelain", "--untracked-files=all", cwd=project)
    return status, (project / ".git" / "HEAD").read_text() + git("rev-parse", "--all", cwd=project), files


def with_programs(folder: Path, *programs: str | Path, only: bool = False) -> dict[str, str]:
    """Return a newcomer's environment with some programs on its PATH."""
    environment = clean_environment(folder / "home")
    programs_folder = folder / "programs"
    shutil.rmtree(programs_folder, ignore_errors=True)
    programs_folder.mkdir()
    for program in programs:
        (programs_folder / Path(program).name).symlink_to(program)
    path = str(programs_folder) if only else f"{programs_folder}:{environment['PATH']}"
    return environment | {"PATH": path}


class Owner:
    """A project that was only just made, with what its owner types."""

    def __init__(self, path: Path, variables: dict[str, str]) -> None:
        self.path = path
        self.variables = variables

    def update(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `make update` without a terminal, and see that it prints no traceback."""
        done = self.make("update", *words)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run make without a terminal."""
        return self._run("/usr/bin/make", *words)

    def is_refused(self, sentence: str, *words: str, target: str = "update") -> str:
        """See that an update is refused with a sentence, and that all is as it was; return what was said."""
        before = state(self.path)
        done = self.make(target, *words)
        assert "Traceback" not in done.stdout + done.stderr
        assert done.returncode == 2, "make's own code for a recipe that failed"
        assert "Makefile:" in done.stderr.splitlines()[-1]
        assert "Error 1" in done.stderr.splitlines()[-1]
        assert re.search(sentence, done.stderr), done.stdout + done.stderr
        assert state(self.path) == before
        return done.stderr

    def copier(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Copier."""
        return self._run(COPIER, *words)

    def _run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.path,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def answer(self, old: str, new: str) -> None:
        """Change Copier's record, and commit that."""
        text, count = re.subn(old, new, (self.path / ANSWERS).read_text(), flags=re.MULTILINE)
        assert count == 1
        (self.path / ANSWERS).write_text(text)
        commit(self.path, "Change the answers by hand")

    def answers(self) -> str:
        """Return Copier's record."""
        return (self.path / ANSWERS).read_text()

    def status(self) -> list[str]:
        """Return what git says has changed."""
        return git("status", "--porcelain", "--untracked-files=all", cwd=self.path).splitlines()


def begin(releases: Releases, folder: Path, database: str = "sqlite") -> Owner:
    """Return a project with its first commit; nothing is set up."""
    path = render(releases.path, folder / "project", database=database)
    git("init", "--quiet", "--initial-branch=main", cwd=path)
    commit(path, "Start from the template")
    return Owner(path, with_programs(folder, COPIER))


@pytest.fixture
def owner(releases: Releases, tmp_path: Path) -> Owner:
    """Return a project made of the newest release."""
    return begin(releases, tmp_path)


@pytest.fixture
def make_aged(make_aged_project: Callable[..., AgedProject], tmp_path: Path) -> Callable[..., Owner]:
    """Return what makes a project that is set up."""
    return lambda **answers: Owner(make_aged_project(**answers).path, with_programs(tmp_path, COPIER))


@pytest.fixture
def aged(make_aged: Callable[..., Owner]) -> Owner:
    """Return a project that is set up."""
    return make_aged(edited=False, database="sqlite")


def news(releases: Releases, version: str) -> None:
    """Release something that has nothing to do with the models."""
    releases.write("template/NEWS.md", f"{version}\n")
    releases.tag(version)
