"""Start `run_copier.py CLONE VERSION` with a Python that has Copier: an installed one, else a temporary one.

The project's scripts/update.py runs this in the project's folder. CLONE is a clone of the template, VERSION the release to
bring in. Needs only the standard library.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

COPIER = "copier>=9.19,<10"
PRINT_VERSION = "from importlib.metadata import version; print(version('copier'))"


def run(*command: str | Path) -> tuple[bool, str]:
    """Run a program; return whether it succeeded, and what it printed."""
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode == 0, os.fsdecode(done.stderr if done.returncode else done.stdout).strip()


def installed_copier() -> list[str | Path]:
    """Return a command that runs the Python of an installed Copier, or an empty list."""
    if found := shutil.which("copier"):  # usually a link into an environment of its own
        beside = str(Path(found).resolve().parent)
        python = shutil.which("python3", path=beside) or shutil.which("python", path=beside)
        if python and re.search(r"^9\.(19|[2-9]\d|\d{3,})\b", run(python, "-c", PRINT_VERSION)[1]):
            return [python]
    return []


def temporary_copier(folder: Path) -> list[str | Path]:
    """Return a command that runs Python with a temporary Copier, from uv or else from pip.

    Raises:
        SystemExit: Copier cannot be downloaded.
    """
    command: list[str | Path]
    places = os.pathsep.join([os.environ.get("PATH", ""), str(Path(".venv", "bin").resolve())])
    if uv := shutil.which("uv", path=places):
        options = ["--quiet", "--no-project", "--isolated", "--python", sys.executable, "--with", COPIER]
        command = [uv, "run", *options, "python"]
        done, said = run(*command, "-c", PRINT_VERSION)
    else:
        command = [folder / ("Scripts" if os.name == "nt" else "bin") / "python"]
        done, said = run(sys.executable, "-m", "venv", folder)
        if done:
            done, said = run(*command, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", COPIER)
    if not done:
        reason = (said.splitlines() or ["for an unknown reason"])[-1].strip()
        raise SystemExit(f"Copier 9.19 is not installed, and cannot be downloaded: {reason}\nCheck the network.")
    return command


def main(clone: str, version: str) -> int:
    """Run as a part of `make update`, and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        python = installed_copier() or temporary_copier(Path(name, "copier"))
        signal.signal(signal.SIGINT, lambda number, frame: None)  # run_copier.py handles it
        return subprocess.call([*python, Path(__file__).with_name("run_copier.py"), clone, version])


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing was changed.")
