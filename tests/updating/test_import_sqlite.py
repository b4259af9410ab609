"""import_sqlite.py: a project that changed from SQLite to PostgreSQL copies its rows, all of them or none."""

import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from ..faults.stored import PSQL, rows
from ..harness import ROOT, Project, clean_environment, render, set_up

SCRIPT = "scripts/import_sqlite.py"
COMMAND = ("python", "-m", "scripts.import_sqlite")

# What an owner adds: teams and players refer to each other, and a player to another one.
MODELS = '''\
"""Teams and their players."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Computed, Float, ForeignKey, Interval, LargeBinary, Numeric, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from .base import BaseModel


class Team(BaseModel):
    """A team."""

    __tablename__ = "teams"

    name: Mapped[str] = mapped_column(Text)
    captain_id: Mapped[int | None] = mapped_column(ForeignKey("players.id"))


class Player(BaseModel):
    """A player."""

    __tablename__ = "players"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    mentor_id: Mapped[int | None] = mapped_column(ForeignKey("players.id"))
    note: Mapped[str | None] = mapped_column(Text)
    ratio: Mapped[float | None] = mapped_column(Float)
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    data: Mapped[Any] = mapped_column(JSON)
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_fit: Mapped[bool | None]
    born: Mapped[date | None]
    wakes: Mapped[time | None]
    seen: Mapped[datetime | None]
    rest: Mapped[timedelta | None] = mapped_column(Interval)
    key: Mapped[UUID | None] = mapped_column(Uuid)
    points: Mapped[int]
    less: Mapped[int] = mapped_column(Computed("points - 1", persisted=True))
'''
REVISION = """\
revision = "{revision}"
down_revision = "{down}"

import sqlalchemy as sa
from alembic import op


def upgrade():
{upgrade}

def downgrade():
    raise NotImplementedError
"""
TABLES = """\
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)

    def columns():
        yield sa.Column("id", key, primary_key=True)
        for name in ("created_at", "updated_at"):
            yield sa.Column(name, moment, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP"))
        yield sa.Column("deleted_at", moment)

    op.create_table(
        "teams", *columns(), sa.Column("name", sa.Text, nullable=False), sa.Column("captain_id", key),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "players", *columns(),
        sa.Column(
            "team_id", key,
            sa.ForeignKey("teams.id", name="fk_players_team", deferrable=True, initially="IMMEDIATE"), nullable=False,
        ),
        sa.Column("mentor_id", key, sa.ForeignKey("players.id", name="fk_players_mentor")),
        sa.Column("note", sa.Text), sa.Column("ratio", sa.Float), sa.Column("price", sa.Numeric(12, 4)),
        sa.Column("data", sa.JSON), sa.Column("picture", sa.LargeBinary), sa.Column("is_fit", sa.Boolean),
        sa.Column("born", sa.Date), sa.Column("wakes", sa.Time), sa.Column("seen", moment),
        sa.Column("rest", sa.Interval), sa.Column("key", sa.Uuid), sa.Column("points", key, nullable=False),
        sa.Column("less", key, sa.Computed("points - 1", persisted=True)),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("teams") as batch:
        batch.create_foreign_key("fk_teams_captain", "players", ["captain_id"], ["id"])
    # A table that no model knows.
    op.create_table("Order", sa.Column("group", sa.String(20), primary_key=True), sa.Column("said", sa.Text))
"""
LATER = """\
    if op.get_bind().scalar(sa.text("SELECT 1 FROM posts WHERE content = 'unclear'")):
        raise ValueError("say what is unclear first")
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("nickname", sa.String(20)))
        batch.alter_column("full_name", existing_type=sa.String(255), type_=sa.Text)
    op.execute("UPDATE users SET nickname = username")
"""
WRITE = r"""
import asyncio
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from my_service.core.database import AsyncSessionLocal, transaction
from my_service.models.post import Post
from my_service.models.team import Player, Team
from my_service.models.user import User

MESS = 'ünï 🐘 "double" \'single\' back\\slash \\N \\.\n\\.\n\r\ntab\t, {"a"} NULL '


async def main() -> None:
    async with AsyncSessionLocal() as db:
        async with transaction(db):
            ada = User(email="ada@example.com", username="ada", full_name="", hashed_password="x")
            bob = User(email="bob@example.com", username="bob", full_name=MESS, hashed_password="x", is_active=False)
            eve = User(email="eve@example.com", username="eve", hashed_password="x")
            db.add_all([ada, bob, eve])
            await db.flush()
            db.add_all([Post(title="", content=MESS, author_id=ada.id), Post(title="2", content="", author_id=bob.id)])
            reds, blues = Team(name=""), Team(name=MESS)
            db.add_all([reds, blues])
            await db.flush()
            nothing = Player(team_id=reds.id, data=None, points=0)
            db.add(nothing)
            await db.flush()
            # The first one refers to one that comes after it.
            second = Player(
                team_id=blues.id, mentor_id=nothing.id, note="", ratio=0.1 + 0.2, price=Decimal("12345678.1234"),
                data={"ä": [1.5, None, "\\ \" \n", True]}, picture=b"\x00\xff\\x41\n\"", is_fit=True,
                born=date(1815, 12, 10), wakes=time(6, 30, 0, 5), rest=timedelta(days=400, microseconds=1),
                seen=datetime(2001, 2, 3, 4, 5, 6, 789, timezone(timedelta(hours=5, minutes=30))),
                key=UUID("12345678123456781234567812345678"), points=2**62,
            )
            third = Player(
                team_id=blues.id, note=MESS, ratio=-1.7976931348623157e308, price=Decimal("-0.0001"), data="text",
                picture=b"", is_fit=False, rest=-timedelta(hours=1), seen=datetime(1, 1, 2, tzinfo=UTC), points=-(2**62),
            )
            db.add_all([second, third, Player(team_id=reds.id, data=[], ratio=float("inf"), points=-1, rest=timedelta())])
            await db.flush()
            nothing.mentor_id, reds.captain_id, blues.captain_id = third.id, third.id, nothing.id
        async with transaction(db):
            bob.soft_delete()
            await db.delete(eve)  # no later user may have her id


asyncio.run(main())
"""
SHOW = """
import asyncio

from sqlalchemy import inspect, select, text

from my_service.core.database import AsyncSessionLocal
from my_service.models.post import Post
from my_service.models.team import Player, Team
from my_service.models.user import User


async def main() -> None:
    async with AsyncSessionLocal() as db:
        for model in (User, Post, Team, Player):
            for row in await db.scalars(select(model).order_by(model.id)):
                print(model.__name__, {a.key: getattr(row, a.key) for a in inspect(model).column_attrs})
        print((await db.execute(text('SELECT * FROM "Order"'))).all())


asyncio.run(main())
"""
ADD_ROWS = """
import asyncio

from my_service.core.database import AsyncSessionLocal
from my_service.models.team import Player, Team
from my_service.models.user import User


async def main() -> None:
    async with AsyncSessionLocal() as db:
        rows = User(email="new@example.com", username="new", hashed_password="x"), Team(name="new")
        db.add_all(rows)
        await db.commit()
        print([row.id for row in rows])


asyncio.run(main())
"""


