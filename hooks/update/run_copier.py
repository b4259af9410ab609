"""Run Copier for `make update`: check the project, choose Copier's options, and shorten a traceback to one message.

    run_copier.py CLONE VERSION

`start_update.py` runs it in the project's folder, with the Python of a Copier. CLONE is a clone of the template, VERSION the
release to bring in. VERSION, ARGS and DRY of the environment are what the owner typed.

Copier merges in a scratch repository. It exits with 0 when the update is finished or nothing is newer. It exits with 1
when it fails before it changes anything, when files have conflicts, or when the migration is not written yet.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from typing import Any

import note
import yaml  # Copier's own
from after_update import finish
from dry_run import preview
from project import DRY
from repository import UpdateBlocked, git, refuse_conflicts, uncommitted_paths
from scratch import Scratch

ANSWERS = ".copier-answers.yml"
UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
# Options of Copier with which it updates nothing.
NO_UPDATE = {"-n", "--pretend", "-h", "--help", "--help-all", "-v", "--version"}
# What an update that stopped has left, by the stage of its note.
LEFT = {
    note.DONE: "Nothing was changed.",
    note.WRITING: "Some files were written. make update-undo restores them.",
    note.MERGED: "To write the migration, run make update-continue.",
}
TRACEBACK = "Traceback (most recent call last):\n"


def check_project() -> None:
    """Check that the whole project is committed, because an update merges with the last commit and reverts to it.

    Raises:
        UpdateBlocked: it is not.
    """
    git("version")
    try:
        tracked = git("ls-tree", "HEAD", ANSWERS)
    except UpdateBlocked as error:
        if "dubious ownership" in str(error):
            raise
        start = 'git init && git add --all && git commit -m "Start from the template"'
        raise UpdateBlocked(f"An update merges with the last commit, and there is none. Make one: {start}") from None
    for head, what in UNDER_WAY.items():
        if Path(git("rev-parse", "--git-path", head)).exists():
            raise UpdateBlocked(f"A {what} is under way: finish it, or undo it with git {what} --abort.")
    refuse_conflicts("--no-relative")  # Copier writes the whole index as a tree
    note.refuse_unfinished()
    if changed := uncommitted_paths():
        first = "These changes are not committed: commit them, or git stash --include-untracked."
        more = [f"and {len(changed) - 10} more"] * (len(changed) > 10)
        raise UpdateBlocked("\n  ".join([first, *changed[:10], *more]))
    if not tracked:
        raise UpdateBlocked(f"git ignores {ANSWERS}, and an update merges with committed files: have git track it.")


def current_version() -> str:
    """Return the release that the project was made from, or last updated to.

    Raises:
        UpdateBlocked: Copier's record does not say.
    """
    try:
        record = yaml.safe_load(Path(ANSWERS).read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.context_mark or error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        log = f"git log -p {ANSWERS}"
        raise UpdateBlocked(
            f"{ANSWERS} is not valid YAML{line}: {error.problem}. Undo the edit, which {log} shows, and commit."
        ) from None
    version = record.get("_commit")
    if version in (None, "None"):
        raise UpdateBlocked(
            f"{ANSWERS} does not say _commit: add the release that the project was made from, and commit that."
        )
    return str(version)


@dataclass(frozen=True)
class Request:
    """The owner's input: answers, a version, and other options of `copier update`."""

    answers: list[str]
    version: str
    options: list[str]

    @classmethod
    def read(cls) -> "Request":
        """Read it from the environment.

        Raises:
            UpdateBlocked: ARGS is no shell command, or asks for no update.
        """
        parser = argparse.ArgumentParser(prog='make update ARGS="..."', add_help=False, allow_abbrev=False)
        parser.add_argument("-d", "--data", action="append", default=[])
        parser.add_argument("-r", "--vcs-ref", default=os.environ.get("VERSION", ""))
        try:
            given, options = parser.parse_known_args(shlex.split(os.environ.get("ARGS", "")))
        except ValueError as error:
            raise UpdateBlocked(f"ARGS cannot be read: {error}. Check its quotes: {os.environ['ARGS']}") from None
        if wrong := [option for option in options if option in NO_UPDATE]:
            raise UpdateBlocked(f"ARGS: {wrong[0]} updates nothing. To see what would change: make update DRY=1")
        return cls(given.data, given.vcs_ref, options)

    def check_answers(self, questions: list[str]) -> None:
        """Check that each answer is for a question: Copier ignores the others.

        Raises:
            UpdateBlocked: one is not.
        """
        for answer in self.answers:
            name, equals, _ = answer.partition("=")
            if not equals:
                raise UpdateBlocked(f"-d {answer} is no answer: write it as name=value.")
            if name not in questions:
                raise UpdateBlocked(f"-d {answer}: there is no question {name}. Choose among {', '.join(questions)}.")

    def as_options(self, version: str) -> list[str]:
        """Return the options for Copier, with a version or none. At a terminal, Copier asks the new questions."""
        mode = "--skip-answered" if sys.stdin.isatty() else "--defaults"
        return [
            *(option for option in ("--trust", "--quiet", mode) if option not in self.options),
            *(["--vcs-ref", version] if version else []),
            *(word for answer in self.answers for word in ("--data", answer)),
            *self.options,
        ]


