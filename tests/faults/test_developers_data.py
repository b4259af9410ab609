"""The developer's data: a command changes the database that is named for it, and no other."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ..harness import ROOT, embedded_server, set_up
from ..postgresql import PostgreSQL
from ..updating.aged_project import AgedProject
from ..updating.releases import Releases
from .stored import PG_DUMP, rows

pytestmark = pytest.mark.faults

# PostgreSQL as an owner without settings has it, PostgreSQL that is given, and SQLite, whose default is a file.
PLACES = ["embedded", "given", "file"]
OURS = (
    "CREATE TABLE ours (id INTEGER PRIMARY KEY, said TEXT)",
    "INSERT INTO ours VALUES (1, 'precious'), (2, 'and irreplaceable')",
)
PEOPLE = (
    "INSERT INTO users (id, email, username, hashed_password) VALUES (1, 'ada', 'ada', '-'), (2, 'bob', 'bob', '-')",
    "INSERT INTO posts (id, title, slug, content, author_id) VALUES (1, 'a', 'a', '-', 1), (2, 'b', 'b', '-', 2)",
)
CLIENTS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"

# Makes a SQLite file with the project's schema.
FILE = """
import sys
from alembic import command
from sqlalchemy import create_engine
from scripts.revision import alembic_config

with create_engine("sqlite:///" + sys.argv[1]).begin() as connection:
    command.upgrade(alembic_config(connection), "head")
