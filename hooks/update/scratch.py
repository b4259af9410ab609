"""Merge in a scratch repository with only the project's folder, then bring the result into the project in one step.

In the scratch repository git uses only the configuration below. With some settings of the owner, such as
apply.whitespace=error, Copier would drop the owner's edits.
"""

import os
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import note
from repository import UpdateBlocked, git, git_bytes, ignored_paths, in_the_way, list_paths, uncommitted_paths

# An update in a scratch repository ends with the merge. The migration is written in the project.
IN_SCRATCH = "TEMPLATE_UPDATE_IN_SCRATCH"
CONFIG = {
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.hooksPath": os.devnull,
    "user.email": "update@localhost",
    "user.name": "Update",
}
# Files are merged as they are stored. An owner's attribute such as -diff or filter=lfs would hide their lines.
ATTRIBUTES = "* -text !diff !eol !filter !ident !merge !working-tree-encoding\n"
SOURCE = re.compile(r"^_src_path: .*$", re.MULTILINE)


def environment() -> dict[str, str]:
    """Return an environment in which git uses only this configuration."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
    own |= {"GIT_CONFIG_COUNT": str(len(CONFIG)), "LANGUAGE": "C", IN_SCRATCH: "1"}
    for number, (name, value) in enumerate(CONFIG.items()):
        own |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return own


class Scratch:
    """A repository with the last commit of the project in the working directory."""

    def __init__(self, folder: Path, answers_file: str, template: str) -> None:
        self.folder = folder
        self.environment = environment()
        self.answers = folder / answers_file
        self.prefix = git("rev-parse", "--show-prefix")
        self.head = git("rev-parse", "HEAD")
        self._make(template)

    def git(self, *arguments: str) -> str:
        """Return what git prints in this repository."""
        return git("-C", str(self.folder), *arguments, env=self.environment)

    def paths(self, *arguments: str) -> list[str]:
        """Return the paths that a git command with -z prints in this repository."""
        return list_paths("-C", str(self.folder), *arguments, env=self.environment)

    def _make(self, template: str) -> None:
        made_as = git("rev-parse", "--show-object-format")
        tree = git("rev-parse", f"{self.head}:{self.prefix.rstrip('/')}")
        git("init", "--quiet", "--template=", f"--object-format={made_as}", str(self.folder), env=self.environment)
        info = self.folder / ".git" / "info"
        info.mkdir()
        (info / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
        borrowed = self.folder / ".git" / "objects" / "info" / "alternates"
        borrowed.write_bytes(os.fsencode(Path(git("rev-parse", "--git-path", "objects")).resolve()) + b"\n")
        self.git("reset", "--quiet", "--hard", self.git("commit-tree", "-m", "Project", tree))
        # Copier then takes the clone, because a relative address leads elsewhere from here.
        self.source = self._replace_source(f"_src_path: {template}")
        self.git("commit", "--quiet", "--all", "--message", "Clone of the template")

    def _replace_source(self, line: str) -> str:
        text = self.answers.read_text(encoding="utf-8")
        found = SOURCE.search(text)
        self.answers.write_text(SOURCE.sub(lambda _: line, text), encoding="utf-8")
        return found[0] if found else ""

    def bring(self) -> None:
        """Bring the changed files into the project, or leave the project unchanged.

        Raises:
            UpdateBlocked: the project changed meanwhile, or a file is in the way.
        """
        self._replace_source(self.source)
        unmerged = self.git("ls-files", "--unmerged", "-z").split("\0")[:-1]
        self.git("add", "--all")
        ignored = self.paths("ls-files", "--others", "--ignored", "--exclude-standard", "-z")
        if ignored:
            print("New in the template, and left out because your .gitignore names them:", *ignored, sep="\n  ")
        changed = self.paths("diff", "--cached", "--name-only", "--no-renames", "-z", "HEAD~")
        whole = self._fetch(self.git("commit-tree", "-m", "Updated", self.git("write-tree")))
        added = list_paths(
            "diff", "--name-only", "--no-renames", "--diff-filter=A", "--relative", "-z", self.head, whole
        )
        self._refuse_changes(changed, added)
        read_tree = partial(git, "read-tree", "-m", "-u", "--no-sparse-checkout")
        try:
            read_tree("--dry-run", self.head, whole)
        except UpdateBlocked as error:
            raise UpdateBlocked(f"{error}\nNothing was changed.") from None
        interrupts: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
        try:
            note.take_over(self.folder, head=self.head, files=changed, stage=note.WRITING)
            self._write(partial(read_tree, self.head, whole))
            git("reset", "--quiet", "--", ".")
            self._mark_conflicts(unmerged)
            note.write(note.read() | {"stage": note.MERGED})
        finally:
            signal.signal(signal.SIGINT, before)
        if hidden := ignored_paths(added):
            print("git ignores these new files. To commit them: git add --force FILE", *hidden, sep="\n  ")
        if interrupts:
            raise KeyboardInterrupt

    def _write(self, read_tree: Callable[..., str]) -> None:
        """Write the files.

        Raises:
            UpdateBlocked: some or none could be written; the text says which.
        """
        try:
            read_tree(start_new_session=True)  # so that Ctrl-C does not reach it
        except UpdateBlocked as error:
            if note.stage() != note.DONE:  # the disk is full, for example
                undo = "make update-undo" if Path("Makefile").exists() else "python3 scripts/update.py undo_update.py"
                raise UpdateBlocked(f"{error}\nSome files were written. {undo} restores them.") from None
            note.remove()
            raise UpdateBlocked(f"{error}\nNothing was changed.") from None

    def _refuse_changes(self, changed: list[str], added: list[str]) -> None:
        """Check that the project is still as it was when the update began, and that nothing is in the way.

        Raises:
            UpdateBlocked: it is not, or something is.
        """
        if git("rev-parse", "HEAD") != self.head:
            raise UpdateBlocked(
                "Something was committed during the update. Nothing was changed: run make update again."
            )
        if edited := uncommitted_paths():
            first = "These files changed during the update. Nothing was changed: commit or stash them, then update:"
            raise UpdateBlocked("\n  ".join([first, *edited]))
        if met := in_the_way(added, list_paths("ls-tree", "-r", "--name-only", "-z", "HEAD")):
            first = "The release adds files where you have files that git ignores. Move these, then update:"
            raise UpdateBlocked("\n  ".join([first, *met]))
        flagged = [line[2:] for line in list_paths("ls-files", "-v", "-z") if line[0] == "S" or line[0].islower()]
        if hidden := [path for path in flagged if path in changed]:
            first = (
                "The release changes these files, whose state you hide from git. Nothing was changed. Show it with git"
                " sparse-checkout disable or git update-index --no-skip-worktree --no-assume-unchanged FILE:"
            )
            raise UpdateBlocked("\n  ".join([first, *hidden]))

    def _fetch(self, commit: str) -> str:
        """Return the tree of the whole repository with the updated project in its folder."""
        self.git("update-ref", "refs/heads/updated", commit)
        quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-maintenance")
        git("-c", "protocol.file.allow=always", "fetch", *quietly, str(self.folder), "refs/heads/updated")
        if not self.prefix:
            return f"{commit}^{{tree}}"
        index = partial(git, env=os.environ | {"GIT_INDEX_FILE": str(self.folder / ".git" / "whole")})
        index("read-tree", "HEAD")
        index("rm", "-r", "--cached", "--quiet", "--", ".")
        index("read-tree", f"--prefix={self.prefix}", commit)
        return index("write-tree")

    def _mark_conflicts(self, unmerged: list[str]) -> None:
        """Mark the files as unmerged that are unmerged here."""
        lines: dict[str, str] = {}
        for entry in unmerged:
            mode, blob, rest = entry.split(" ", 2)
            stage, _, path = rest.partition("\t")
            content = git_bytes("-C", str(self.folder), "cat-file", "blob", blob)
            stored = git("hash-object", "-w", "--stdin", input=content)
            path = f"{self.prefix}{path}"
            lines.setdefault(path, f"0 {'0' * len(stored)}\t{path}\0")
            lines[path] += f"{mode} {stored} {stage}\t{path}\0"
        if lines:
            git("update-index", "-z", "--index-info", input=os.fsencode("".join(lines.values())))
