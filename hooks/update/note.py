"""Remember an update until it is finished, in a folder within .git that git neither shows nor commits.

Beside the note lies a copy of this folder, so that `make update-continue` needs no clone of the template. The note:

    {"from": version, "to": version, "reason": what the migration is for, "answers": the answers file,
     "head": the commit before the update, "renames": ["table.old=new"], "moves": {"old path": "new path, or null"},
     "import_script": the script that copies SQLite's rows, or null}
"""

import json
import shutil
from pathlib import Path
from typing import Any

from repository import UpdateBlocked, git

TOOLING = Path(__file__).resolve().parent


def folder() -> Path:
    """Return the folder of this project's update: several projects can share a repository."""
    return Path(git("rev-parse", "--git-path", f"template-update/{git('rev-parse', '--show-prefix')}"))


def begin(note: dict[str, Any]) -> None:
    """Start a note, and copy the tooling beside it."""
    remove()
    shutil.copytree(TOOLING, folder(), dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    write(note)


def read() -> dict[str, Any]:
    """Return the note.

    Raises:
        UpdateBlocked: there is none.
    """
    if not is_there():
        raise UpdateBlocked("No update is unfinished: make update starts one.")
    found: dict[str, Any] = json.loads((folder() / "note.json").read_text(encoding="utf-8"))
    return found


def write(note: dict[str, Any]) -> None:
    """Replace the note."""
    (folder() / "note.json").write_text(json.dumps(note, indent=2), encoding="utf-8")


def is_there() -> bool:
    """Whether an update is unfinished."""
    return (folder() / "note.json").exists()


def remove() -> None:
    """Remove the note and the copy of the tooling, but not those of projects in folders below."""
    if folder().exists():
        shutil.rmtree(folder() / "__pycache__", ignore_errors=True)
        for file in folder().iterdir():
            if file.is_file():
                file.unlink()
        if not any(folder().iterdir()):
            folder().rmdir()