"""


class Developer:
    """A developer with a project, a development database full of rows, and other databases beside it."""

    def __init__(self, aged: AgedProject, place: str, scratch: Path, server: str | None) -> None:
        self.aged, self.place, self.scratch, self.server = aged, place, scratch, server
        self.name = {"given": "aged"}.get(place, "my_service")

    def url(self, name: str) -> str:
        """Return the URL of a database on the server, or of a file beside the project's."""
        return self.server.format(database=name) if self.server else f"sqlite:///{self.aged.path / name}.db"

    def held(self) -> dict[str, str]:
        """Return all databases with all that is in them, and what lies about in the folder for temporary files."""
        if self.server:
            # A DROP DATABASE that was interrupted leaves an invalid database, which can only be dropped.
            valid = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datconnlimit <> -2"
            found = {name: dump(self.url(name)) for name in rows(self.url("postgres"), valid)}
            invalid = rows(self.url("postgres"), "SELECT datname FROM pg_database WHERE datconnlimit = -2")
            found |= dict.fromkeys(invalid, "invalid")
        else:
            found = {}
            for path in self.aged.path.rglob("*.db"):
                with closing(sqlite3.connect(path)) as connection:
                    found[path.stem] = "\n".join(connection.iterdump())
        return found | {f"temporary {path.name}": "" for path in self.scratch.iterdir()}

    def others(self) -> dict[str, str]:
        """Return all but the development database."""
        return {name: text for name, text in self.held().items() if name != self.name}

    def run(self, *command: str, good: bool = True, **variables: str) -> str:
        """Run a command as the developer does, without a terminal."""
        done = self.aged.run(*command, check=False, TMPDIR=str(self.scratch), **variables)
        said = done.stdout + done.stderr
        assert (done.returncode == 0) is good, said
        assert "Traceback" not in said
        return said

    def interrupt(self, how: signal.Signals, after: float) -> None:
        """Stop the suite so many seconds after it has made its database."""
        process = subprocess.Popen(
            ["make", "test", "ARGS=-q -p no:cacheprovider"],  # noqa: S607
            cwd=self.aged.path,
            env={**self.aged.project.variables, "TMPDIR": str(self.scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for _ in range(600):
            if f"{self.name}_test" in self.names():
                break
            time.sleep(0.05)
        time.sleep(after)
        assert process.poll() is None, process.communicate()[0]
        os.killpg(process.pid, how)
        process.communicate(timeout=60)
        # The server finishes the statement of a client that was killed, such as DROP DATABASE.
        for _ in range(600):
            if not self.server or not rows(self.url("postgres"), CLIENTS):
                return
            time.sleep(0.05)
        raise AssertionError("clients are still connected after 30 seconds")

    def names(self) -> set[str]:
        """Return the names of the databases."""
        if self.server:
            return set(rows(self.url("postgres"), "SELECT datname FROM pg_database"))
        return {path.stem for path in self.aged.path.glob("*.db")}


def dump(url: str) -> str:
    """Return a PostgreSQL database as SQL."""
    done = subprocess.run([PG_DUMP, "--inserts", url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # \restrict and \unrestrict carry a random word.
    return re.sub(r"^\\.*\n", "", done.stdout, flags=re.MULTILINE)


@pytest.fixture(params=PLACES)
def developer(
    make_aged_project: Callable[..., AgedProject], request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Developer]:
    """Yield one for each of the places."""
    place: str = request.param
    aged = make_aged_project(edited=False, database="sqlite" if place == "file" else "postgresql")
    (scratch := tmp_path / "scratch").mkdir()
    scratch.chmod(0o1777)  # as /tmp is
    if place == "file":
        yield fill(Developer(aged, place, scratch, None))
        return
    if place == "embedded":
        (aged.path / ".env").unlink()
        with embedded_server(aged.path, aged.project.variables) as (url, _):
            aged.server = url.replace("/postgres?", "/{database}?")
            yield fill(Developer(aged, place, scratch, aged.server))
        return
    with PostgreSQL() as server:
        aged.server = server.url("{database}", "postgres")
        aged.use_server("aged")
        server.create_database("aged")
        yield fill(Developer(aged, place, scratch, aged.server))


def fill(developer: Developer) -> Developer:
    """Put rows into the development database, and make others beside it."""
    developer.run("make", "db-upgrade")
    rows(developer.url(developer.name), *PEOPLE)
    for name in ("neighbour", f"{developer.name}_old", "scratch_of_mine", "test"):
        if developer.server:
            rows(developer.url("postgres"), f"CREATE DATABASE {name}")
        rows(developer.url(name), *OURS)
    if developer.server:
        rows(developer.url("postgres"), *OURS)
    return developer


def test_the_suite_leaves_every_other_database_alone(developer: Developer) -> None:
    """The tests empty the database that is named for them; run anyhow, or stopped anyhow, they touch no other."""
    before = developer.held()
    assert "precious" in before["neighbour"]
    assert "ada" in before[developer.name]
    assert " passed" in developer.run("make", "test", "ARGS=-q -p no:cacheprovider")
    assert developer.held() == before
    assert " passed" in developer.run("make", "test", "ARGS=-q -n 2 -p no:cacheprovider")
    assert developer.held() == before
    env = developer.aged.path / ".env"
    if developer.place == "given":
        env.write_text("".join(line for line in env.read_text().splitlines(True) if not line.startswith("TEST_")))
    for moment in (0.2, 0.6, 1):
        developer.interrupt(signal.SIGINT, after=moment)
        assert developer.held() == before
    developer.interrupt(signal.SIGKILL, after=1)
    after = developer.held()
    # What was killed cannot tidy up; the next run does.
    left = {name for name in after if name not in before}
    assert all(name.startswith((f"{developer.name}_test", "temporary")) for name in left), left
    assert {name: text for name, text in after.items() if name in before} == before
    assert " passed" in developer.run("make", "test", "ARGS=-q -p no:cacheprovider")
    assert set(developer.held()) - set(before) == {name for name in left if name.startswith("temporary")}
    print(f"{developer.place}: 7 runs of the suite, {len(before)} databases unchanged")


def test_commands_change_the_database_that_is_named_for_them(
    developer: Developer, releases: Releases, tmp_path: Path
) -> None:
    """Making migrations, checking, updating, resetting and copying touch no database but the one they are for."""
    before = developer.held()
    aged = developer.aged
    aged.replace(
        "src/my_service/models/user.py",
        "    def __repr__",
        "    @property\n    def own(self) -> int:\n        return 1\n\n    def __repr__",
    )
    aged.replace(
        "src/my_service/models/user.py",
        "String(255))\n",
        "String(255))\n    phone: Mapped[str | None] = mapped_column(String(9))\n",
    )
    assert "phone" in developer.run("make", "db-check", good=False)
    assert "Wrote" in developer.run("make", "db-migrate", "msg=x")
    assert developer.held() == before
    aged.commit("Phones")
    releases.add_mixin()
    releases.tag("v0.2.0")
    assert "Wrote" in aged.update(TMPDIR=str(developer.scratch))
    aged.project = set_up(aged.project)
    assert developer.held() == before
    assert "No update is unfinished" in developer.run("make", "update-continue", good=False)
    assert developer.held() == before

    assert "To confirm, run make db-reset YES=1" in developer.run("make", "db-reset", good=False)
    assert developer.held() == before
    others = developer.others()
    assert "Upgraded to" in developer.run("make", "db-reset", "YES=1")
    assert rows(developer.url(developer.name), "SELECT count(*) FROM users") == ["0"]
    assert developer.others() == others
    if developer.server:
        file = tmp_path / "before.db"
        aged.run("python", "-c", FILE, str(file), PYTHONPATH="src")
        rows(f"sqlite:///{file}", PEOPLE[0])
        shutil.copy(ROOT / "hooks/update/import_sqlite.py", aged.path / "scripts")
        assert "Copied" in developer.run("python", "-m", "scripts.import_sqlite", str(file))
        assert rows(developer.url(developer.name), "SELECT count(*) FROM users") == ["2"]
        assert developer.others() == others
    print(f"{developer.place}: 6 commands, {len(others)} other databases unchanged")
