"""Migrations that run at once, are killed, or wait for a lock: the schema and the rows are as before or as wanted."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from ..harness import Project, free_port
from .stored import PSQL, rows

pytestmark = pytest.mark.faults

DATABASES = ["postgresql", "sqlite"]

REVISION = """from pathlib import Path
import time

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{head}"


def upgrade() -> None:
{body}

def downgrade() -> None:
    pass
"""

USERS = """
    op.execute("INSERT INTO users (id, email, username, hashed_password) VALUES (1, 'ada', 'ada', '-'), (2, 'bob', 'bob', '-')")
    op.execute("INSERT INTO posts (id, title, slug, content, author_id) VALUES (1, 'a', 'a', '-', 1), (2, 'b', 'b', '-', 2)")
"""
PHONE = """
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("phone", sa.String(20), server_default="none", nullable=False))
        batch.alter_column("full_name", type_=sa.String(300), existing_type=sa.String(255))
"""

# Given URLs of databases as lines: migrates each from eight processes at once, and prints what went wrong as JSON.
AT_ONCE = """
import asyncio, contextlib, io, json, os, sys, time
import alembic.autogenerate, alembic.command, alembic.config, alembic.context
import fastapi, pydantic_settings, sqlalchemy.ext.asyncio
import sqlalchemy.dialects.{dialect}

def migrate(url, go):
    os.environ["DATABASE_URL"] = url
    os.read(go, 1)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            alembic.command.upgrade(alembic.config.Config(toml_file="pyproject.toml"), "head")
    except BaseException as error:
        return f"{{type(error).__name__}}: {{error}}"
    return ""

for url in map(str.strip, sys.stdin):
    go, start = os.pipe()
    children = []
    for number in range(8):
        answer, said = os.pipe()
        if os.fork() == 0:
            os.close(start)
            os.write(said, migrate(url, go).encode())
            os._exit(0)
        os.close(said)
        children.append(answer)
    os.close(go)
    begun = time.monotonic()
    os.close(start)
    failures = [text for text in (open(answer).read() for answer in children) if text]
    for _ in children:
        os.wait()
    print(json.dumps([time.monotonic() - begun, failures]), flush=True)
