"""Show what an update would change: `make update DRY=1`."""

import os
import subprocess
from pathlib import Path

import yaml  # Copier's own
from project import IMPORT_PATHS, PROGRAMS, PROJECT_VARIABLE, ROOT, is_set_up
from repository import changed_paths, conflicting_paths, in_the_way
from scratch import Scratch

CHANGELOG = "CHANGELOG.md"
TOOLING = Path(__file__).resolve().parent


def show_changelog(scratch: Scratch, clone: str, here: str, there: str) -> None:
    """Print the lines that the template's changelog gained between two versions."""
    lines = scratch.git("-C", clone, "diff", "--no-ext-diff", here, there, "--", CHANGELOG).splitlines()
    gained = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]
    if any(gained):
        show(f"The changelog of the template, from {here} to {there}:", "\n".join(gained).strip().splitlines())


def show(title: str, lines: list[str]) -> None:
    """Print lines below a title."""
    print(f"\n{title}\n", *lines, sep="\n    ")


def show_files(scratch: Scratch) -> bool:
    """Print the files that would change, and return whether any would have conflicts."""
    unmerged, rejected = conflicting_paths(scratch.paths)
    conflicts = {*unmerged, *rejected}
    changed = {*changed_paths(scratch.paths)} - conflicts
    committed = scratch.paths("ls-tree", "-r", "--name-only", "-z", "HEAD")
    added = changed - {*committed}
    marks = {path: " (deleted)" for path in changed if not os.path.lexists(scratch.folder / path)}
    marks |= dict.fromkeys(added, " (new)")
    if changed:
        show("These files would change:", [f"{path}{marks.get(path, '')}" for path in sorted(changed)])
    if met := in_the_way(added, committed):
        show("The update would stop, because you have files that git ignores there. Move these first:", met)
    if conflicts:
        show("These files would have conflicts:", sorted(conflicts))
    return bool(conflicts)


def show_migration(scratch: Scratch) -> int:
    """Print the migration that would be written, and return the exit code.

    It uses the project's environment, and the project's server for scratch databases.
    """
    if (ROOT / ".env").exists() and not (scratch.folder / ".env").exists():  # git does not track it
        (scratch.folder / ".env").symlink_to(ROOT / ".env")
    python = ROOT / PROGRAMS / "python"
    variables = {
        PROJECT_VARIABLE: str(ROOT),
        "PYTHONPATH": os.pathsep.join(map(str, [*(ROOT / name for name in IMPORT_PATHS), TOOLING])),
    }
    command = [python, "-B", "-P", TOOLING / "with_scratch_server.py", scratch.folder]
    command += [python, "-B", TOOLING / "finish_update.py"]
    return subprocess.call(list(map(str, command)), cwd=ROOT, env=scratch.environment | variables)


def preview(scratch: Scratch, clone: str) -> int:
    """Print what the update would do, and return the exit code. Copier has merged it in the scratch repository."""
    code = 0
    answers = [yaml.safe_load((folder / scratch.answers.name).read_bytes()) for folder in (ROOT, scratch.folder)]
    here, there = (str(found["_commit"]) for found in answers)
    show_changelog(scratch, clone, here, there)
    if show_files(scratch):
        print("\nThe migration is written after you resolve the conflicts, so it is not shown.")
    elif not is_set_up():
        print("\nThe migration is not shown, because this project has no environment. Run make setup, then try again.")
    elif answers[0]["database"] != answers[1]["database"]:
        print("\nThe migration is not shown, because the update changes the database.")
    else:
        print(flush=True)
        code = show_migration(scratch)
    print("\nThis was a dry run. Nothing was changed. To update, run the same command without DRY=1.")
    return code
