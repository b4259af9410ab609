"""Compare `copier update` of a project with a history with the same update of the same template without its `_migrations`.

The `_migrations` run one program before the update and one after it. If something under src/ changed, the second program
starts two processes that import all models, as each of Alembic's commands does. The first creates the schema of the
last commit's models. The second compares it with the models on a scratch database. It then writes the migration on
another scratch database, runs it and compares again. The time of all this is measured against Alembic's
`revision --autogenerate`, which is one process on a database at head.

Every run updates a fresh copy of the project.
"""

import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.harness import ROOT, UV, Project, clean_environment, git, render, set_up
from tests.updating.aged_project import AgedProject, edit_as_owner
from tests.updating.releases import Releases

from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare, interleaved, seconds, spread

# The changes of the second release.
CHANGES: dict[str, Callable[[Releases], None]] = {"code": Releases.change_code, "a column": Releases.add_column}
# The fastest runs have 1.6 and 2.2 to 2.5. A busy machine misses the second limit, which is for a difference of two long times.
UPDATE_LIMIT = 1.8
MIGRATIONS_LIMIT = 4


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
    variables = clean_environment(path.parent / "home", PYTHONPATH=str(path / "src"))
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
            (what, migrations): make_template(work / f"{what}-{migrations}", change, migrations=migrations)
            for what, change in CHANGES.items()
            for migrations in (True, False)
        }
        url = replace(server, name="{database}").url()
        aged = make_project(templates["code", True], work / "project", database, url)
        origin = f"_src_path: {templates['code', True]}"
        pristine = aged.path.rename(work / "pristine")

        def update(what: str, *, migrations: bool) -> float:
            shutil.rmtree(aged.path, ignore_errors=True)
            shutil.copytree(pristine, aged.path, symlinks=True)
            aged.replace(".copier-answers.yml", origin, f"_src_path: {templates[what, migrations]}")
            aged.commit("Move the template")
            revisions = aged.revisions()
            took = seconds(lambda: aged.copier("update", "--defaults", "--trust").check_returncode())
            assert aged.status(), "it changed nothing"
            assert len(aged.revisions()) - len(revisions) == (migrations and what == "a column")
            return took

        def alembic() -> float:  # the last update left the project without its migration
            command = ["python", "-m", "alembic", "revision", "--autogenerate", "--message", "Add a column"]
            return seconds(lambda: aged.run(*command))

        sides = {
            f"{what}, {'with' if migrations else 'without'}": partial(update, what, migrations=migrations)
            for what, migrations in templates
        }
        measured = interleaved({**sides, "alembic": alembic}, runs)
    figures = [
        compare(
            f"update with {what}, {database}",
            measured,
            f"{what}, with",
            f"{what}, without",
            limit=UPDATE_LIMIT,
            at_most=True,
        )
        for what in CHANGES
    ]
    # Subtract run by run, because the two values of a run were measured one right after the other.
    parts = {side: measured[side] for side in ("a column, with", "a column, without", "alembic")}
    ratio = statistics.median(
        (longer - shorter) / command for longer, shorter, command in zip(*parts.values(), strict=True)
    )
    detail = ", ".join(f"{side} {spread(values)}" for side, values in parts.items())
    name = f"migrations of an update, {database}"
    return [*figures, Figure(name, ratio, MIGRATIONS_LIMIT, at_most=True, detail=detail, sides=parts)]


if __name__ == "__main__":
    for name in ("postgresql", "sqlite"):
        print(*measure(name), sep="\n")
