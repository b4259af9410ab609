"""Ask git about the project in the working directory."""

import os
import subprocess
from typing import Any


class UpdateBlocked(Exception):
    """Something that the owner has to settle before the update can go on."""


def run_git(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run git, with its messages in English.

    Raises:
        UpdateBlocked: git is not installed.
    """
    command = ["git", *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False, env=os.environ | {"LC_ALL": "C"}, **options)
    except FileNotFoundError:
        raise UpdateBlocked("git is not on the PATH: install it.") from None


def git_bytes(*arguments: str) -> bytes:
    """Return what git prints.

    Raises:
        UpdateBlocked: git is not installed, or fails.
    """
    done = run_git(*arguments)
    if done.returncode:
        raise UpdateBlocked(f"git {arguments[0]} failed: {os.fsdecode(done.stderr).strip()}")
    return done.stdout


def git(*arguments: str) -> str:
    """Return what git prints, as text without the last line's end.

    Raises:
        UpdateBlocked: git is not installed, or fails.
    """
    return os.fsdecode(git_bytes(*arguments)).removesuffix("\n")


def list_paths(*arguments: str) -> list[str]:
    """Return the paths that a git command with -z prints."""
    return sorted({path for path in git(*arguments).split("\0") if path})


def refuse_conflicts(where: str = "--relative") -> None:
    """Check that no file has conflicts: in this folder, or with --no-relative in the whole repository.

    Raises:
        UpdateBlocked: a file is unmerged, or has a .rej file beside it.
    """
    unmerged = list_paths("diff", "--name-only", "--diff-filter=U", where, "-z")
    rejected = list_paths("ls-files", "--others", "-z", "--", "*.rej")
    if unmerged or rejected:
        what = " and ".join(["git add them"] * bool(unmerged) + ["delete the *.rej files"] * bool(rejected))
        raise UpdateBlocked("\n  ".join([f"These files have conflicts. Resolve them, {what}:", *unmerged, *rejected]))
