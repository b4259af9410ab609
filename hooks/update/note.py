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
from pathlib import Path
from typing import Any

from repository import UpdateBlocked, git

TOOLING = Path(__file__).resolve().parent
# Files are being written; the files are written, but not the migration; the update is finished.
WRITING, MERGED, DONE = "writing", "merged", "done"


def folder() -> Path:
    """Return the folder of this project's update: several projects can share a repository."""
    return Path(git("rev-parse", "--git-path", f"template-update/{git('rev-parse', '--show-prefix')}"))


def begin(note: dict[str, Any]) -> None:
    """Start a note, and copy the tooling beside it."""
    _copy(TOOLING)
    write(note)


def take_over(scratch: Path) -> None:
    """Take the note and the tooling of a scratch repository."""
    _copy(scratch / ".git" / "template-update")


def _copy(source: Path) -> None:
    remove()
    shutil.copytree(source, folder(), dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def read() -> dict[str, Any]:
    """Return the note.

    Raises:
        UpdateBlocked: there is none.
    """
    try:
        found: dict[str, Any] = json.loads((folder() / "note.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UpdateBlocked("There is no update: make update starts one.") from None
    return found


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
    as_before = noted["head"] == git("rev-parse", "HEAD") and not git("status", "--porcelain", "--", ".")
    return DONE if as_before else str(noted["stage"])


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
        shutil.rmtree(folder() / "__pycache__", ignore_errors=True)
        for file in folder().iterdir():
            if file.is_file():
                file.unlink()
        if not any(folder().iterdir()):
            folder().rmdir()
