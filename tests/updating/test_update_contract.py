"""The update contract, docs/update-contract.md, between the previous release and the present state."""

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from packaging.version import Version

from ..harness import ROOT, commit, git, render
from ..variants import PAIRWISE, describe

# What decides how a project is rendered.
SOURCES = ["copier.yml", "template"]
PRESENT = "v9999.0.0"
ANSWERS: list[dict[str, Any]] = [{}, {"database": "sqlite", "soft_delete": "none"}, *PAIRWISE[2:5], *PAIRWISE[-2:]]


def previous() -> str:
    """Return the newest release, or else the newest commit whose template is not the present one."""
    tags = git("tag", "--merged", "HEAD", "--sort=-version:refname", "v*", cwd=ROOT).splitlines()
    if tags:
        return tags[0]
    if git("status", "--porcelain", "--", *SOURCES, cwd=ROOT):
        return "HEAD"
    changes = git("log", "--format=%H", "--", *SOURCES, cwd=ROOT).splitlines()
    if len(changes) > 1:
        return changes[1]
    warnings.warn("This clone has no earlier state to update from: git fetch --unshallow --tags", stacklevel=1)
    return "HEAD"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the previous state as v0.0.1 and the work tree as the release after all others."""
    repository = tmp_path_factory.mktemp("history") / "template"
    git("clone", "--quiet", "--no-checkout", str(ROOT), str(repository), cwd=ROOT)
    git("checkout", "--quiet", previous(), cwd=repository)
    git("tag", "--force", "v0.0.1", cwd=repository)
    for path in repository.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, repository / name)
    commit(repository, "The work tree", tag=PRESENT)
    return repository


def files(project: Path) -> dict[str, str]:
    """Return what a project holds, without what is its owner's, made by running it, or says which release it is from."""
    found = {}
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        made = "__pycache__" in path.parts or name.startswith((".git/", ".postgresql/", "alembic/versions/"))
        if path.is_file() and not made:
            text = "" if path.name == "project_settings.py" else path.read_text(encoding="utf-8")
            found[name] = re.sub(r"^_commit: .*$", "", text, flags=re.MULTILINE)
    return found


@pytest.mark.parametrize("answers", ANSWERS, ids=describe)
def test_an_updated_project_equals_a_fresh_one(history: Path, tmp_path: Path, answers: dict[str, Any]) -> None:
    options: dict[str, Any] = {"defaults": True, "unsafe": True, "quiet": True}
    project = tmp_path / "project"
    copier.run_copy(str(history), project, data=answers, vcs_ref="v0.0.1", skip_tasks=True, **options)
    git("init", "--quiet", cwd=project)
    commit(project, "Start")
    copier.run_update(project, overwrite=True, **options)
    assert f"_commit: {PRESENT}" in (project / ".copier-answers.yml").read_text()
    assert files(project) == files(render(history, tmp_path / "fresh", **answers))


def declared(history: Path) -> set[str]:
    """Return the files that releases say have moved or gone."""
    entries = yaml.safe_load((history / "copier.yml").read_text())["_migrations"]
    commands = [entry["command"] for entry in entries]
    return {command[3] for command in commands if set(command) & {"moved", "removed"}}


def test_a_file_that_is_no_longer_rendered_is_declared(history: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"defaults": True, "unsafe": True, "quiet": True, "skip_tasks": True}
    gone: set[str] = set()
    for number, answers in enumerate(ANSWERS):
        folders = [tmp_path / f"{number}-{version}" for version in ("before", "now")]
        for folder, version in zip(folders, ("v0.0.1", PRESENT), strict=True):
            copier.run_copy(str(history), folder, data=answers, vcs_ref=version, **options)
        gone |= files(folders[0]).keys() - files(folders[1]).keys()
    undeclared = {path.replace("my_service", "{package_name}") for path in gone} - declared(history)
    assert not undeclared, "declare in copier.yml that these files were moved or removed: docs/update-contract.md"


def test_the_notes_stand_between_the_beginning_and_the_end() -> None:
    entries = yaml.safe_load((ROOT / "copier.yml").read_text())["_migrations"]
    commands = [entry["command"][1:] for entry in entries]
    assert commands[0][:2] == ["{{ _copier_conf.src_path }}/hooks/update/before_update.py", "begin"]
    assert commands[-1] == ["{{ _copier_conf.src_path }}/hooks/update/after_update.py"]
    for entry in entries[:-1]:
        assert entry["when"] == "{{ _stage == 'before' }}"
    versions = [entry["version"] for entry in entries[1:-1]]
    assert versions == sorted(versions, key=Version)
