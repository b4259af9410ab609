"""Render the template, and follow the files that the template or the owner moved."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path

from repository import git, run_git


def read_committed(path: str) -> bytes | None:
    """Return a file as the owner committed it; None if there is no such file."""
    done = run_git("show", f"HEAD:./{path}")
    return None if done.returncode else done.stdout


class Render:
    """The files that the template renders from the answers and the version in an answers file."""

    def __init__(self, answers_file: str, content: bytes, folder: Path) -> None:
        self.answers_file = answers_file
        self.content = content
        self.folder = folder

    @cached_property
    def rendered(self) -> Path | None:
        """The folder with the rendered files; None if that version of the template cannot be rendered any more."""
        answers = self.folder / self.answers_file
        answers.parent.mkdir(parents=True, exist_ok=True)
        answers.write_bytes(self.content)
        options = ["--vcs-ref=:current:", "--defaults", "--overwrite", "--quiet", "--skip-tasks", "--trust"]
        command = [sys.executable, "-m", "copier", "recopy", *options, f"--answers-file={self.answers_file}"]
        done = subprocess.run([*command, str(self.folder)], capture_output=True, text=True, check=False)
        return None if done.returncode else self.folder

    def file(self, path: str) -> bytes | None:
        """Return a file as the template renders it; None if it renders no such file, or if that is unknown."""
        file = self.rendered / path if self.rendered else None
        return file.read_bytes() if file and file.is_file() else None

    def is_edited(self, path: str) -> bool:
        """Whether the owner changed a file; False if that is unknown."""
        return self.rendered is not None and read_committed(path) != self.file(path)

    @cached_property
    def missing_at_head(self) -> dict[str, str | None]:
        """The rendered files that the last commit lacks, with the names that the owner gave them, if any."""
        if self.rendered is None:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            repository = f"--git-dir={Path(git('rev-parse', '--git-dir')).resolve()}"
            tree = partial(git, "-C", str(self.rendered), repository, "--work-tree=.", env=environment)
            tree("add", "--all", "--force", ".")
            made = tree("write-tree")
        head = f"HEAD:{git('rev-parse', '--show-prefix').rstrip('/')}"
        words = iter(
            git("diff-tree", "-r", "-M", "--diff-filter=DRT", "--name-status", "-z", made, head).split("\0")[:-1]
        )
        return {next(words): next(words) if status[0] == "R" else None for status in words}


def follow(last: Render, old: str, new: str | None) -> str | None:
    """Keep the owner's edits of a file that the template moved or removed, and return what happened to them."""
    Path(f"{old}.rej").unlink(missing_ok=True)  # Copier wrote it, because the edited file is gone
    edited = read_committed(old)
    if edited is None:
        if new is not None and last.file(old) is not None and read_committed(new) is None:
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
        ", with your changes" if merge(edited, last.file(old) or b"", Path(new)) else ": resolve its conflicts"
    )


def merge(edited: bytes, base: bytes, path: Path) -> bool:
    """Merge the owner's edits into a new file, as Copier merges other files; return whether there was no conflict."""
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


def follow_owner(last: Render, new: Render, moves: Mapping[str, str | None]) -> dict[str, str]:
    """Bring the template's changes into the files that the owner renamed, and list the deleted files that it changed.

    Returns the template's name of each renamed file.
    """
    now = {path: new.file(moves.get(path, path) or "") for path in last.missing_at_head}
    changed = {path: own for path, own in last.missing_at_head.items() if now[path] not in (None, last.file(path))}
    renamed = {own: path for path, own in changed.items() if own}
    for own, path in renamed.items():
        Path(own).write_bytes(now[path] or b"")
        clean = merge(read_committed(own) or b"", last.file(path) or b"", Path(own))
        moved = f", now {moves[path]} in the template" if path in moves else ""
        print(f"{own}, which you renamed from {path}{moved}: {'merged' if clean else 'resolve its conflicts'}")
    if deleted := [path for path, own in changed.items() if not own]:
        print("The template changed files that you have deleted or replaced:", *deleted, sep="\n  ")
    return renamed
