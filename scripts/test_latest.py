"""Run all checks with the newest releases of all dependencies: `make test-latest ARGS="-k sqlite"`.

uv.lock decides the versions of this repository. Generated projects have no uv.lock, so they get the newest versions after
uv has refreshed its cache of the package index.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent


def run(program: str, *arguments: str | Path, given: str | None = None) -> str:
    """Run a program of this repository's environment, and return its output; its messages on stderr are shown.

    Raises:
        SystemExit: it failed, after it printed the reason.
    """
    command = [str(PROGRAMS / program), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, input=given, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{program} {arguments[0]} failed.")
    return done.stdout


def render(folder: Path) -> list[Path]:
    """Render a project of each database, and return their folders."""
    projects = [folder / database for database in ("postgresql", "sqlite")]
    options = ["--defaults", "--skip-tasks", "--trust", "--quiet", "--vcs-ref=HEAD"]
    for project in projects:
        run("copier", "copy", *options, f"--data=database={project.name}", ROOT, project)
    return projects


def requirements(project: Path) -> list[str]:
    """Return the requirements for running, developing and building a project."""
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    groups = pyproject.get("dependency-groups", {}).values()
    build = pyproject.get("build-system", {}).get("requires", [])
    # An included group is a table.
    needed = (need for group in groups for need in group if isinstance(need, str))
    return [*pyproject["project"]["dependencies"], *needed, *build]


def resolve(needed: Iterable[str], *options: str) -> dict[str, str]:
    """Return the newest compatible versions in the package index, by name."""
    options = ("--refresh", "--python", sys.executable, "--quiet", "--no-header", "--no-annotate", *options)
    lines = run("uv", "pip", "compile", "-", *options, given="\n".join(needed)).split()
    return dict(line.split("==") for line in lines if "==" in line)


def beyond_bounds(project: Path) -> set[str]:
    """Return the newer releases of a project's dependencies that a requirement excludes."""
    needed = requirements(project)
    allowed = resolve(needed)
    newest = resolve((re.split(r"[^\w.-]", need)[0] for need in needed), "--no-deps")
    return {f"{name} {newest[name]} (used: {allowed[name]})" for name in newest if newest[name] != allowed[name]}


def installed(environment: Path) -> set[str]:
    """Return the packages of an environment, as name==version."""
    return set(run("uv", "pip", "freeze", "--quiet", "--python", environment / "bin" / "python").split())


def show(title: str, items: Iterable[str]) -> None:
    """Print a sorted list, wrapped at 120 characters."""
    text = f"{title}: {', '.join(sorted(items)) or 'none'}"
    print(textwrap.fill(text, 120, subsequent_indent="  ", break_on_hyphens=False), flush=True)


def main() -> int:
    """Upgrade, run all checks, and print the versions that they used."""
    run("uv", "lock", "--upgrade")  # prints the versions that it changes
    run("uv", "sync", "--quiet")
    folder = Path(tempfile.mkdtemp(prefix="test-latest-"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user
    show("Newer than a requirement allows", set[str]().union(*map(beyond_bounds, (ROOT, *render(folder)))))
    tests = folder / "tests"
    arguments = f"--basetemp={shlex.quote(str(tests))} {os.environ.get('ARGS', '')}"
    command = ["make", "--keep-going", "lint", "test", f"ARGS={arguments}"]
    outside = {name: value for name, value in os.environ.items() if name not in ("ARGS", "MAKEFLAGS", "MAKELEVEL")}
    failed = subprocess.run(command, cwd=ROOT, env=outside, check=False).returncode
    print()
    show("This repository used", installed(PROGRAMS.parent))
    # tests/conftest.py makes an environment for all projects that need the same.
    show("The generated projects used", set[str]().union(*map(installed, tests.glob("environment-*/.venv"))))
    if failed:
        print(f"A test or a check fails with these packages. The files of the tests are in {tests}.", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print("All checks pass with these packages.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
