"""After `copier update`: writes a migration with what the template changed in the models.

Copier runs it by itself. Where it cannot do its work yet, because of a conflict perhaps, it says why, and
`make after-update` runs it again. It uses scratch databases only, and commits nothing.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from io import BytesIO
from pathlib import Path
from typing import Any

from setup import PROGRAMS, READY, ROOT, SetupError, sync

# URLs of databases that do not exist, for SQLite and for PostgreSQL.
NOWHERE = ("sqlite+aiosqlite:////nowhere/nothing.db", "postgresql+asyncpg://nobody@nowhere.invalid/nothing")


class NotYetError(Exception):
    """What has to be done first."""


def git(*arguments: str) -> bytes:
    """Return what git says about this project.

    Raises:
        NotYetError: there is no git, or no commit.
    """
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    except FileNotFoundError:
        raise NotYetError("git is not on the PATH: install it.") from None
    except subprocess.CalledProcessError as error:
        raise NotYetError(f"git {arguments[0]} failed: {error.stderr.decode().strip()}") from None


def paths(*arguments: str) -> list[str]:
    """Return the paths that git lists, relative to the project."""
    return sorted({os.fsdecode(path) for path in git(*arguments).split(b"\0") if path})


def refuse_conflicts() -> None:
    """See that no file is half merged.

    Raises:
        NotYetError: some are, or have changes beside them that were rejected.
    """
    unmerged = paths("diff", "--name-only", "--diff-filter=U", "--relative", "-z")
    rejected = paths("ls-files", "--others", "-z", "--", "*.rej")
    if not unmerged and not rejected:
        return
    what = " and ".join(["git add them"] * bool(unmerged) + ["delete the *.rej files"] * bool(rejected))
    raise NotYetError("\n  ".join([f"These files have conflicts. Resolve them, {what}:", *unmerged, *rejected]))


def template_note() -> dict[str, Any]:
    """Return what the template's hooks noted: the commit before, what the migration is for, renamed columns."""
    note = note_file()
    found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    return {"head": "HEAD", "reason": "template", "renames": []} | found


def note_file() -> Path:
    """Return the file that the template's hooks write into, within .git."""
    return ROOT / os.fsdecode(git("rev-parse", "--git-path", "template-update.json")).strip()


def needs(project: Path) -> tuple[Any, ...]:
    """Return all that decides which packages a project needs."""
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    about = pyproject.get("project", {})
    return about.get("dependencies"), about.get("requires-python"), pyproject.get("dependency-groups")


def make_python(project: Path, folder: Path) -> Path:
    """Make an environment for a project in a folder of its own, and return its Python.

    Raises:
        SetupError: it cannot be made, perhaps for want of the network.
    """
    folder.mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        if (project / name).exists():
            shutil.copy(project / name, folder)
    sync(folder, "--no-install-project")
    return folder / PROGRAMS.relative_to(ROOT) / "python"


def run(python: Path, project: Path, *command: str | Path) -> str:
    """Run one of a project's programs away from every database but scratch ones, and return what it printed.

    Raises:
        NotYetError: it failed.
    """
    environment = os.environ | {
        # It comes before .env, whose other settings may be needed to import the models.
        "DATABASE_URL": NOWHERE["asyncpg" in str(needs(project))],
        "ENVIRONMENT": "development",
        "PYTHONPATH": os.pathsep.join(str(project / name) for name in ("src", "alembic")),
    }
    words = [str(word) for word in (python, *command)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise NotYetError(said.splitlines()[-1] if "Traceback (most recent call last)" in said else said)
    return done.stdout


def write_migration(head: str, reason: str, renames: list[str]) -> str:
    """Write a migration with what changed in the models since a commit, and return what there is to say.

    Raises:
        NotYetError: something has to be done first.
        SetupError: an environment is needed and cannot be made.
    """
    changed = git("diff", "--name-only", head, "--", "src") or git("ls-files", "--others", "--exclude-standard", "src")
    if not changed:
        return "Nothing under src/ changed: there is no migration to write."
    with tempfile.TemporaryDirectory() as name:
        before = Path(name, "before")
        with tarfile.open(fileobj=BytesIO(git("archive", head))) as archive:
            # extractall has no filter= before Python 3.11.4, which distributions still have.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(before)  # noqa: S202 - git made it, of what this repository holds
        shutil.rmtree(before / "alembic" / "versions", ignore_errors=True)
        ready = READY.exists() and READY.read_text(encoding="utf-8") == str(ROOT)
        old_python = PROGRAMS / "python" if ready else make_python(before, Path(name, "old"))
        new_python = old_python if needs(before) == needs(ROOT) else make_python(ROOT, Path(name, "new"))
        run(old_python, before, before / "scripts" / "first_revision.py")
        versions = before / "alembic" / "versions"
        return run(new_python, ROOT, ROOT / "scripts" / "template_changes.py", versions, reason, *renames)


def main() -> int:
    """Run as `make after-update`, and after `copier update`."""
    try:
        refuse_conflicts()
        note = template_note()
        print(write_migration(note["head"], note["reason"], note["renames"]).strip())
        note_file().unlink(missing_ok=True)
    except (NotYetError, SetupError) as error:
        print(f"{error}\nNo migration was written. When that is settled, run make after-update.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
