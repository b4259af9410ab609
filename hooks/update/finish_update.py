"""Finish an update: write a migration with the template's changes to the models.

If something blocks it, a conflict for example, it prints the reason, and `make update-continue` runs it again. It uses
only scratch databases, and commits nothing. In a dry run it prints the migration.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from textwrap import indent
from typing import Any

import note
from new_names import add_new_name
from project import (
    APPLICATION,
    IMPORT_COMMAND,
    IMPORT_PATHS,
    PROGRAMS,
    PROJECT,
    ROOT,
    SCHEMA,
    applications,
    first_revision,
    is_set_up,
    sync,
)
from repository import UpdateBlocked, git, list_paths, new_revisions, refuse_conflicts

TOOLING = Path(__file__).resolve().parent
MARKER = b"\n<<<<<<< before updating"  # as Copier writes it
NO_MIGRATION = "The template changed nothing in the schema: there is no migration to write."
# Databases that do not exist, so that importing a project's models reaches none.
UNREACHABLE_URLS = {
    "asyncpg": "postgresql+asyncpg://nobody@nowhere.invalid/nothing",
    "aiosqlite": "sqlite+aiosqlite:////nowhere/nothing.db",
}


def dependency_key(project: Path) -> tuple[Any, ...]:
    """Return everything that decides which packages a project needs."""
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    about = pyproject.get("project", {})
    return about.get("dependencies"), about.get("requires-python"), pyproject.get("dependency-groups")


def unreachable_url(project: Path) -> str:
    """Return a URL that the project's settings accept."""
    needed = str(dependency_key(project))
    return next(url for driver, url in UNREACHABLE_URLS.items() if driver in needed or driver == "aiosqlite")


def make_python(project: Path, folder: Path) -> Path:
    """Make an environment for a project in a folder of its own, and return its Python.

    Raises:
        UpdateBlocked: it cannot be made, for example without a network.
    """
    folder.mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        if (project / name).exists():
            shutil.copy(project / name, folder)
    sync(folder)
    return folder / PROGRAMS / "python"


