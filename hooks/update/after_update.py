"""After `copier update`: keep the owner's edits of files that moved, list deleted files, check that no edit was lost, and
finish the update.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import note
import yaml  # Copier's own
from audit import lost_edits
from project import DRY, IMPORT_SCRIPT, PROGRAMS, refuse_new_name
from references import refuse_lost_tables, tell_uses_of_soft_delete
from renders import Render, follow, follow_owner, read_committed
from repository import UpdateBlocked, changed_paths, list_paths
from scratch import IN_SCRATCH


def tell_files(last: Render, moves: dict[str, str | None]) -> None:
    """Follow the files that moved, and list the deleted ones."""
    for old, new in moves.items():
        if said := follow(last, old, new):
            print(said)
    deleted = list_paths("diff", "--name-only", "--diff-filter=D", "--relative", "-z", "HEAD")
    gone = [path for path in deleted if not Path(moves.get(path) or "").is_file()]
    if gone:
        restore = "" if DRY else " To restore one: git checkout HEAD -- FILE"
        print(f"Deleted, because the template no longer has them.{restore}")
    for path in gone:
        print(f"  {path}{'  (you had changed it)' if last.is_edited(path) else ''}")


def refuse_lost_edits(last: Render, moves: dict[str, str | None], renamed: dict[str, str]) -> None:
    """Check that each of the owner's edits is in the merged files or in a conflict.

    Raises:
        UpdateBlocked: it is in neither; the text names the files.
    """
    changed = {*list_paths("diff", "--name-only", "--diff-filter=MU", "--relative", "-z", "HEAD"), *moves}
    files = [(path, last.file(renamed.get(path, path)) or b"", read_committed(path)) for path in sorted(changed)]
    merged = [(path, template, owner) for path, template, owner in files if owner and path != last.answers_file]
    if last.rendered and (lost := lost_edits(merged, moves)):
        raise UpdateBlocked("\n  ".join(["The merge lost these edits of yours:", *lost]))


def read_answers(answers_file: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answers of the last commit and the present ones."""
    return yaml.safe_load(read_committed(answers_file) or b"{}"), yaml.safe_load(Path(answers_file).read_bytes())


def add_import_script() -> None:
    """Add the script that copies SQLite's rows to a project that changes to PostgreSQL."""
    if not IMPORT_SCRIPT.exists():
        shutil.copy(Path(__file__).with_name("import_sqlite.py"), IMPORT_SCRIPT)
    note.write(note.read() | {"import_script": IMPORT_SCRIPT.as_posix()})


def finish() -> int:
    """Run finish_update.py like `make update-continue`, with the project's Python if it has one."""
    own = PROGRAMS / ("python.exe" if os.name == "nt" else "python")
    python = str(own.absolute()) if own.exists() else sys.executable
    signal.signal(signal.SIGINT, lambda number, _: None)  # it deals with Ctrl-C itself
    return subprocess.run([python, "-B", str(note.folder() / "finish_update.py")], check=False).returncode


def check_and_tell(noted: dict[str, Any]) -> None:
    """Print what the merge did, and check the result.

    Raises:
        UpdateBlocked: the package would be renamed, an edit was lost, or a foreign key would lose its table.
    """
    before, now = read_answers(noted["answers"])
    refuse_new_name(before["package_name"], now["package_name"])
    with tempfile.TemporaryDirectory() as folder:
        answers, moves = noted["answers"], noted["moves"]
        last = Render(answers, read_committed(answers) or b"", Path(folder, "last"))
        new = Render(answers, Path(answers).read_bytes(), Path(folder, "new"))
        tell_files(last, moves)
        refuse_lost_edits(last, moves, follow_owner(last, new, moves))
        refuse_lost_tables()
        if now["soft_delete"] == "none" != before.get("soft_delete"):
            tell_uses_of_soft_delete(new)
    if before["database"] == "sqlite" and now["database"] != "sqlite":
        add_import_script()
    elif before["database"] != "sqlite" == now["database"]:
        print("Your rows are still in PostgreSQL: an update copies none to SQLite.")


def main() -> int:
    """Finish an update in the working directory; in a scratch repository, only check the merge.

    In a project the files are already merged, so it fails only if the result of the merge must not be kept.
    """
    scratch = IN_SCRATCH in os.environ
    try:
        note.write(note.read() | {"stage": note.MERGED, "files": changed_paths()})
        check_and_tell(note.read())
        note.write(note.read() | {"files": changed_paths()})
        sys.stdout.flush()
        if not scratch:
            finish()
    except UpdateBlocked as error:
        print(error, file=sys.stderr)
        if not scratch:
            print("No migration was written. make update-undo reverts the update.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. To write the migration, run make update-continue.", file=sys.stderr)
    except Exception as error:
        if scratch:
            raise
        print(
            f"{type(error).__name__}: {error}\nThe files are updated. To write the migration, run make update-continue.",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
