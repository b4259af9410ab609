"""Choose the release and a Python that has Copier, and start the release's `run_copier.py CLONE VERSION`.

    start_update.py CLONE

The project's scripts/update.py runs this in the project's folder, from the newest commit of the template. CLONE is a clone
of the template. The release is VERSION of the environment, else the newest. Needs only the standard library.
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


def check_out(clone: str, folder: Path) -> str:
    """Write hooks/update/ of the wanted release into a folder, and return the release.

    Raises:
        SystemExit: the template has no such release.
    """
    tags = [tag for tag in run("git", "-C", clone, "tag")[1].split() if re.fullmatch(r"v?\d+(\.\d+)*", tag)]
    releases = sorted(tags, key=lambda tag: [int(part) for part in tag.lstrip("v").split(".")], reverse=True)
    version = os.environ.get("VERSION") or (releases or ["HEAD"])[0]
    folder.mkdir()
    # Without the owner's hooks, one of which could fail.
    place = ("-c", f"core.hooksPath={os.devnull}", f"--git-dir={clone}/.git", f"--work-tree={folder}")
    if not run("git", *place, "checkout", "--quiet", version, "--", "hooks/update")[0]:
        newest = ", ".join(releases[:5]) or "none"
        raise SystemExit(f"The template has no {version} to update to. Its newest releases: {newest}.")
    return version


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


def main(clone: str) -> int:
    """Run as a part of `make update`, and return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        version = check_out(clone, files := Path(name, "release"))
        python = installed_copier() or temporary_copier(Path(name, "copier"))
        signal.signal(signal.SIGINT, lambda number, frame: None)  # run_copier.py handles it
        return subprocess.call([*python, files / "hooks" / "update" / "run_copier.py", clone, version])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit("Interrupted. Nothing was changed.")
