"""Compare an update of a project with a history with the same update of the same template without its `_migrations`.

Without `_migrations`, `copier update` only merges. With them it also checks the merge, keeps the edits of files that
moved, writes the migration and starts the application. `make update` does so in a scratch repository, and starts with
a clone of the template.

Every run updates a fresh copy of the project.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.harness import ROOT, UV, Project, clean_environment, git, render, set_up
from tests.updating.aged_project import AgedProject, edit_as_owner
from tests.updating.owner import COPIER
from tests.updating.releases import Releases

from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare, interleaved, seconds

# The changes of the second release, and the limits of their ratios.
CHANGES: dict[str, tuple[Callable[[Releases], None], float]] = {
    "code": (Releases.change_code, 1.8),
    "a column": (Releases.add_column, 2.5),
}
SIDES = ("make update", "copier update", "merge alone")


def make_template(folder: Path, change: Callable[[Releases], None], *, migrations: bool) -> Path:
    """Make a template with two releases, with or without `_migrations`."""
    git("clone", "--quiet", "--no-tags", str(ROOT), str(folder), cwd=ROOT)
    settings = folder / "copier.yml"
    before, mark, after = settings.read_text().partition("\n_migrations:\n")
    assert mark
    if not migrations:
        settings.write_text(before + "\n" + after[after.index("\n_message_before_copy:") :])
    releases = Releases(folder)
    releases.tag("v0.1.0")
    change(releases)
    releases.tag("v0.2.0")
    return folder


def make_project(template: Path, path: Path, database: str, server: str) -> AgedProject:
    """Make a project of the first release, and edit it as its owner does."""
    git("checkout", "--quiet", "v0.1.0", cwd=template)
    render(template, path, database=database)
    subprocess.run([UV, "sync", "--quiet", "--no-install-project"], cwd=path, check=True)
    environment = (path / ".venv").rename(path.parent / "environment")
    variables = clean_environment(path.parent / "home", PYTHONPATH=str(path / "src"), TMPDIR=tempfile.gettempdir())
    project = set_up(Project(path, environment, variables))
    aged = AgedProject(project, Releases(template), server, lambda _: environment)
    git("init", "--quiet", "--initial-branch=main", cwd=path)
    if database == "postgresql":
        aged.use_server("aged")
    aged.commit("Start from the template")
    edit_as_owner(aged)
    return aged


def measure(database: str, runs: int = 5) -> list[Figure]:
    """Measure a project with this database."""
    with tempfile.TemporaryDirectory() as name, postgresql() as server:
        work = Path(name)
        templates = {
            (what, whole): make_template(work / f"{what}-{whole}", change, migrations=whole)
            for what, (change, _) in CHANGES.items()
            for whole in (True, False)
        }
        url = replace(server, name="{database}").url()
        aged = make_project(templates["code", True], work / "project", database, url)
        origin = f"_src_path: {templates['code', True]}"
        pristine = aged.path.rename(work / "pristine")

        def update(what: str, side: str) -> float:
            whole = side != "merge alone"
            shutil.rmtree(aged.path, ignore_errors=True)
            shutil.copytree(pristine, aged.path, symlinks=True)
            aged.replace(".copier-answers.yml", origin, f"_src_path: {templates[what, whole]}")
            aged.commit("Move the template")
            revisions = aged.revisions()
            run = (
                partial(aged.run, "make", "update", PATH=f"{COPIER.parent}:/usr/bin:/bin")
                if side == "make update"
                else partial(aged.copier, "update", "--defaults", "--trust")
            )
            took = seconds(lambda: run().check_returncode())
            assert aged.status(), "it changed nothing"
            assert len(aged.revisions()) - len(revisions) == (whole and what == "a column")
            return took

        sides = {f"{what}, {side}": partial(update, what, side) for what in CHANGES for side in SIDES}
        measured = interleaved(sides, runs)
    return [
        compare(
            f"{side} with {what}, {database}",
            measured,
            f"{what}, {side}",
            f"{what}, {SIDES[-1]}",
            limit=limit,
            at_most=True,
        )
        for what, (_, limit) in CHANGES.items()
        for side in SIDES[:-1]
    ]


if __name__ == "__main__":
    for name in ("postgresql", "sqlite"):
        print(*measure(name), sep="\n")
