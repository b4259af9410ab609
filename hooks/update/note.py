"""Keep a note of an update in a folder within .git, which git neither shows nor commits.

A copy of this folder is beside the note, so that `make update-continue` needs no clone of the template. The note:

    {"from": version, "to": version, "reason": what the migration is for, "answers": the answers file,
     "head": the commit before the update, "renames": ["table.old=new"], "moves": {"old path": "new path, or null"},
     "names": {"old dotted name": "new dotted name"},
     "import_script": the script that copies SQLite's rows, or null, "stage": WRITING, MERGED or DONE,
     "files": the paths that the update changed}

A finished update leaves its note and the copy for `make update-undo`.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from repository import UpdateBlocked, git, run_git, uncommitted_paths

if sys.platform != "win32":
    import fcntl

TOOLING = Path(__file__).resolve().parent
# Files are being written; the files are written, but not the migration; the update is finished.
WRITING, MERGED, DONE = "writing", "merged", "done"
LOCK = "lock"


@cache
def folder() -> Path:
    """Return the folder of this project's update: several projects can share a repository."""
    return Path(git("rev-parse", "--git-path", f"template-update/{git('rev-parse', '--show-prefix')}"))


@contextmanager
def locked() -> Iterator[None]:
    """Keep other updates of this project away, except on Windows.

    Raises:
        UpdateBlocked: another one is running.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / LOCK).open("w") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UpdateBlocked("Another update of this project is running: wait until it ends.") from None
        yield


def begin(note: dict[str, Any]) -> None:
    """Start a note, and copy the tooling beside it."""
    _copy(TOOLING)
    write(note)


def take_over(scratch: Path, **changes: Any) -> None:
    """Take the tooling and the note of a scratch repository, with some changes."""
    source = scratch / ".git" / "template-update"
    _copy(source)
    write(read(source) | changes)


def _copy(source: Path) -> None:
    """Copy the tooling. Without a note it is no update, so a note is removed first and written last."""
    remove()
    shutil.copytree(
        source, folder(), dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "note.json", LOCK)
    )


def read(source: Path | None = None) -> dict[str, Any]:
    """Return the note, by default this project's.

    Raises:
        UpdateBlocked: there is none.
    """
    try:
        found: dict[str, Any] = json.loads(((source or folder()) / "note.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UpdateBlocked("No update is under way. Start one with make update.") from None
    return found


def is_there(note: dict[str, Any]) -> bool:
    """Whether the project has the update: its answers are other ones than before. The owner may have reverted it by hand."""
    return run_git("diff", "--quiet", note["head"], "--", note["answers"]).returncode != 0


def write(note: dict[str, Any]) -> None:
    """Replace the note, in one step."""
    new = folder() / "note.new"
    new.write_text(json.dumps(note, indent=2), encoding="utf-8")
    new.replace(folder() / "note.json")


def stage() -> str:
    """Return the stage of the last update; DONE if there is none, or if the owner reverted it by hand."""
    if not (folder() / "note.json").exists():
        return DONE
    noted = read()
    if noted["stage"] == WRITING:  # not all files may be written
        reverted = noted["head"] == git("rev-parse", "HEAD") and not uncommitted_paths()
    else:
        reverted = not is_there(noted)
    return DONE if reverted else str(noted["stage"])


def refuse_unfinished() -> None:
    """Check that the last update is finished.

    Raises:
        UpdateBlocked: it is not.
    """
    if (now := stage()) == WRITING:
        raise UpdateBlocked("The last update was stopped while it wrote files. make update-undo reverts it.")
    if now == MERGED:
        raise UpdateBlocked(
            "The last update has not written its migration yet. make update-continue writes it, and make update-undo reverts"
            " the update."
        )


def remove() -> None:
    """Remove the note and the copy of the tooling, but not those of projects in folders below."""
    if folder().exists():
        (folder() / "note.json").unlink(missing_ok=True)
        shutil.rmtree(folder() / "__pycache__", ignore_errors=True)
        for file in folder().iterdir():
            if file.is_file() and file.name != LOCK:
                file.unlink()
