"""Revert an update that is not committed: `make update-undo`.

Git keeps the reverted files in a separate commit.
"""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import note
from repository import UpdateBlocked, changed_paths, git, ignored_paths, list_paths, new_revisions


def keep(files: list[str]) -> str:
    """Store these files and all others of this folder that git does not ignore, and return the commit."""
    with tempfile.TemporaryDirectory() as folder:
        index = partial(git, env=os.environ | {"GIT_INDEX_FILE": str(Path(folder, "index"))})
        index("read-tree", "HEAD")
        index("add", "--all", "--", ".")
        if there := [path for path in files if os.path.lexists(path)]:
            index("--literal-pathspecs", "add", "--force", "--", *there)
        identity = (
            "-c",
            "user.name=make update-undo",
            "-c",
            "user.email=update@localhost",
            "-c",
            "commit.gpgSign=false",
        )
        return git(*identity, "commit-tree", "-p", "HEAD", "-m", "Before make update-undo", index("write-tree"))


def restore(files: list[str]) -> None:
    """Restore files from the last commit, and remove those that it does not contain."""
    before = {*list_paths("ls-tree", "-r", "--name-only", "-z", "HEAD")}
    listed = os.fsencode("\0".join(files))
    git("--literal-pathspecs", "reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", input=listed)
    for path in map(Path, files):
        if path.as_posix() in before:
            git("restore", "--source=HEAD", "--worktree", "--", f":(literal){path.as_posix()}")
        elif path.is_symlink() or path.is_file():
            path.unlink()
            for folder in path.parents[:-1]:
                if any(folder.iterdir()):
                    break
                folder.rmdir()


def undo(noted: dict[str, Any]) -> str:
    """Revert the update, and return the commit that keeps its files.

    Raises:
        UpdateBlocked: there is no uncommitted update.
    """
    if noted["stage"] != note.WRITING and not note.is_there(noted):
        raise UpdateBlocked("There is no uncommitted update.")
    if git("rev-parse", "HEAD") != noted["head"]:
        raise UpdateBlocked("There are commits since the last update: git revert takes them back.")
    if noted["stage"] == note.WRITING:  # the git that wrote was killed too
        Path(git("rev-parse", "--git-path", "index.lock")).unlink(missing_ok=True)
    changed = changed_paths()
    # After the merge, the note does not name the migration yet.
    written = new_revisions(noted["reason"]) if noted["stage"] == note.MERGED else []
    hidden = ignored_paths(noted["files"])  # new files of the release; those of the owner it does not touch
    files = [path for path in ([*noted["files"], *written] or changed) if path in changed or path in hidden]
    if not files:
        raise UpdateBlocked("There is no uncommitted update.")
    kept = keep(files)
    restore(files)
    note.remove()
    return kept


def main() -> int:
    """Run as `make update-undo`."""
    try:
        with note.locked():
            kept = undo(note.read())
    except (UpdateBlocked, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The update was reverted. To see its files: git diff HEAD {kept[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
