"""Revert an update that is not committed: `make update-undo`.

Git keeps the reverted files in a separate commit.
"""

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import note
from repository import UpdateBlocked, changed_paths, git, list_paths, new_revisions


def keep() -> str:
    """Store the tracked and the untracked files of this folder, except ignored ones, and return the commit."""
    with tempfile.TemporaryDirectory() as folder:
        index = partial(git, env=os.environ | {"GIT_INDEX_FILE": str(Path(folder, "index"))})
        index("read-tree", "HEAD")
        index("add", "--all", "--", ".")
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
    git("reset", "--quiet", "--", ".")
    for path in map(Path, files):
        if path.as_posix() in before:
            git("restore", "--source=HEAD", "--worktree", "--", f":(literal){path.as_posix()}")
        elif path.is_symlink() or path.is_file():
            path.unlink()
            for folder in path.parents[:-1]:
                if any(folder.iterdir()):
                    break
                folder.rmdir()


def main() -> int:
    """Run as `make update-undo`."""
    try:
        noted = note.read()
        if git("rev-parse", "HEAD") != noted["head"]:
            raise UpdateBlocked("There are commits since the last update: git revert takes them back.")
        if noted["stage"] == note.WRITING:  # the git that wrote was killed too
            Path(git("rev-parse", "--git-path", "index.lock")).unlink(missing_ok=True)
        changed = changed_paths()
        written = new_revisions() if noted["stage"] == note.MERGED else []  # the note does not name these yet
        files = [path for path in ([*noted["files"], *written] or changed) if path in changed]
        if not files:
            raise UpdateBlocked("There is no uncommitted update.")
        kept = keep()
        restore(files)
    except UpdateBlocked as error:
        print(error, file=sys.stderr)
        return 1
    note.remove()
    print(f"The update was reverted. To see its files: git diff HEAD {kept[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
