"""What an update has to remember until it is finished: within .git, so that it is neither seen nor committed.

{"from": version, "to": version, "reason": what a migration is for, "answers": the answers file, "head": the commit
before the update, "renames": ["table.old=new"], "moves": {"old path": "new path, or null"}}
"""

import json
import subprocess
from pathlib import Path
from typing import Any


def git(*arguments: str) -> str:
    """Return what git says about the project in the working directory."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout


def path() -> Path:
    """Return the file. The project's scripts/after_update.py reads it too, and removes it when all is done."""
    return Path(git("rev-parse", "--git-path", "template-update.json").strip())


def read() -> dict[str, Any]:
    """Return what was noted."""
    found: dict[str, Any] = json.loads(path().read_text(encoding="utf-8"))
    return found


def write(note: dict[str, Any]) -> None:
    """Note it."""
    path().write_text(json.dumps(note, indent=2), encoding="utf-8")
