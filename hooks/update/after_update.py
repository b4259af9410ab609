"""After `copier update`: keep the owner's edits of files that moved, list deleted files, check that no edit was lost, and
finish the update.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import note
import yaml  # Copier's own
from audit import lost_edits
from project import IMPORT_SCRIPT, PROGRAMS, refuse_new_name
from repository import UpdateBlocked, git, list_paths, run_git
from scratch import IN_SCRATCH


def read_committed(path: str) -> bytes | None:
    """Return a file as the owner committed it; None if there is no such file."""
    done = run_git("show", f"HEAD:./{path}")
    return None if done.returncode else done.stdout


class LastCommit:
    """What the template had rendered of the answers that the owner committed."""

    def __init__(self, answers_file: str, folder: Path) -> None:
        self.answers_file = answers_file
        self.folder = folder

    @cached_property
    def rendered(self) -> Path | None:
        """The folder with the rendered files; None if the template's last version cannot be rendered any more."""
        answers = self.folder / self.answers_file
        answers.parent.mkdir(parents=True, exist_ok=True)
        answers.write_bytes(read_committed(self.answers_file) or b"")
        options = ["--vcs-ref=:current:", "--defaults", "--overwrite", "--quiet", "--skip-tasks", "--trust"]
        command = [sys.executable, "-m", "copier", "recopy", *options, f"--answers-file={self.answers_file}"]
        done = subprocess.run([*command, str(self.folder)], capture_output=True, text=True, check=False)
        return None if done.returncode else self.folder

    def template_had(self, path: str) -> bytes | None:
        """Return a file as the template had rendered it; None if it rendered none, or if that is unknown."""
        file = self.rendered / path if self.rendered else None
        return file.read_bytes() if file and file.is_file() else None

    def is_edited(self, path: str) -> bool:
        """Whether the owner changed a file; False if that is unknown."""
        return self.rendered is not None and read_committed(path) != self.template_had(path)


def follow(last: LastCommit, old: str, new: str | None) -> str | None:
    """Keep the owner's edits of a file that the template moved or removed, and return what happened to them."""
    Path(f"{old}.rej").unlink(missing_ok=True)  # Copier wrote it, because the edited file is gone
    edited = read_committed(old)
    if edited is None:
        if new is not None and last.template_had(old) is not None and read_committed(new) is None:
            Path(new).unlink(missing_ok=True)  # the owner had deleted it
        return None
    if last.rendered is None:
        git("checkout", "HEAD", "--", old)
        became = f" The template's file is now {new}." if new else ""
        return f"{old}: kept, because the template's last version cannot be rendered to merge with.{became}"
    if not last.is_edited(old):
        return f"{old} is now {new}" if new is not None and Path(new).is_file() else None
    if new is None or not Path(new).is_file() or read_committed(new) is not None:
        git("checkout", "HEAD", "--", old)
        return f"{old}: kept with your changes. The template no longer has it."
    return f"{old} is now {new}" + (
        ", with your changes" if merge(edited, last.template_had(old) or b"", Path(new)) else ": resolve its conflicts"
    )


def merge(edited: bytes, base: bytes, path: Path) -> bool:
    """Merge the owner's edits into a new file, as Copier merges a file that stays; return whether it had no conflict."""
    rendered = path.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name, part) for part in ("edited", "base", "rendered")]
        for file, content in zip(files, (edited, base, rendered), strict=True):
            file.write_bytes(content)
        labels = ["-L", "before updating", "-L", "last update", "-L", "after updating"]
        done = run_git("merge-file", "--stdout", *labels, *map(str, files))
        path.write_bytes(done.stdout if done.returncode < 128 else edited)  # git cannot merge binary files
        if done.returncode == 0:
            return True
        # As Copier leaves a conflict: 1 is the common ancestor, 2 the owner's, 3 the template's.
        place = git("rev-parse", "--show-prefix") + path.as_posix()
        blobs = [git("hash-object", "-w", "--", str(files[index])) for index in (1, 0, 2)]
        lines = [f"0 {'0' * 40}\t{place}", *(f"100644 {blob} {stage}\t{place}" for stage, blob in enumerate(blobs, 1))]
        run_git("update-index", "--index-info", input=os.fsencode("\n".join(lines)))
        return False


