"""After `copier update`: keep the owner's edits of files that moved, list deleted files, and finish the update.

Always exits 0: on another code Copier would say that the update failed, although its files are merged by now.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path

import note
import yaml  # Copier's own
from project import IMPORT_SCRIPT, PROGRAMS
from repository import git, list_paths, run_git


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


def tell_files(answers_file: str, moves: dict[str, str | None]) -> None:
    """Follow the files that moved, and list the deleted ones."""
    with tempfile.TemporaryDirectory() as folder:
        last = LastCommit(answers_file, Path(folder))
        for old, new in moves.items():
            if said := follow(last, old, new):
                print(said)
        deleted = list_paths("diff", "--name-only", "--diff-filter=D", "--relative", "-z", "HEAD")
        gone = [path for path in deleted if not Path(moves.get(path) or "").is_file()]
        if gone:
            print("Deleted, because the template no longer has them. To restore one: git checkout HEAD -- FILE")
        for path in gone:
            print(f"  {path}{'  (you had changed it)' if last.is_edited(path) else ''}")


def add_import_script(answers_file: str, last: bytes | None) -> None:
    """Give a project that leaves SQLite for PostgreSQL the script that copies its rows."""
    before = yaml.safe_load(last or b"{}").get("database")
    now = yaml.safe_load(Path(answers_file).read_bytes()).get("database")
    if before == "sqlite" and now in ("postgresql", "both"):
        if not IMPORT_SCRIPT.exists():
            shutil.copy(Path(__file__).with_name("import_sqlite.py"), IMPORT_SCRIPT)
        note.write(note.read() | {"import_script": IMPORT_SCRIPT.as_posix()})


def finish() -> None:
    """Run finish_update.py as `make update-continue` does, with the project's Python where it has one."""
    own = PROGRAMS / ("python.exe" if os.name == "nt" else "python")
    python = str(own.absolute()) if own.exists() else sys.executable
    subprocess.run([python, "-B", str(note.folder() / "finish_update.py")], check=False)


def main() -> int:
    """Bring an update to its end in the working directory."""
    try:
        noted = note.read()
        same = noted["from"] == noted["to"]
        went = f"stays at {noted['to']}" if same else f"went from {noted['from']} to {noted['to']}"
        print(f"\nThe template {went}.")
        tell_files(noted["answers"], noted["moves"])
        add_import_script(noted["answers"], read_committed(noted["answers"]))
        sys.stdout.flush()
        finish()
    except KeyboardInterrupt:
        print("Interrupted. make update-continue goes on.", file=sys.stderr)
    except Exception as error:
        print(f"{type(error).__name__}: {error}\nThe files are updated. make update-continue goes on.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
