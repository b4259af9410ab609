"""Brings a release of the template into this project: `make update`.

That is `copier update --trust`, with nothing to install, and with a sentence for what is wrong before anything changes.
It exits with 0 when all is done or nothing is newer, else with 1: when it was refused or broke off, and when files have
conflicts or the migration is still to be written.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from itertools import dropwhile
from pathlib import Path

from after_update import NotYetError, git, note_file, paths, refuse_conflicts
from setup import ROOT, SetupError, find_uv, run

ANSWERS = ".copier-answers.yml"
MEANING = {"_src_path": "the template's address", "_commit": "the release that the project was made from"}
SHORTCUTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
TRACEBACK = "Traceback (most recent call last):\n"
TIME_LIMIT = 60  # seconds, for an answer from the template's address


def check_project() -> None:
    """See that all of the project is committed: an update merges with that, and can be taken back.

    Raises:
        NotYetError: it is not.
    """
    git("version")
    try:
        tracked = git("ls-tree", "HEAD", ANSWERS)
    except NotYetError as error:
        if "dubious ownership" in str(error):
            raise
        start = 'git init && git add --all && git commit -m "Start from the template"'
        raise NotYetError(f"An update merges with what git has of the project, which is nothing yet: {start}") from None
    if (ROOT / os.fsdecode(git("rev-parse", "--git-path", "MERGE_HEAD")).strip()).exists():
        raise NotYetError("A merge is under way: finish it with git commit, or give it up with git merge --abort.")
    if not (ROOT / ANSWERS).exists():
        last = b"HEAD" if tracked else git("log", "-1", "--diff-filter=D", "--format=%h~1", "--", ANSWERS).strip()
        back = f"This brings it back: git checkout {last.decode()} -- {ANSWERS}"
        other = "If Copier made this project, make another of its release and answers, and take the file from there."
        raise NotYetError(f"{ANSWERS} is missing, where Copier notes template and answers. {back if last else other}")
    refuse_conflicts()
    if changed := paths("status", "--porcelain", "--no-renames", "--untracked-files=normal", "-z", "--", "."):
        first = "These changes are not committed: commit them, or git stash --include-untracked."
        more = [f"and {len(changed) - 10} more"] * (len(changed) > 10)
        raise NotYetError("\n  ".join([first, *changed[:10], *more]))
    if not tracked:
        raise NotYetError(f"git ignores {ANSWERS}, and an update merges with what is committed: have git track it.")


def noted(name: str) -> str:
    """Return what Copier noted of the template.

    Raises:
        NotYetError: it did not.
    """
    found = re.search(rf"^{name}: *(.+?) *$", (ROOT / ANSWERS).read_text(encoding="utf-8"), re.MULTILINE)
    value = found[1] if found else ""
    if value[:1] in ("'", '"'):
        value = value[1:-1].replace("''", "'")
    if value in ("", "None", "null", "~"):
        raise NotYetError(f"{ANSWERS} does not say {name}: add {MEANING[name]}, and commit that.")
    return value


class Template:
    """A clone of the template without a work tree, from where Copier will get it."""

    def __init__(self, folder: Path) -> None:
        """Make it.

        Raises:
            NotYetError: the template cannot be reached.
        """
        self.folder = folder
        source = noted("_src_path")
        address = str(Path(source).expanduser()) if source.startswith("~") else source.removeprefix("git+")
        if source[:3] in SHORTCUTS:
            address = SHORTCUTS[source[:3]] + source[3:].lstrip("/").removesuffix(".git") + ".git"
        command = ["git", "clone", "--quiet", "--bare", "--", address, str(folder)]
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            try:
                subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=said, check=True, timeout=TIME_LIMIT)
                self.git("cat-file", "-e", "HEAD:copier.yml")
                return
            except NotYetError:
                reason = "there is no copier.yml"
            except subprocess.TimeoutExpired:
                reason = f"no answer within {TIME_LIMIT} seconds"
            except subprocess.CalledProcessError:
                said.seek(0)
                reason = said.readline().strip().removeprefix("fatal: ")
        raise NotYetError(
            f"The template cannot be reached at {re.sub('//[^/]*@', '//', source)} ({reason}). Is the network there? If the"
            f" template has moved, change _src_path in {ANSWERS}, and commit that."
        )

    def git(self, *arguments: str) -> str:
        """Return what git says about the template.

        Raises:
            NotYetError: nothing good.
        """
        return git("-C", str(self.folder), *arguments).decode()

    def commit(self, name: str) -> str:
        """Return the commit that a name means, or nothing."""
        with suppress(NotYetError):
            return self.git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
        return ""

    def releases(self) -> list[str]:
        """Return the tags of its releases, the newest first."""
        numbered = [tag for tag in self.git("tag").split() if re.fullmatch(r"v?\d+(\.\d+)*", tag)]
        return sorted(numbered, key=lambda tag: [int(part) for part in tag.lstrip("v").split(".")], reverse=True)

    def questions(self, version: str) -> list[str]:
        """Return the names of the questions that a version asks."""
        found = re.findall(r"^([a-z]\w*):\n((?:[ #].*\n|\n)*)", self.git("show", f"{version}:copier.yml"), re.MULTILINE)
        return [name for name, details in found if "  when: false\n" not in details]


def choose(template: Template) -> list[str]:
    """Return the options for Copier; none where there is nothing to do.

    Raises:
        NotYetError: what VERSION and ARGS say is not possible.
    """
    parser = argparse.ArgumentParser(prog='make update ARGS="..."', add_help=False, allow_abbrev=False)
    parser.add_argument("-d", "--data", action="append", default=[])
    parser.add_argument("-r", "--vcs-ref", default=os.environ.get("VERSION", ""))
    try:
        given, others = parser.parse_known_args(shlex.split(os.environ.get("ARGS", "")))
    except ValueError as error:
        raise NotYetError(f"ARGS cannot be read: {error}.") from None
    current, releases = noted("_commit"), template.releases()
    target = current if given.vcs_ref == ":current:" else given.vcs_ref or (releases or ["HEAD"])[0]
    here, there = template.commit(current), template.commit(target)
    if not there:
        raise NotYetError(f"The template has no {target}. Its newest releases: {', '.join(releases[:5]) or 'none'}.")
    if not here:
        raise NotYetError(
            f"The template has no {current}, which {ANSWERS} says: the project was made from changes that were never"
            " committed there. Write the release that it comes closest to as _commit, and commit that."
        )
    # What a project made past the newest release has already, Copier calls a downgrade.
    if here == there or (not given.vcs_ref and not template.git("rev-list", "-1", f"{here}..{there}")):
        if not given.data and not others:
            print(f"Nothing to do: this project, at {current}, has all of the template's {target}.")
            return []
        if given.data:
            given.vcs_ref, target = ":current:", current
    asked = template.questions(target)
    for answer in given.data:
        name, equals, _ = answer.partition("=")
        if not equals:
            raise NotYetError(f"-d {answer}: write it as name=value.")
        if name not in asked:
            raise NotYetError(f"-d {answer}: there is no question {name}; there are {', '.join(asked)}.")
    mode = "--skip-answered" if sys.stdin.isatty() else "--defaults"
    return [
        *(option for option in ("--trust", mode) if option not in others),
        *(["--vcs-ref", given.vcs_ref] if given.vcs_ref else []),
        *(word for answer in given.data for word in ("--data", answer)),
        *others,
    ]


def find_copier(folder: Path) -> list[str]:
    """Return the command for Copier: the one on the PATH, else one that uv fetches, if need be with a uv in the folder.

    Raises:
        NotYetError: there is none, perhaps for want of the network.
    """
    if found := shutil.which("copier"):
        with suppress(OSError):
            said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(r"\b9\.(19|[2-9]\d|\d{3,})\b", said):
                return [found]
    try:
        uv = [str(find_uv(folder)), "tool", "run", "--quiet", "--python", sys.executable]
        command = [*uv, "--from", "copier>=9.19,<10", "copier"]
        run(*command, "--version")
    except SetupError as error:
        reason = str(error).splitlines()[-1].strip()
        raise NotYetError(f"Copier 9.19 is not on the PATH, and cannot be fetched: {reason}") from None
    return command


def state() -> str:
    """Say whether anything has changed, and how to take it back: all was committed."""
    if not git("status", "--porcelain", "--", "."):
        return "Nothing was changed."
    return "Files were changed; this takes it back: git checkout HEAD -- . && git clean -fd"


def update(command: list[str]) -> int:
    """Run Copier, a traceback as one sentence, and return what to exit with."""
    interrupts: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))  # Copier gets it too, and ends
    held: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as copier:
        for line in copier.stderr or ():
            if held or line == TRACEBACK:
                held.append(line)
            else:
                print(line, end="", file=sys.stderr, flush=True)
    if interrupts:
        print(f"Interrupted. {state()}", file=sys.stderr)
    elif copier.returncode:
        last = "".join(held).rpartition(TRACEBACK)[2].splitlines()
        error = " ".join(line.strip() for line in dropwhile(lambda line: line[:1] in ("", " "), last)).rstrip(".")
        print(f"Copier stopped{': ' * bool(error)}{error[:500]}. {state()}", file=sys.stderr)
    else:
        sys.stderr.writelines(held)  # of a hook
    return 1 if interrupts or copier.returncode or note_file().exists() else 0


def main() -> int:
    """Run as `make update`."""
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    try:
        check_project()
        with tempfile.TemporaryDirectory() as name:
            options = choose(Template(Path(name, "template")))
            return update([*find_copier(Path(name, "uv")), "update", *options]) if options else 0
    except (NotYetError, SetupError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted. Nothing was changed.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
