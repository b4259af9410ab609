"""Compare `copier copy` and its hook with the sum of their necessary parts."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

from ..harness.postgresql import Database, execute, postgresql
from ..harness.ratio import Figure, compare, interleaved, seconds
from ..harness.rendered import ENVIRONMENT, PROGRAMS, ROOT
from ..peers import PEERS, Peer, UnavailableError


def run(*command: str | Path, cwd: Path, **variables: str) -> None:
    """Run a program quietly, with uv on the PATH."""
    environment = ENVIRONMENT | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"} | variables
    subprocess.run([str(word) for word in command], cwd=cwd, env=environment, check=True, capture_output=True)


def measure(database: str, runs: int = 5) -> Figure:
    """Measure a project with this database and a warm package cache."""
    with tempfile.TemporaryDirectory() as name, postgresql() as server:
        work = Path(name)
        template, project = work / "template", work / "project"
        run("git", "clone", "--quiet", ROOT, template, cwd=work)
        url = server.url() if database == "postgresql" else f"sqlite:///{work / 'empty.db'}"

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
    return compare(f"scaffolded, to its parts, {database}", measured, *measured, limit=1.2, at_most=True)


def beside_peers(runs: int = 3) -> list[Figure]:
    """Measure from the command to a project that is set up, migrated and tested by its own tests, on PostgreSQL.

    The projects have different numbers of tests: a peer has about a dozen, ours has more.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        work = Path(name)
        database = stack.enter_context(postgresql())
        template = work / "template"
        run("git", "clone", "--quiet", ROOT, template, cwd=work)
        made = count()

        def fresh() -> tuple[Path, Database]:
            number = next(made)
            asyncio.run(execute(database, f"CREATE DATABASE project{number}"))
            (folder := work / f"project{number}").mkdir()
            return folder, replace(database, name=f"project{number}")

        def ours() -> float:
            folder, empty = fresh()
            variables = {"DATABASE_URL": empty.url(), "TEST_DATABASE_URL": f"{empty.url()}_test"}
            options = ["--quiet", "--defaults", "--trust", "--vcs-ref", "HEAD"]
            commands: list[list[str | Path]] = [
                [PROGRAMS / "copier", "copy", *options, template, "."],
                ["make", "db-upgrade"],
                ["make", "test"],
            ]

            def all_of_it() -> None:
                for command in commands:
                    run(*command, cwd=folder, **variables)

            return seconds(all_of_it)

        def theirs(peer: Peer) -> float:
            folder, empty = fresh()

            def all_of_it() -> None:
                peer.scaffold(folder)
                peer.migrate_and_test(folder, empty)

            return seconds(all_of_it)

        had = filter(_can_be_had, PEERS)
        measured = interleaved({"ours": ours, **{peer.name: partial(theirs, peer) for peer in had}}, runs)
    return [
        compare(f"scaffolded and tested, to {peer.name}", measured, "ours", peer.name, limit=None, at_most=True)
        for peer in PEERS
    ]


def _can_be_had(peer: Peer) -> bool:
    try:
        peer.make()
    except UnavailableError as error:
        print(f"  {error}")
        return False
    return True


if __name__ == "__main__":
    print(*beside_peers(), sep="\n")
    for name in ("postgresql", "sqlite"):
        print(measure(name))