def tell_files(last: LastCommit, moves: dict[str, str | None]) -> None:
    """Follow the files that moved, and list the deleted ones."""
    for old, new in moves.items():
        if said := follow(last, old, new):
            print(said)
    deleted = list_paths("diff", "--name-only", "--diff-filter=D", "--relative", "-z", "HEAD")
    gone = [path for path in deleted if not Path(moves.get(path) or "").is_file()]
    if gone:
        print("Deleted, because the template no longer has them. To restore one: git checkout HEAD -- FILE")
    for path in gone:
        print(f"  {path}{'  (you had changed it)' if last.is_edited(path) else ''}")


def refuse_lost_edits(last: LastCommit, moves: dict[str, str | None]) -> None:
    """Check that each of the owner's edits is in the merged files or in a conflict.

    Raises:
        UpdateBlocked: it is in neither; the text names the files.
    """
    changed = {*list_paths("diff", "--name-only", "--diff-filter=MU", "--relative", "-z", "HEAD"), *moves}
    files = [(path, last.template_had(path) or b"", read_committed(path)) for path in sorted(changed)]
    merged = [(path, template, owner) for path, template, owner in files if owner and path != last.answers_file]
    if last.rendered and (lost := lost_edits(merged, moves)):
        raise UpdateBlocked("\n  ".join(["The merge lost these edits of yours:", *lost]))


def merged_files() -> list[str]:
    """Return the files that an update changed, added or removed."""
    changed = list_paths("diff", "--name-only", "--no-renames", "--relative", "-z", "HEAD")
    return [*changed, *list_paths("ls-files", "--others", "--exclude-standard", "-z")]


def read_answers(answers_file: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answers of the last commit and the present ones."""
    return yaml.safe_load(read_committed(answers_file) or b"{}"), yaml.safe_load(Path(answers_file).read_bytes())


def add_import_script() -> None:
    """Give a project that leaves SQLite for PostgreSQL the script that copies its rows."""
    if not IMPORT_SCRIPT.exists():
        shutil.copy(Path(__file__).with_name("import_sqlite.py"), IMPORT_SCRIPT)
    note.write(note.read() | {"import_script": IMPORT_SCRIPT.as_posix()})


def finish() -> int:
    """Run finish_update.py as `make update-continue` does, with the project's Python where it has one."""
    own = PROGRAMS / ("python.exe" if os.name == "nt" else "python")
    python = str(own.absolute()) if own.exists() else sys.executable
    return subprocess.run([python, "-B", str(note.folder() / "finish_update.py")], check=False).returncode


def check_and_tell(noted: dict[str, Any]) -> None:
    """See what came out of the merge.

    Raises:
        UpdateBlocked: it must not stay so.
    """
    same = noted["from"] == noted["to"]
    went = f"stays at {noted['to']}" if same else f"went from {noted['from']} to {noted['to']}"
    print(f"\nThe template {went}.")
    before, now = read_answers(noted["answers"])
    refuse_new_name(before["package_name"], now["package_name"])
    with tempfile.TemporaryDirectory() as folder:
        last = LastCommit(noted["answers"], Path(folder))
        tell_files(last, noted["moves"])
        refuse_lost_edits(last, noted["moves"])
    if before["database"] == "sqlite" and now["database"] != "sqlite":
        add_import_script()


def main() -> int:
    """Bring an update to its end in the working directory, or to the end of the merge in a scratch repository.

    In a project the files are merged by now, so that it fails only where they should not stay so.
    """
    scratch = IN_SCRATCH in os.environ
    try:
        note.write(note.read() | {"stage": note.MERGED, "files": merged_files()})
        check_and_tell(note.read())
        note.write(note.read() | {"files": merged_files()})
        sys.stdout.flush()
        if not scratch:
            finish()
    except UpdateBlocked as error:
        print(error, file=sys.stderr)
        if not scratch:
            print("No migration was written. make update-undo takes the update back.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. make update-continue goes on.", file=sys.stderr)
    except Exception as error:
        if scratch:
            raise
        print(f"{type(error).__name__}: {error}\nThe files are updated. make update-continue goes on.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