class Change(NamedTuple):
    """A project before and after its change of database, files of the first, and databases for the second."""

    old: Project
    new: Project
    full: Path
    behind: Path
    new_database: Callable[[], str]

    def copy(self, file: Path | str, url: str, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.new.run(*COMMAND, str(file), *more, check=False, DATABASE_URL=url, **variables)

    def refused(self, file: Path | str, url: str, *more: str, **variables: str) -> str:
        """Copy, see that it fails without a traceback, and return what it says."""
        done = self.copy(file, url, *more, **variables)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stdout + done.stderr
        return done.stderr


def in_file(file: Path, *statements: str) -> Path:
    """Change the file behind the project's back."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return file


def copied(file: Path, to: Path) -> Path:
    """Return a copy of a file that nobody has open."""
    to.write_bytes(file.read_bytes())
    return to


COUNT = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM posts), (SELECT count(*) FROM players)"
CONSTRAINTS = "SELECT conname, condeferrable, condeferred FROM pg_constraint WHERE contype = 'f' ORDER BY 1"


@pytest.fixture(scope="module")
def change(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    environment_for: Callable[[Path], Path],
    postgresql_server: str,
) -> Change:
    """Return a project on SQLite with rows, and the same project on PostgreSQL, which has one revision more."""
    folder = tmp_path_factory.mktemp("change")
    projects = []
    for database in ("sqlite", "postgresql"):
        path = render(template, folder / database, database=database)
        variables = clean_environment(folder / "home", PYTHONPATH=str(path / "src"))
        project = set_up(Project(path, environment_for(path), variables))
        (path / "src/my_service/models/team.py").write_text(MODELS)
        versions = path / "alembic" / "versions"
        first = re.search(r'revision: str = "(\w+)"', (versions / "0001_initial_schema.py").read_text())
        assert first is not None
        for revision, down, upgrade in (("two", first[1], TABLES), ("three", "two", LATER)):
            (versions / f"{revision}.py").write_text(REVISION.format(revision=revision, down=down, upgrade=upgrade))
        projects.append(project)
    old, new = projects
    shutil.copy(ROOT / "hooks/update/import_sqlite.py", new.path / SCRIPT)

    behind, full = folder / "behind.db", folder / "full.db"
    old.run("python", "-m", "alembic", "upgrade", "two", DATABASE_URL=f"sqlite:///{behind}")
    in_file(behind, "PRAGMA journal_mode = DELETE")
    url = f"sqlite:///{full}"
    old.run("make", "db-upgrade", DATABASE_URL=url)
    old.run("python", "-c", WRITE, DATABASE_URL=url)
    in_file(full, """INSERT INTO "Order" VALUES ('a', 'it''s'), ('b', NULL)""")

    numbers = iter(range(1000))
    server = postgresql_server.format(database="postgres")
    rows(server, "CREATE DATABASE change")
    new.run("make", "db-upgrade", DATABASE_URL=postgresql_server.format(database="change"))

    def new_database() -> str:
        name = f"change_{next(numbers)}"
        rows(server, f"CREATE DATABASE {name} TEMPLATE change")
        return postgresql_server.format(database=name)

    return Change(old, new, full, behind, new_database)


@pytest.fixture(scope="module")
def empty(change: Change) -> str:
    """Return a database at head that is to stay empty."""
    return change.new_database()


@pytest.fixture
def untouched(empty: str) -> Iterator[str]:
    """Yield it, and see afterwards that nothing was changed."""
    before = rows(empty, CONSTRAINTS)
    yield empty
    assert rows(empty, COUNT) == ["0|0|0"]
    assert rows(empty, CONSTRAINTS) == before


def test_every_value_arrives_as_it_was(change: Change) -> None:
    url = change.new_database()
    constraints = rows(url, CONSTRAINTS)
    before = change.full.read_bytes()
    for setting in ("timezone = 'Asia/Tokyo'", "intervalstyle = 'sql_standard'", "datestyle = 'SQL, DMY'"):
        rows(url, f"ALTER ROLE postgres SET {setting}")
    copied = change.copy(change.full, url)
    rows(url, "ALTER ROLE postgres RESET ALL")
    assert copied.returncode == 0, copied.stderr
    assert change.full.read_bytes() == before

    assert f"Copying {change.full} into postgresql+asyncpg://postgres:***@127.0.0.1:" in copied.stdout
    lines = [line for line in copied.stdout.splitlines() if line.endswith("rows")]
    assert sorted(lines) == [
        "  Order: 2 of 2 rows",
        "  players: 4 of 4 rows",
        "  posts: 2 of 2 rows",
        "  teams: 2 of 2 rows",
        "  users: 2 of 2 rows",
    ]
    assert lines.index("  users: 2 of 2 rows") < lines.index("  posts: 2 of 2 rows")
    assert "Copied: 5 tables, each with as many rows as in the file." in copied.stdout

    was = change.old.run("python", "-c", SHOW, DATABASE_URL=f"sqlite:///{change.full}").stdout
    now = change.new.run("python", "-c", SHOW, DATABASE_URL=url).stdout
    assert now.splitlines() == was.splitlines()
    assert "0.30000000000000004" in now
    assert "datetime.datetime(2001, 2, 2, 22, 35, 6, 789, tzinfo=datetime.timezone.utc)" in now
    assert "datetime.timedelta(days=400, microseconds=1)" in now
    assert r"b'\x00\xff\\x41\n" in now
    assert "'full_name': ''" in now
    assert "[('a', \"it's\"), ('b', None)]" in now
    assert "'deleted_at': datetime" in now

    # The cycle is closed, and its foreign keys are as they were; so are ids that were given to rows that are gone.
    assert rows(url, CONSTRAINTS) == constraints
    assert rows(url, "SELECT max(id) FROM users") == ["2"]
    assert change.new.run("python", "-c", ADD_ROWS, DATABASE_URL=url).stdout == "[4, 3]\n"


def test_a_file_in_use_and_behind_head(change: Change, tmp_path: Path) -> None:
    url = change.new_database()
    file = copied(change.behind, tmp_path / "in use & behind.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as service:
        service.execute("PRAGMA journal_mode = WAL")
        user = "INSERT INTO users (id, email, username, hashed_password) VALUES ({0}, '{0}', 'user{0}', '-')"
        for number in (1, 2, 3):
            service.execute(user.format(number))
        service.execute("DELETE FROM users WHERE id = 3")
        service.execute("BEGIN IMMEDIATE")
        service.execute(user.format(4))
        main, log = file.read_bytes(), Path(f"{file}-wal").read_bytes()
        done = change.copy(os.path.relpath(file, change.new.path), url)
        assert done.returncode == 0, done.stderr
        assert (file.read_bytes(), Path(f"{file}-wal").read_bytes()) == (main, log)
        service.execute("COMMIT")
    # The pending migration ran on the snapshot, and copied the table there, which forgets the id that was given last.
    assert rows(url, "SELECT id, nickname FROM users ORDER BY id") == ["1|user1", "2|user2"]
    assert rows(url, "INSERT INTO users (email, username, hashed_password) VALUES ('', '', '') RETURNING id") == ["4"]
    with closing(sqlite3.connect(file)) as kept:
        assert kept.execute("SELECT version_num FROM alembic_version").fetchall() == [("two",)]


def test_a_database_with_rows_is_replaced_only_when_told(change: Change) -> None:
    url = change.new_database()
    rows(url, "INSERT INTO users (id, email, username, hashed_password) VALUES (7, 'old', 'old', '-')")
    rows(url, "INSERT INTO posts (title, content, author_id) VALUES ('', '', 7)")
    rows(url, "SELECT setval('users_id_seq', 70)")
    said = change.refused(change.full, url)
    assert "These tables are not empty: users (1), posts (1). Nothing was changed. With --replace" in said
    assert rows(url, COUNT) == ["1|1|0"]

    # A refusal brings back what was there.
    rows(url, "ALTER TABLE players ADD CONSTRAINT ck CHECK (points <> -1)")
    said = change.refused(change.full, url, "--replace")
    assert re.search(r'players, line \d+: .*violates check constraint "ck"\nNothing was changed.', said)
    assert rows(url, "SELECT email FROM users") == ["old"]
    rows(url, "ALTER TABLE players DROP CONSTRAINT ck")

    assert change.copy(change.full, url, "--replace").returncode == 0
    assert rows(url, COUNT) == ["2|2|4"]
    assert rows(url, "SELECT email FROM users ORDER BY id") == ["ada@example.com", "bob@example.com"]
    # Neither database gives an id again.
    assert int(rows(url, "SELECT nextval('users_id_seq')")[0]) > 70


USER = "INSERT INTO users (id, email, username, hashed_password) VALUES (1, 'a', 'a', '-')"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "INSERT INTO posts (id, title, content, author_id) VALUES (5, '', '', 99)",
            "posts row 5 refers to a row of users that does not exist.\nNothing was changed.",
        ),
        (
            "INSERT INTO posts (id, title, content, author_id) VALUES (5, '', 'a' || char(0) || 'b', 1)",
            'A text of posts holds a NUL character, which PostgreSQL cannot store: SELECT * FROM "posts" WHERE',
        ),
        (
            "INSERT INTO posts (id, title, content, author_id) VALUES (5, printf('%300d', 1), '', 1)",
            "posts, line 1, column title: value too long for type character varying(255)\nNothing was changed.",
        ),
        (
            "INSERT INTO posts (id, title, content, author_id) VALUES (5, '', CAST(x'ff' AS TEXT), 1)",
            "Could not decode to UTF-8 column 'posts.content'",
        ),
        (
            "INSERT INTO players (team_id, points) VALUES (1, 1)",
            "players row 1 refers to a row of teams that does not exist.\nNothing was changed.",
        ),
        (
            "UPDATE users SET is_active = 7",
            'users, line 1, column is_active: invalid input syntax for type boolean: "7"',
        ),
        ("UPDATE users SET hashed_password = NULL, username = 'secret'", "null value in column"),
        (
            "INSERT INTO posts (title, content, author_id) VALUES ('', 'unclear', 1)",
            "The migrations do not run on a copy of {file}: say what is unclear first",
        ),
        ("UPDATE alembic_version SET version_num = 'other'", "{file} is of another project: it is at other"),
        ("DELETE FROM alembic_version", "{file} is of another project: it is at no migration"),
    ],
)
def test_what_cannot_be_copied_changes_nothing(
    change: Change, untouched: str, tmp_path: Path, statement: str, said: str
) -> None:
    file = copied(change.behind, tmp_path / "file.db")
    if "NULL" in statement:  # SQLite, too, keeps NOT NULL
        in_file(file, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '')")
    in_file(file, USER, statement)
    refused = change.refused(file, untouched)
    assert said.format(file=file) in refused
    assert "secret" not in refused


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("", None, "the following arguments are required: file"),
        ("missing.db", None, "There is no file {file}: give the path of the SQLite file."),
        (".", None, "{file} is a folder: give the SQLite file."),
        ("notes.txt", b"not a database, " * 100, "{file} cannot be read as a SQLite file: file is not a database."),
        ("empty.db", b"", "{file} is of another project: it is at no migration"),
    ],
)
def test_what_is_no_file_of_this_project(
    change: Change, untouched: str, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    words = [str(file)] if name else []
    done = change.new.run(*COMMAND, *words, check=False, DATABASE_URL=untouched)
    assert done.returncode != 0
    assert said.format(file=file) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_ready(change: Change, tmp_path: Path) -> None:
    def refused(url: str, **variables: str) -> str:
        return change.refused(change.full, url, **variables)

    assert "Cannot reach the database postgresql+asyncpg://me:***@127.0.0.1:9/x" in refused(
        "postgresql://me:unspoken@127.0.0.1:9/x"
    )
    assert "This project was generated for postgresql." in refused(f"sqlite:///{change.full}")
    url = change.new_database()
    rows(url, "UPDATE alembic_version SET version_num = 'two'")
    assert "run make db-upgrade first" in refused(url)

    rows(url, "UPDATE alembic_version SET version_num = 'three'")
    command = [PSQL, "-qAt", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        service.stdin.write("BEGIN; LOCK TABLE posts IN ROW EXCLUSIVE MODE; SELECT 1;\n")
        service.stdin.flush()
        service.stdout.readline()
        said = refused(url)
        service.stdin.close()
    assert said.startswith("Another process uses these tables: stop the service first.\nNothing was changed.")

    # A trigger of the owner's that drops rows: the counts tell.
    rows(url, "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    rows(url, "CREATE TRIGGER no BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION no()")
    assert "posts has 0 rows instead of 2. Nothing was changed." in refused(url)
    assert rows(url, COUNT) == ["0|0|0"]


def test_what_the_database_has_no_place_for_is_named(change: Change, tmp_path: Path) -> None:
    url = change.new_database()
    file = in_file(
        copied(change.full, tmp_path / "file.db"),
        "CREATE TABLE aside (id INTEGER)",
        "ALTER TABLE teams ADD COLUMN colour TEXT",
    )
    rows(url, "ALTER TABLE teams ADD COLUMN motto TEXT DEFAULT 'none'")
    done = change.copy(file, url)
    assert "Not copied, because only the file has them: aside, teams.colour\n" in done.stdout
    assert rows(url, "SELECT motto FROM teams") == ["none", "none"]


def test_stopped_it_leaves_nothing_behind(change: Change, untouched: str, tmp_path: Path) -> None:
    rows(untouched, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END'")
    rows(untouched, "CREATE TRIGGER wait BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION wait()")
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [change.new.environment / "bin" / COMMAND[0], *COMMAND[1:], change.full],
            cwd=change.new.path,
            env={**change.new.variables, "DATABASE_URL": untouched},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Where the tests run in the background, they ignore SIGINT, and so would what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    for _ in range(200):
        if "users: 2 of 2" in log.read_text():
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(10) == 130
    rows(untouched, "DROP TRIGGER wait ON posts")
    said = log.read_text()
    assert "users: 2 of 2" in said
    assert "Stopped. Nothing was changed." in said
    assert "Traceback" not in said


def test_a_terminal_shows_one_line_for_each_table(change: Change, tmp_path: Path) -> None:
    count = 200_000
    file = in_file(
        copied(change.behind, tmp_path / "file.db"),
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
        """ INSERT INTO "Order" SELECT 'group ' || i, 'something' FROM n""",
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [change.new.environment / "bin" / COMMAND[0], *COMMAND[1:], file],
        cwd=change.new.path,
        env={**change.new.variables, "DATABASE_URL": change.new_database()},
        stdout=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    assert process.wait(60) == 0
    os.close(ours)
    said = shown.decode()
    assert re.search(r"\r  Order: [\d,]+ of 200,000 rows\r", f"\r{said}")
    assert f"  Order: {count:,} of {count:,} rows\r\n" in said


def test_without_a_database_given_it_is_the_embedded_one(change: Change) -> None:
    change.new.run("make", "db-upgrade")
    copied = change.new.run(*COMMAND, str(change.full), ENVIRONMENT="production")
    assert "Copied: 5 tables" in copied.stdout
    again = change.new.run(*COMMAND, str(change.full), check=False)
    assert "These tables are not empty" in again.stderr
