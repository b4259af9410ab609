"""Ask git about the project in the working directory."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any


class UpdateBlocked(Exception):
    """The owner has to fix something before the update can continue; the text says what."""


def run_git(*arguments: str, env: Mapping[str, str] = os.environ, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run git, with its messages in English.

    Raises:
        UpdateBlocked: git is not installed.
    """
    command = ["git", "-c", f"core.hooksPath={os.devnull}", *arguments]  # the owner's hooks are for the owner's commits
    try:
        return subprocess.run(command, capture_output=True, check=False, env={**env, "LC_ALL": "C"}, **options)
    except FileNotFoundError:
        raise UpdateBlocked("git is not on the PATH: install it.") from None


def git_bytes(*arguments: str, **options: Any) -> bytes:
    """Return what git prints.

    Raises:
        UpdateBlocked: git is not installed, or fails.
    """
    done = run_git(*arguments, **options)
    if done.returncode:
        raise UpdateBlocked(f"git {shlex.join(arguments)} failed: {os.fsdecode(done.stderr).strip()}")
    return done.stdout


def git(*arguments: str, **options: Any) -> str:
    """Return what git prints, as text without the last line's end.

    Raises:
        UpdateBlocked: git is not installed, or fails.
    """
    return os.fsdecode(git_bytes(*arguments, **options)).removesuffix("\n")


def list_paths(*arguments: str, **options: Any) -> list[str]:
    """Return the paths that a git command with -z prints."""
    return sorted({path for path in git(*arguments, **options).split("\0") if path})


def changed_paths(ask: Callable[..., list[str]] = list_paths) -> list[str]:
    """Return the files in this folder that differ from the last commit, new files included.

    Args:
        ask: lists the paths that git prints, by default those of the working directory's repository.
    """
    changed = ask("diff", "--name-only", "--no-renames", "--relative", "-z", "HEAD")
    return [*changed, *ask("ls-files", "--others", "--exclude-standard", "-z")]


def uncommitted_paths() -> list[str]:
    """Return what git status lists for this folder: the state and the path of each file."""
    return list_paths("status", "--porcelain", "--no-renames", "--untracked-files=normal", "-z", "--", ".")


def in_the_way(added: Collection[str], committed: Iterable[str]) -> list[str]:
    """Return the files and links of the owner, unknown to git, at the paths of new files or above them."""
    known = {*committed}
    places = {place for path in added for place in (Path(path), *Path(path).parents[:-1])}
    return sorted(
        place.as_posix()
        for place in places
        if place.as_posix() not in known
        and os.path.lexists(place)
        and (place.is_symlink() or not place.is_dir() or place.as_posix() in added)
    )


def ignored_paths(paths: Iterable[str]) -> list[str]:
    """Return those of the paths that the owner's settings have git ignore."""
    done = run_git("check-ignore", "-z", "--stdin", input=os.fsencode("\0".join(paths)))  # fails if there are none
    return [path for path in os.fsdecode(done.stdout).split("\0") if path]


def conflicting_paths(
    ask: Callable[..., list[str]] = list_paths, where: str = "--relative"
) -> tuple[list[str], list[str]]:
    """Return the unmerged files and the .rej files: in this folder, or with --no-relative in the whole repository."""
    unmerged = ask("diff", "--name-only", "--diff-filter=U", where, "-z")
    return unmerged, ask("ls-files", "--others", "-z", "--", "*.rej")


def new_revisions(reason: str) -> list[str]:
    """Return the migrations with this message that were not committed yet."""
    new = list_paths("ls-files", "--others", "--exclude-standard", "-z", "--", "alembic/versions")
    slug = "_".join(re.findall(r"\w+", reason)).lower()  # as Alembic names the file
    return [path for path in new if slug in Path(path).name]


def refuse_conflicts(where: str = "--relative") -> None:
    """Check that no file has conflicts: in this folder, or with --no-relative in the whole repository.

    Raises:
        UpdateBlocked: a file is unmerged, or has a .rej file beside it.
    """
    unmerged, rejected = conflicting_paths(where=where)
    if unmerged or rejected:
        what = " and ".join(["git add them"] * bool(unmerged) + ["delete the *.rej files"] * bool(rejected))
        raise UpdateBlocked("\n  ".join([f"These files have conflicts. Resolve them, {what}:", *unmerged, *rejected]))