@dataclass(frozen=True)
class Template:
    """A clone of the template."""

    folder: str

    def commit(self, name: str) -> str:
        """Return the commit that a name stands for, or an empty string."""
        with suppress(UpdateBlocked):
            return git("-C", self.folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return ""

    def has_news(self, here: str, there: str) -> bool:
        """Whether one commit has anything that another lacks."""
        return bool(git("-C", self.folder, "rev-list", "-1", f"{here}..{there}"))

    def questions(self, version: str) -> list[str]:
        """Return the names of the questions that a version asks.

        Raises:
            UpdateBlocked: its copier.yml cannot be read.
        """
        try:
            found: dict[str, Any] = yaml.safe_load(git("-C", self.folder, "show", f"{version}:copier.yml"))
        except yaml.YAMLError as error:
            raise UpdateBlocked(f"copier.yml of the template's {version} is not valid YAML: {error}") from None
        asked = {name: details for name, details in found.items() if not name.startswith("_")}
        return [name for name, details in asked.items() if not isinstance(details, dict) or details.get("when", True)]


def choose_options(template: Template, newest: str) -> list[str]:
    """Return the options for Copier; an empty list if there is nothing to do.

    Raises:
        UpdateBlocked: VERSION or ARGS cannot be met.
    """
    request, current = Request.read(), current_version()
    target = current if request.version == ":current:" else request.version or newest
    here, there = template.commit(current), template.commit(target)
    if not there:
        raise UpdateBlocked(f"The template has no {target}.")
    if not here:
        raise UpdateBlocked(
            f"The template has no {current}, which {ANSWERS} names: the project was made from changes that were never"
            " committed there. Write the closest release as _commit, and commit that."
        )
    version = request.version
    # A project made past the newest release has all of it, and Copier would call the update a downgrade.
    if here == there or (not version and not template.has_news(here, there)):
        if not request.answers and not request.options:
            print(f"Nothing to do: this project, at {current}, has all of the template's {target}.")
            return []
        if request.answers:
            version, target = ":current:", current
    request.check_answers(template.questions(target))
    return request.as_options(version)


def run_copier(options: list[str], scratch: Scratch) -> bool:
    """Run Copier, shorten a traceback of Copier to one message, and return whether Copier merged.

    Ctrl-C ends Copier and leaves the project unchanged.
    """
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))  # Copier gets it too, and ends
    held: list[str] = []
    safely = ["-P"] if sys.version_info >= (3, 11) else []  # a file of the project must not hide a module of Copier
    command = [sys.executable, *safely, "-m", "copier", "update", *options]
    where: dict[str, Any] = {"cwd": scratch.folder, "env": scratch.environment}
    with subprocess.Popen(command, **where, stderr=subprocess.PIPE, text=True, errors="replace") as copier:
        for line in copier.stderr or ():
            if held or line == TRACEBACK:
                held.append(line)
            elif not line.startswith("Task ["):  # a hook has said why it failed
                print(line, end="", file=sys.stderr, flush=True)
    signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt
    if copier.returncode:
        last = "".join(held).rpartition(TRACEBACK)[2].splitlines()
        error = " ".join(line.strip() for line in dropwhile(lambda line: line[:1] in ("", " "), last)).rstrip(".")
        print(f"Copier stopped{': ' * bool(error)}{error[:500]}. Nothing was changed.", file=sys.stderr)
    else:
        sys.stderr.writelines(held)  # of a hook
    return copier.returncode == 0


def update(clone: str, version: str) -> int:
    """Update the project, or show what would change, and return the exit code.

    Raises:
        UpdateBlocked: the owner has to do something first.
    """
    options = choose_options(Template(clone), version)
    if not options:
        return 0
    with tempfile.TemporaryDirectory(prefix="template-update-") as name:
        scratch = Scratch(Path(name, "project"), ANSWERS, f"git+{Path(clone).resolve().as_uri()}")
        if not run_copier(options, scratch):
            return 1
        if DRY:
            return preview(scratch, clone)
        scratch.bring()
    return finish()


def main(clone: str, version: str) -> int:
    """Run as a part of `make update`."""
    try:
        check_project()
        with note.locked():
            return update(clone, version)
    except UpdateBlocked as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"Interrupted. {LEFT[note.stage()]}", file=sys.stderr)
    except OSError as error:
        print(f"{error}. {LEFT[note.stage()]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