"""


def add_revision(project: Project, name: str, body: str) -> None:
    """Add a migration at the head of the history."""
    versions = project.path / "alembic" / "versions"
    texts = [path.read_text() for path in versions.glob("*.py")]
    ids = {found[1] for text in texts if (found := re.search(r'^revision.*= "(\w+)"', text, re.MULTILINE))}
    followed = {found[1] for text in texts if (found := re.search(r'^down_revision.*= "(\w+)"', text, re.MULTILINE))}
    (head,) = ids - followed
    (versions / f"{name}.py").write_text(REVISION.format(revision=name, head=head, body=body))


COLUMNS = {
    "postgresql": "SELECT column_name FROM information_schema.columns WHERE table_name = 'users' ORDER BY 1",
    "sqlite": "SELECT name FROM pragma_table_info('users') ORDER BY 1",
}


def kept(url: str) -> list[str]:
    """Return the revision, the columns of users, and all rows."""
    return rows(
        url,
        "SELECT version_num FROM alembic_version",
        COLUMNS[url.partition(":")[0]],
        "SELECT id, email, full_name FROM users ORDER BY id",
        "SELECT id, author_id FROM posts ORDER BY id",
    )


class Served(NamedTuple):
    """A project, and its database, which the tests look into."""

    project: Project
    url: str

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        """Start a program as its owner does on a terminal: Ctrl-C is for all that it starts."""
        program = self.project.environment / "bin" / command[0]
        return subprocess.Popen(
            [str(program if program.exists() else command[0]), *command[1:]],
            cwd=self.project.path,
            env={**self.project.variables, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, name: str) -> None:
        """Wait until a migration has made a file."""
        for _ in range(600):
            if (self.project.path / name).exists():
                return
            time.sleep(0.05)
        raise AssertionError(f"no {name} after 30 s")


UPGRADE = ("python", "-m", "alembic", "upgrade", "head")


@pytest.fixture
def make_served(make_owned: Callable[..., Project], request: pytest.FixtureRequest) -> Callable[[str], Served]:
    """Return what makes a project with a database of its own on a server that runs, or in a file."""

    def make(database: str) -> Served:
        project = make_owned(database=database)
        if database == "postgresql":
            server: str = request.getfixturevalue("postgresql_server")
            name = f"faults_{time.time_ns()}"
            url = server.format(database=name)
            rows(server.format(database="postgres"), f"CREATE DATABASE {name}")
        else:
            url = f"sqlite:///{project.path / 'faults.db'}"
        return Served(Project(project.path, project.environment, {**project.variables, "DATABASE_URL": url}), url)

    return make


@pytest.mark.parametrize("database", DATABASES)
def test_processes_that_migrate_at_once(
    make_served: Callable[[str], Served], request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    """When several instances of a service start at once, each migration is applied once and none of them fails."""
    served = make_served(database)
    project = served.project
    add_revision(project, "users", USERS)
    add_revision(project, "phone", PHONE)
    names = [f"at_once_{number}" for number in range(20)]
    if database == "postgresql":
        rows(served.url, *(f"CREATE DATABASE {name}" for name in names))
        urls = [request.getfixturevalue("postgresql_server").format(database=name) for name in names]
    else:
        urls = [f"sqlite:///{tmp_path / name}.db" for name in names]
    done = subprocess.run(
        [project.environment / "bin" / "python", "-c", AT_ONCE.format(dialect=database)],
        cwd=project.path,
        env=project.variables,
        input="".join(f"{url}\n" for url in urls),
        capture_output=True,
        text=True,
        check=True,
    )
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    failures = [text for _, texts in rounds for text in texts]
    slowest = max(seconds for seconds, _ in rounds)
    print(f"{database}: {len(rounds)} rounds of 8 processes: {len(failures)} failures, slowest round {slowest:.2f} s")
    assert len(rounds) == 20
    assert failures == []
    # Once more, with the program itself.
    processes = [served.start(*UPGRADE) for _ in range(8)]
    said = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    assert sum("Upgraded to phone" in text for text in said) == 1
    for url in (*urls, served.url):
        assert rows(url, "SELECT version_num FROM alembic_version") == ["phone"]
        assert "phone" in rows(url, COLUMNS[database])
        assert rows(url, "SELECT email, phone FROM users ORDER BY id") == ["ada|none", "bob|none"]
        assert rows(url, "SELECT id FROM posts ORDER BY id") == ["1", "2"]


WAITING = {
    "by itself": "time.sleep(60)",
    "postgresql": 'op.execute("SELECT pg_sleep(20)")',
    "sqlite": 'op.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000000) SELECT max(i) FROM n")',
}
SLOW = """
    op.execute("UPDATE users SET full_name = 'changed'")
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("phone", sa.String(20)))
    if Path("slow").exists():
        Path("reached").touch()
        {wait}
    op.execute("DELETE FROM posts")
