"""Make this repository's environment in .venv: `environment.py` installs everything, `environment.py copier` only Copier.

uv does the work. If there is no uv on the PATH, pip installs one into .venv. The syntax is that of Python 3.6, so that an
older Python prints an error message instead of a SyntaxError.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = str(ROOT / ".venv")
SUFFIX = ".exe" if os.name == "nt" else ""
PROGRAMS = Path(ENVIRONMENT, "Scripts" if os.name == "nt" else "bin")
PYTHON = str(PROGRAMS / f"python{SUFFIX}")
OWN_UV = str(PROGRAMS / f"uv{SUFFIX}")
SUPPORTED = sys.version_info >= (3, 11)


class StepError(Exception):
    """A program failed. The text says which one and what it printed last."""


def run(*command: str) -> None:
    """Run a program in this repository, quietly.

    Raises:
        StepError: the program failed.
    """
    # Ignore the environment that is active in the shell.
    others = ("PYTHONHOME", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if name not in others}
    done = subprocess.run(command, cwd=str(ROOT), env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = [f"    {line}" for line in said if not line.startswith("WARNING: Retrying")][-10:]
        raise StepError("\n".join([f"{' '.join(command)} failed:", *last]))


def pip_installs_elsewhere() -> bool:
    """Return whether this Python's pip can install into another environment, as releases since 22.3 can."""
    from importlib import metadata

    try:
        major, minor = metadata.version("pip").split(".")[:2]
        return (int(major), int(minor)) >= (22, 3)
    except (metadata.PackageNotFoundError, ValueError):
        return False


def make_environment() -> str:
    """Make .venv if it is missing, and return the uv that fills it.

    Raises:
        StepError: there is neither a uv nor a pip that installs one.
    """
    found = shutil.which("uv")
    usable = Path(PYTHON).exists()
    if found and not usable:
        # With an older Python, uv looks for another one and may download it.
        chosen = ["--python", sys.executable] if SUPPORTED else []
        run(found, "venv", "--quiet", "--allow-existing", *chosen, ENVIRONMENT)
    if found or (usable and Path(OWN_UV).exists()):
        return found or OWN_UV
    venv = [sys.executable, "-m", "venv", *([] if usable else ["--clear"]), ENVIRONMENT]
    install = ["install", "--quiet", "--disable-pip-version-check", "uv"]
    if pip_installs_elsewhere():
        run(*venv, "--without-pip")
        run(sys.executable, "-m", "pip", "--python", PYTHON, *install)
    else:  # takes 5 seconds more, because it first installs pip into the environment
        run(*venv)
        run(PYTHON, "-m", "pip", *install)
    return OWN_UV


def main(only_copier: bool) -> int:
    """Install Copier or everything, and return the exit code."""
    if not SUPPORTED and not shutil.which("uv"):
        print(
            f"This is Python {sys.version_info[0]}.{sys.version_info[1]}, and the template needs 3.11 or newer."
            " Name another one, such as `make new PYTHON=python3.11`, or install uv.",
            file=sys.stderr,
        )
        return 1
    start = time.monotonic()
    try:
        print(f"Installing {'Copier' if only_copier else 'the development tools'} in .venv ...", end=" ", flush=True)
        uv = make_environment()
        if only_copier:
            run(uv, "pip", "install", "--quiet", "--python", PYTHON, "-r", "pyproject.toml")
        else:
            run(uv, "sync", "--quiet")
    except (StepError, OSError) as error:
        print(f"failed\n{error}\nIs the network there? Run the same command again once it is.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. To go on, run the same command again.", file=sys.stderr)
        return 1
    print(f"{time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(only_copier=sys.argv[1:] == ["copier"]))
