"""After `copier update`: keeps edits of files that moved, lists those that are gone, has the project write its migration.

Always exits 0, since Copier would otherwise say that the update failed, which is done by now.
"""

import os
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path

import note
from note import git


class LastCommit:
    """The project as it was committed, and as the template had once rendered it."""

    def __init__(self, answers_file: str, folder: Path) -> None:
        self.answers_file = answers_file
        self.folder = folder

    def read(self, path: str) -> bytes | None:
        """Return what the owner committed; None if there is no such file."""
        done = subprocess.run(["git", "show", f"HEAD:./{path}"], capture_output=True, check=False)  # noqa: S607
        return None if done.returncode else done.stdout

    @cached_property
    def rendered(self) -> Path | None:
        """The folder with what the template had made of the same answers; None if it cannot be had any more."""
        answers = self.folder / self.answers_file
        answers.parent.mkdir(parents=True, exist_ok=True)
        answers.write_bytes(self.read(self.answers_file) or b"")
        options = ["--vcs-ref=:current:", "--defaults", "--overwrite", "--quiet", "--skip-tasks", "--trust"]
        command = [sys.executable, "-m", "copier", "recopy", *options, f"--answers-file={self.answers_file}"]
        done = subprocess.run([*command, str(self.folder)], capture_output=True, text=True, check=False)
        return None if done.returncode else self.folder

    def template_had(self, path: str) -> bytes | None:
        """Return what the template had rendered; None if it did not, as far as can be told."""
        file = self.rendered / path if self.rendered else None
        return file.read_bytes() if file and file.is_file() else None

    def is_edited(self, path: str) -> bool:
        """Whether the owner committed something else than the template had rendered, as far as can be told."""
        return self.rendered is not None and self.read(path) != self.template_had(path)


def follow(last: LastCommit, old: str, new: str | None) -> str | None:
    """Keep the owner's edits of a file that the template moved or removed, and return what was done about them."""
    Path(f"{old}.rej").unlink(missing_ok=True)  # Copier's, of the edits that did not fit where the file was no more
    edited = last.read(old)
    if edited is None:
        if new is not None and last.template_had(old) is not None and last.read(new) is None:
            Path(new).unlink(missing_ok=True)  # its owner had deleted it
        return None
    if last.rendered is None:
        git("checkout", "HEAD", "--", old)
        return f"{old}: kept as it is, since the template's last version cannot be had; what it became is {new}"
    if not last.is_edited(old):
        return f"{old} is now {new}" if new is not None and Path(new).is_file() else None
    if new is None or not Path(new).is_file() or last.read(new) is not None:
        git("checkout", "HEAD", "--", old)
        return f"{old}: kept as it is, with your changes; the template has it no longer"
    return f"{old} is now {new}" + (
        ", with your changes" if merge(edited, last.template_had(old) or b"", Path(new)) else ": resolve its conflicts"
    )


def merge(edited: bytes, base: bytes, path: Path) -> bool:
    """Bring the owner's edits into a new file, as Copier does with one that stays; return whether it went well."""
    rendered = path.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name, part) for part in ("edited", "base", "rendered")]
        for file, content in zip(files, (edited, base, rendered), strict=True):
            file.write_bytes(content)
        labels = ["-L", "before updating", "-L", "last update", "-L", "after updating"]
        command = ["git", "merge-file", "--stdout", *labels, *map(str, files)]
        done = subprocess.run(command, capture_output=True, check=False)
        path.write_bytes(done.stdout if done.returncode < 128 else edited)  # what is not text, git cannot merge
        if done.returncode == 0:
            return True
        # As Copier leaves a conflict: 1 is the common ancestor, 2 the owner's, 3 the template's.
        place = git("rev-parse", "--show-prefix").strip() + path.as_posix()
        blobs = [git("hash-object", "-w", "--", str(files[index])).strip() for index in (1, 0, 2)]
        lines = [f"0 {'0' * 40}\t{place}", *(f"100644 {blob} {stage}\t{place}" for stage, blob in enumerate(blobs, 1))]
        subprocess.run(["git", "update-index", "--index-info"], input="\n".join(lines), text=True, check=True)  # noqa: S607
        return False


def deleted() -> list[str]:
    """Return the paths of tracked files that are gone."""
    listed = git("diff", "--name-only", "--diff-filter=D", "--relative", "-z", "HEAD")
    return sorted(path for path in listed.split("\0") if path)


def tell_files(answers_file: str, moves: dict[str, str | None]) -> None:
    """Follow what moved, and list what is gone."""
    with tempfile.TemporaryDirectory() as folder:
        last = LastCommit(answers_file, Path(folder))
        for old, new in moves.items():
            if said := follow(last, old, new):
                print(said)
        gone = [path for path in deleted() if not Path(moves.get(path) or "").is_file()]
        if gone:
            print("Deleted, since the template has them no longer; git checkout HEAD -- FILE brings one back:")
        for path in gone:
            print(f"  {path}{'  (you had changed it)' if last.is_edited(path) else ''}")


def write_migration(reason: str) -> None:
    """Have the project write its migration, and say what comes next."""
    script = Path("scripts/after_update.py")
    if not script.exists():
        print(f"{script} is missing, so no migration was written: make db-migrate writes one.")
        return
    own = Path(".venv", "Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = subprocess.run([str(own.absolute()) if own.exists() else sys.executable, str(script)], check=False)
    if done.returncode or not git("status", "--porcelain"):
        return
    written = git("status", "--porcelain", "--", "alembic/versions")
    print("\nNext:\n")
    print("    git diff HEAD      shows what changed")
    if written:
        print("    make db-upgrade    runs the migration on your database")
    print("    make test")
    print(f'    git add --all && git commit -m "{reason}"\n')


def main() -> int:
    """Finish an update in the working directory."""
    try:
        noted = note.read()
        same = noted["from"] == noted["to"]
        went = f"stays at {noted['to']}" if same else f"went from {noted['from']} to {noted['to']}"
        print(f"\nThe template {went}.")
        tell_files(noted["answers"], noted["moves"])
        sys.stdout.flush()
        write_migration("Change the template's answers" if same else f"Update the template to {noted['to']}")
    except KeyboardInterrupt:
        print("Interrupted: make after-update goes on.", file=sys.stderr)
    except Exception as error:
        print(f"{type(error).__name__}: {error}\nThe files are updated; make after-update goes on.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
