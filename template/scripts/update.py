"""Update this project: `make update`, `make update-continue` after conflicts, and `make update-undo`.

The update itself belongs to the template. This clones the template and hands over to its hooks/update/. Needs Python, git
and the network.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = ".copier-answers.yml"
START = "hooks/update/start_update.py"  # of the template
SHORTCUTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
TIME_LIMIT = 60  # seconds, for the template's server to answer
# Another active environment must not reach Copier, nor the repository of a git hook the other repositories.
OF_GIT_HOOKS = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE")
OTHERS = ("PYTHONHOME", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV", *OF_GIT_HOOKS)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OTHERS} | {"GIT_TERMINAL_PROMPT": "0"}


def run(*command: str | Path, timeout: float | None = None) -> tuple[bool, str]:
    """Run a program in the project; return whether it succeeded, and what it printed."""
    words = [str(word) for word in command]
    environment = ENVIRONMENT
    if words[0] == "git":
        words[1:1] = ["-c", f"core.hooksPath={os.devnull}"]
        environment = ENVIRONMENT | {"LC_ALL": "C"}
    options: dict[str, Any] = {"cwd": ROOT, "env": environment, "stdin": subprocess.DEVNULL, "capture_output": True}
    try:
        done = subprocess.run(words, **options, timeout=timeout, check=False)
    except FileNotFoundError:
        raise SystemExit(f"{words[0]} is not on the PATH: install it.") from None
    except subprocess.TimeoutExpired:
        return False, f"no answer within {timeout:.0f} seconds"
    return done.returncode == 0, os.fsdecode(done.stderr if done.returncode else done.stdout).strip("\n")


def template_address() -> str:
    """Return the template's address from Copier's answers.

    Raises:
        SystemExit: the answers are missing, or contain no address.
    """
    if not (ROOT / ANSWERS).exists():
        found, last = run("git", "log", "-1", "--diff-filter=AM", "--format=%h", "--", ANSWERS)
        back = "If Copier made this project, make another of its release and answers, and copy the file from there."
        if found and last:
            back = f"To restore it: git checkout {last} -- {ANSWERS}"
        raise SystemExit(f"{ANSWERS} is missing, in which Copier notes the template and your answers. {back}")
    # Copier writes it on one line; a single quote within quotes is doubled.
    text = (ROOT / ANSWERS).read_text(encoding="utf-8")
    line = re.search(r"^_src_path: *(['\"]?)(.+?)\1 *$", text, re.MULTILINE)
    if not line:
        raise SystemExit(f"{ANSWERS} does not say _src_path: add the template's address, and commit that.")
    return line[2].replace("''", "'") if line[1] else line[2]


def clone_template(folder: Path) -> None:
    """Clone the template.

    Raises:
        SystemExit: it cannot be reached.
    """
    source = template_address()
    address = str(Path(source).expanduser()) if source.startswith("~") else source.removeprefix("git+")
    if source[:3] in SHORTCUTS:
        address = SHORTCUTS[source[:3]] + source[3:].lstrip("/").removesuffix(".git") + ".git"
    said = run("git", "clone", "--quiet", "--", address, folder, timeout=TIME_LIMIT)[1]
    if not (folder / START).exists():
        hidden = re.sub("//[^/]*@", "//", source)
        reason = " ".join(said.removeprefix("fatal: ").split()) or f"there is no {START}"
        raise SystemExit(
            f"The template cannot be reached at {hidden} ({reason}). Check the network. If the template has moved, change"
            f" _src_path in {ANSWERS}, and commit that."
        )


def hand_over(*command: str | Path) -> int:
    """Run a program that deals with Ctrl-C itself, and return its exit code."""
    signal.signal(signal.SIGINT, lambda number, frame: None)
    return subprocess.call([str(word) for word in command], cwd=ROOT, env=ENVIRONMENT)


def update() -> int:
    """Run as `make update`."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name, "template")
        clone_template(clone)
        return hand_over(sys.executable, clone / START, clone)


def run_tooling(name: str) -> int:
    """Run a program that the last update has left within .git."""
    inside, prefix = run("git", "rev-parse", "--show-prefix")
    program = ROOT / run("git", "rev-parse", "--git-path", f"template-update/{prefix}{name}")[1]
    if not inside or not program.with_name("note.json").exists():
        raise SystemExit("No update is under way. Start one with make update.")
    return hand_over(sys.executable, "-B", program)


if __name__ == "__main__":
    try:
        sys.exit(run_tooling(sys.argv[1]) if sys.argv[1:] else update())
    except KeyboardInterrupt:
        raise SystemExit("Interrupted. Nothing was changed.") from None