"""


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    ("how", "where"),
    [(signal.SIGKILL, "by itself"), (signal.SIGKILL, "in the database"), (signal.SIGINT, "in the database")],
    ids=["killed", "killed in a statement", "Ctrl-C"],
)
def test_a_migration_that_is_stopped_changes_nothing(
    make_served: Callable[[str], Served], database: str, how: signal.Signals, where: str
) -> None:
    """A migration that is killed midway, or stopped by Ctrl-C, leaves schema and rows as before, and can run again."""
    served = make_served(database)
    add_revision(served.project, "users", USERS)
    served.project.run(*UPGRADE)
    before = kept(served.url)
    add_revision(served.project, "slow", SLOW.format(wait=WAITING.get(where) or WAITING[database]))
    (served.project.path / "slow").touch()
    process = served.start("make", "db-upgrade") if how == signal.SIGINT else served.start(*UPGRADE)
    served.wait_for("reached")
    time.sleep(0.5)
    begun = time.monotonic()
    os.killpg(process.pid, how)
    said = process.communicate(timeout=15)[0]
    stopped = time.monotonic() - begun
    assert process.returncode != 0
    assert "Traceback" not in said
    assert kept(served.url) == before
    free = time.monotonic() - begun
    print(f"{database}, {how.name} {where}: it ended after {stopped:.2f} s, the tables were free after {free:.2f} s")
    if how == signal.SIGINT:
        assert "Stopped. Either all of it was applied or nothing" in said
    (served.project.path / "slow").unlink()
    served.project.run(*UPGRADE)
    after = kept(served.url)
    assert after[0] == "slow"
    assert "phone" in after
    assert "1|ada|changed" in after
    assert after[-1] == "2|bob|changed"


HOLDERS = {
    "idle in transaction": "BEGIN; SELECT count(*) FROM users WHERE email <> 'unspoken';",
    "active": "SELECT count(*) FROM users WHERE email <> 'unspoken' AND pg_sleep(60) IS NULL;",
}


@pytest.mark.parametrize(
    ("target", "patience", "state"), [("db-upgrade", 5, "idle in transaction"), ("dev", 1, "active")]
)
def test_a_lock_that_is_not_given_up_ends_the_migration_and_not_the_service(
    make_served: Callable[[str], Served], target: str, patience: int, state: str
) -> None:
    """A migration that cannot have its lock soon gives up and says who holds it; nobody waits longer because of it."""
    served = make_served("postgresql")
    add_revision(served.project, "users", USERS)
    served.project.run(*UPGRADE)
    before = kept(served.url)
    add_revision(served.project, "phone", PHONE)
    waits = []

    def read_until(ended: threading.Event) -> None:
        while not ended.is_set():
            begun = time.monotonic()
            rows(served.url, "SELECT count(*) FROM users")
            waits.append(time.monotonic() - begun)

    holder = subprocess.Popen(
        [PSQL, "-qAtX", served.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PGAPPNAME": "report"},
    )
    assert holder.stdin is not None
    with holder, holder.stdin:
        print(HOLDERS[state], file=holder.stdin, flush=True)
        found = "SELECT pid FROM pg_stat_activity WHERE application_name = 'report' AND query <> ''"
        while not (pids := rows(served.url, found)):
            time.sleep(0.1)
        reader = threading.Thread(target=read_until, args=(ended := threading.Event(),))
        reader.start()
        begun = time.monotonic()
        process = served.start("make", target, f"PORT={free_port()}", DATABASE_LOCK_TIMEOUT=str(patience))
        said = process.communicate(timeout=60)[0]
        took = time.monotonic() - begun
        ended.set()
        reader.join()
        rows(served.url, f"SELECT pg_terminate_backend({pids[0]})")
    print(
        f"gave up after {took:.2f} s with a limit of {patience} s; the longest read took {max(waits):.2f} s; it said:\n{said}"
    )
    assert process.returncode != 0
    assert "Traceback" not in said
    assert "unspoken" not in said
    assert f"needs a lock that other sessions did not release within {patience} s (DATABASE_LOCK_TIMEOUT)" in said
    assert re.search(
        rf"session {pids[0]} of postgres, application report, from 127.0.0.1, {state}, in a transaction since [-\d]+ [:\d]+ UTC \(\d+ s\),"
        r" its statement: SELECT count\(\*\) FROM users WHERE email <>\n",
        said,
    )
    assert f"SELECT pg_terminate_backend({pids[0]})" in said
    assert "Nothing was changed." in said
    assert kept(served.url) == before
    assert max(waits) < patience + 3
    served.project.run(*UPGRADE)


def test_a_migration_says_that_it_waits_for_another(make_served: Callable[[str], Served]) -> None:
    """A migration that another one keeps waiting says once which session that is, and goes on when it has ended."""
    served = make_served("postgresql")
    add_revision(served.project, "slow", SLOW.format(wait="while Path('slow').exists(): time.sleep(0.1)"))
    (served.project.path / "slow").touch()
    first = served.start(*UPGRADE)
    served.wait_for("reached")
    second = served.start(*UPGRADE)
    pid = rows(served.url, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")[0]
    waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while not rows(served.url, waiting):
        time.sleep(0.1)
    time.sleep(2)
    (served.project.path / "slow").unlink()
    assert first.communicate(timeout=60)[0].count("Upgraded to") == 2
    said = second.communicate(timeout=60)[0]
    assert second.returncode == 0
    assert (
        said.count(f"Waiting for another migration to end:\n  session {pid} of postgres, application my_service") == 1
    )
    assert said.count("Waiting") == 1
    assert "Upgraded to" not in said


@pytest.mark.parametrize("target", ["db-upgrade", "dev"])
def test_a_file_that_stays_locked_ends_the_migration(make_served: Callable[[str], Served], target: str) -> None:
    """A migration that another process keeps from writing gives up in time and says why."""
    served = make_served("sqlite")
    add_revision(served.project, "users", USERS)
    served.project.run(*UPGRADE)
    before = kept(served.url)
    add_revision(served.project, "phone", PHONE)
    with closing(sqlite3.connect(served.url.removeprefix("sqlite:///"), isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        process = served.start("make", target, f"PORT={free_port()}", DATABASE_LOCK_TIMEOUT="1")
        said = process.communicate(timeout=60)[0]
        print(f"gave up after {time.monotonic() - begun:.2f} s with a limit of 1 s; it said:\n{said}")
    assert process.returncode != 0
    assert "Traceback" not in said
    assert "did not release it within 1 s (DATABASE_LOCK_TIMEOUT). `lsof " in said
    assert "Nothing was changed." in said
    assert kept(served.url) == before
    served.project.run(*UPGRADE)


DEPENDENT = (
    "CREATE TABLE log (said TEXT)",
    "CREATE VIEW names AS SELECT id, full_name FROM users",
    "CREATE TRIGGER of_view INSTEAD OF DELETE ON names BEGIN UPDATE users SET full_name = NULL WHERE id = old.id; END",
    "CREATE TRIGGER of_parent AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (new.email); END",
    "CREATE TRIGGER of_child AFTER DELETE ON posts BEGIN UPDATE users SET full_name = 'x' WHERE id = old.author_id; END",
    "CREATE UNIQUE INDEX on_an_expression ON users (lower(email))",
    "INSERT INTO users (id, email, username, hashed_password) VALUES (9, 'eve', 'eve', '-')",
    "DELETE FROM users WHERE id = 9",
)


def test_sqlite_changes_a_parent_table_and_nothing_that_belongs_to_it_is_lost(
    make_served: Callable[[str], Served],
) -> None:
    """A batch change of a table keeps the rows that refer to it, its triggers, views, indexes, and the ids it gave."""
    served = make_served("sqlite")
    add_revision(served.project, "users", USERS)
    add_revision(served.project, "log", "".join(f'    op.execute("{statement}")\n' for statement in DEPENDENT))
    served.project.run(*UPGRADE)
    about = "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
    before, things = kept(served.url), rows(served.url, about)
    add_revision(served.project, "phone", PHONE)
    served.project.run(*UPGRADE)
    after = kept(served.url)
    assert "phone" in after
    assert [line for line in after[1:] if line != "phone"] == before[1:]
    assert rows(served.url, about) == things
    changed = rows(
        served.url,
        "DELETE FROM names WHERE id = 1",
        "DELETE FROM posts WHERE id = 2",
        "INSERT INTO users (email, username, hashed_password) VALUES ('new', 'new', '-')",
        "SELECT said FROM log",
        "SELECT max(id) FROM users",
    )
    assert changed == ["ada", "bob", "10"]
    with pytest.raises(sqlite3.IntegrityError, match="on_an_expression"):
        rows(served.url, "INSERT INTO users (email, username, hashed_password) VALUES ('ADA', 'a', '-')")