def run(python: Path, project: Path, *command: str | Path) -> str:
    """Run a program on a project's modules, with no database except scratch ones, and return its output.

    Raises:
        UpdateBlocked: it failed.
    """
    environment = os.environ | {
        # It overrides .env, whose other settings may be needed to import the models.
        "DATABASE_URL": unreachable_url(project),
        "ENVIRONMENT": "development",
        # This folder comes last: a project's package may have the name of a module here.
        "PYTHONPATH": os.pathsep.join(map(str, [*(project / name for name in IMPORT_PATHS), TOOLING])),
    }
    words = [str(word) for word in (python, "-P", *command)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise UpdateBlocked(said.splitlines()[-1] if "Traceback (most recent call last)" in said else said)
    return done.stdout


def check_out(commit: str, folder: Path) -> None:
    """Write the project as it was at a commit, without its revisions, into a folder."""
    top = git("rev-parse", "--show-toplevel")
    index = partial(git, "-C", top, env=os.environ | {"GIT_INDEX_FILE": str(folder.with_name("index"))})
    index("read-tree", f"{commit}:{git('rev-parse', '--show-prefix').rstrip('/')}")
    index("checkout-index", "--all", "--quiet", f"--prefix={folder}/")
    for entry in index("ls-files", "--stage", "-z").split("\0"):
        details, _, path = entry.partition("\t")
        if details.startswith("160000") and (PROJECT / path).is_dir():  # a submodule
            shutil.copytree(PROJECT / path, folder / path, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True)
    shutil.rmtree(folder / "alembic" / "versions", ignore_errors=True)


def write_migration(noted: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Write a migration with the template's changes to the models since the commit before the update.

    Returns a report for the owner, and what is wrong with the code now.

    Raises:
        UpdateBlocked: the owner has to fix something first.
    """
    head = noted["head"]
    changed = {*list_paths("diff", "--name-only", "--no-renames", "--relative", "-z", head, "--", "src")}
    changed |= {*list_paths("ls-files", "--others", "--exclude-standard", "-z", "--", "src")}
    if not changed:
        return NO_MIGRATION, []
    with tempfile.TemporaryDirectory() as name:
        before = Path(name, "before")
        check_out(head, before)
        same = dependency_key(before) == dependency_key(ROOT)
        own = PROJECT / PROGRAMS / "python" if is_set_up() else None
        python = own if own and same else make_python(ROOT, Path(name, "new"))
        schema, errors = start_applications(python)
        broken = [add_new_name(error, noted["names"]) for error in [*errors, *undefined_names(python, changed)]]
        if same and not noted["renames"] and schema and not touches(schema, changed):
            return NO_MIGRATION, broken
        old_python = own or (python if same else make_python(before, Path(name, "old")))
        run(old_python, before, *first_revision(before))
        versions = before / "alembic" / "versions"
        options = noted["reason"], *noted["renames"]
        return run(python, ROOT, TOOLING / "compare_models.py", versions, *options).strip(), broken


def touches(schema: set[str], changed: set[str]) -> bool:
    """Whether the changed files can change the schema: one of those that decide it, a deleted one, or one with data."""
    return bool(changed & schema) or not all(path.endswith(".py") and Path(path).is_file() for path in changed)


def start_applications(python: Path) -> tuple[set[str], list[str]]:
    """Import each application; return the files that decide the schema, or none if that is unknown, and the errors."""
    commands = [[f"{package}.{name}" for name in (*SCHEMA, APPLICATION)] for package in applications()]
    said = [run(python, ROOT, TOOLING / "start_application.py", *command) for command in commands]
    found = [json.loads(lines.splitlines()[-1]) for lines in said]  # programs that it starts may print too
    known = all(one["schema"] for one in found)
    schema = {path for one in found for path in one["schema"]} if known else set()
    return schema, [error for one in found for error in one["errors"]]


def undefined_names(python: Path, files: Iterable[str]) -> list[str]:
    """Return the file and the line of each undefined name in the files, as ruff prints them if the project has it."""
    ruff = python.with_name("ruff")
    modules = sorted(path for path in files if path.endswith(".py") and Path(path).is_file())
    if not modules or not ruff.exists():
        return []
    options = ("--quiet", "--no-cache", "--no-fix", "--select=F821", "--output-format=concise")
    done = subprocess.run([ruff, "check", *options, *modules], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def refuse_markers(files: list[str]) -> None:
    """Check that no file was committed with its conflicts.

    Raises:
        UpdateBlocked: one contains the lines that mark a conflict.
    """
    if marked := [path for path in files if Path(path).is_file() and MARKER in b"\n" + Path(path).read_bytes()]:
        raise UpdateBlocked("\n  ".join(["These files still contain conflict markers. Resolve them:", *marked]))


def show(said: str, broken: list[str]) -> None:
    """Print the report and the errors."""
    print(said)
    if broken:
        print("\nThe code no longer fits together:", *broken, sep="\n  ")


def say_next(noted: Mapping[str, Any]) -> None:
    """Print the next commands for the owner, if anything changed."""
    if not git("status", "--porcelain", "--", "."):
        return
    print("\nNext:\n")
    print("    git add --all . && git diff --cached    shows what changed, new files too")
    if git("status", "--porcelain", "--", "alembic/versions"):
        print("    make db-upgrade                         runs the migration on your database")
    print("    make test")
    print("    make update-undo                        reverts the update, until you commit")
    if git("status", "--porcelain", "--", "alembic/versions"):
        print("                                            (after make db-upgrade: first make db-downgrade)")
    same = noted["from"] == noted["to"]
    message = "Change the template's answers" if same else f"Update the template to {noted['to']}"
    print(f'    git commit -m "{message}"\n')
    if noted["import_script"]:
        print("Your rows are still in SQLite. When the service moves to PostgreSQL, stop it, then copy them:\n")
        print("    make db-upgrade")
        print(f"    {IMPORT_COMMAND} FILE      the SQLite file, by default {applications()[0]}.db")
        print(f"    git rm {noted['import_script']}      when the rows are there: only the import needs it\n")


def main() -> int:
    """Run after `copier update`, and as `make update-continue`."""
    try:
        noted = note.read()
        if noted["stage"] == note.DONE:
            raise UpdateBlocked("No update is unfinished: make update starts one.")
        if noted["stage"] == note.WRITING:
            note.refuse_unfinished()
    except UpdateBlocked as error:
        print(error, file=sys.stderr)
        return 1
    try:
        refuse_conflicts()
        refuse_markers(noted["files"])
        said, broken = write_migration(noted)
    except (UpdateBlocked, OSError) as error:
        print(f"{error}\nNo migration was written. Fix that, then run make update-continue.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. To write the migration, run make update-continue.", file=sys.stderr)
        return 1
    show(said, broken)
    note.write(noted | {"stage": note.DONE, "files": [*noted["files"], *new_revisions(noted["reason"])]})
    say_next(noted)
    return 0


def preview_migration() -> int:
    """Print the migration that an update would write; run in the scratch repository of a dry run."""
    noted = note.read()
    try:
        said, broken = write_migration(noted)
    except UpdateBlocked as error:
        print(f"{error}\nThe migration cannot be shown. Fix that, then run make update DRY=1 again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    for path in new_revisions(noted["reason"]):
        said = f"This migration would be written:\n\n{indent(Path(path).read_text(encoding='utf-8'), '    ')}".rstrip()
    show(said, broken)
    return 0


if __name__ == "__main__":
    sys.exit(main() if PROJECT == ROOT else preview_migration())
