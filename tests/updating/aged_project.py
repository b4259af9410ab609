"""Projects that have an owner and a history, of a template that goes on to make releases."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..harness import UV, Project, clean_environment, commit, git, render, set_up
from .releases import Releases

DATABASES = ["postgresql", "sqlite"]
# What was downloaded for other tests need not be again.
UV_CACHE = subprocess.run([UV, "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()

ORDER = '''"""What users order."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import BaseModel


class Order(BaseModel):
    """An order."""

    __tablename__ = "orders"

    number: Mapped[str] = mapped_column(String(20), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
'''

ROUTE = '''"""Orders over HTTP."""

from fastapi import APIRouter
from sqlalchemy import func, select

from ..models.order import Order
from .dependencies import ReadDB

router = APIRouter(prefix="/orders", tags=["orders"])


@router.get("/count")
async def count_orders(db: ReadDB) -> int:
    """Return how many orders there are."""
    return await db.scalar(select(func.count()).select_from(Order)) or 0
'''

TEST = '''"""Orders."""

from httpx import AsyncClient


async def test_orders_are_counted(client: AsyncClient) -> None:
    assert (await client.get("/api/v1/orders/count")).json() == 0
'''

BY_HAND = '''"""Add a log by hand

Revision ID: 0123456789ab
Revises: {head}
"""

from alembic import op

revision = "0123456789ab"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE audit_log (id integer PRIMARY KEY, said varchar(50) NOT NULL)")
    op.execute("CREATE INDEX users_by_hand ON users (username, created_at)")


def downgrade() -> None:
    op.execute("DROP INDEX users_by_hand")
    op.execute("DROP TABLE audit_log")
'''

# Prints or makes rows in the project's database, whichever it is.
ROWS = """
import asyncio, json, sys
from sqlalchemy import MetaData, text
from my_service.core.database import AsyncSessionLocal, engine

async def main():
    async with AsyncSessionLocal() as db:
        for statement in json.loads(sys.argv[1]):
            await db.execute(text(statement))
        await db.commit()
    async with engine.connect() as connection:
        metadata = MetaData()
        await connection.run_sync(metadata.reflect)
        tables = {}
        for table in metadata.tables.values():
            order = list(table.primary_key) or list(table.c)
            rows = (await connection.execute(table.select().order_by(*order))).mappings()
            tables[table.name] = [{key: str(value) for key, value in row.items()} for row in rows]
        print(json.dumps(tables))
    await engine.dispose()

asyncio.run(main())
"""


class AgedProject:
    """A project with an owner."""

    def __init__(
        self, project: Project, releases: Releases, server: str | None, environment_for: Callable[[Path], Path]
    ):
        self.project = project
        self.path = project.path
        self.releases = releases
        self.server = server
        self.environment_for = environment_for
        self.temporary = Path(project.variables["TMPDIR"])

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program as the owner does."""
        return self.project.run(*command, **options)

    def copier(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Copier as the owner does, without a terminal."""
        variables = {"UV_CACHE_DIR": UV_CACHE, "TMPDIR": str(self.temporary), **variables}
        environment = clean_environment(self.path.parent / "home", **variables)
        program = str(Path(sys.executable).parent / "copier")
        return subprocess.run(
            [program, *arguments],
            cwd=self.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def update(self, *arguments: str, **variables: str) -> str:
        """Update, and return what was printed; set up what the new answers need."""
        done = self.copier("update", "--defaults", "--trust", *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        self.project = set_up(Project(self.path, self.environment_for(self.path), self.project.variables))
        return done.stdout + done.stderr

    def status(self) -> list[str]:
        """Return what git says has changed."""
        return git("status", "--porcelain", "--untracked-files=all", cwd=self.path).splitlines()

    def commit(self, message: str) -> None:
        """Commit everything."""
        commit(self.path, message)

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file."""
        text = (self.path / path).read_text()
        assert old in text, f"{path} does not hold {old!r}"
        (self.path / path).write_text(text.replace(old, new))

    def move(self, destination: Path) -> None:
        """Move the project to another folder, and set it up there."""
        destination.parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(destination)
        self.path = destination
        self.project = set_up(Project(destination, self.environment_for(destination), self.project.variables))

    def rows(self, *statements: str) -> dict[str, list[dict[str, str]]]:
        """Run statements on the development database, and return all its rows."""
        tables: dict[str, list[dict[str, str]]] = json.loads(
            self.run("python", "-c", ROWS, json.dumps(statements)).stdout
        )
        return tables

    def revisions(self) -> list[Path]:
        """Return the revisions, oldest first by name."""
        return sorted(self.path.glob("alembic/versions/*.py"))

    def use_server(self, name: str) -> None:
        """Say in .env which databases of the test's own server to use."""
        assert self.server is not None
        urls = {"DATABASE_URL": name, "TEST_DATABASE_URL": f"{name}_test", "SCRATCH_DATABASE_URL": "postgres"}
        lines = [f"{setting}={self.server.format(database=database)}" for setting, database in urls.items()]
        (self.path / ".env").write_text("\n".join([*lines, ""]))

    def check(self) -> None:
        """See that the project is whole: migrations, models, tests."""
        upgraded = self.run("make", "db-upgrade", check=False)
        assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
        assert "No new upgrade operations detected" in self.alembic("check")
        suite = self.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", check=False)
        assert suite.returncode == 0, suite.stdout[-5000:] + suite.stderr[-2000:]
        assert " passed" in suite.stdout
        style = self.run("ruff", "check", check=False)
        assert style.returncode == 0, style.stdout
        assert self.run("ruff", "format", "--check", "src", "tests", "alembic").returncode == 0

    def alembic(self, command: str) -> str:
        """Run an Alembic command on the development database."""
        done = self.run("python", "-m", "alembic", command)
        return done.stdout + done.stderr


@pytest.fixture
def releases(template: Path, tmp_path: Path) -> Releases:
    """Return a template repository of the test's own, with the work tree as v0.1.0."""
    path = tmp_path / "template"
    shutil.copytree(template, path)
    git("tag", "--delete", "v0.0.1", cwd=path)
    git("tag", "v0.1.0", cwd=path)
    return Releases(path)


@pytest.fixture
def make_aged_project(
    releases: Releases, tmp_path: Path, environment_for: Callable[[Path], Path], request: pytest.FixtureRequest
) -> Callable[..., AgedProject]:
    """Return what makes a project as it is after a while."""

    def make(*, edited: bool = True, **answers: Any) -> AgedProject:
        path = render(releases.path, tmp_path / "project", **answers)
        server = request.getfixturevalue("postgresql_server") if answers["database"] == "postgresql" else None
        temporary = tmp_path / "tmp"  # other tests have scratch databases in /tmp
        temporary.mkdir()
        variables = clean_environment(tmp_path / "home", PYTHONPATH=str(path / "src"), TMPDIR=str(temporary))
        project = set_up(Project(path, environment_for(path), variables))
        aged = AgedProject(project, releases, server, environment_for)
        git("init", "--quiet", "--initial-branch=main", cwd=path)
        if server:
            aged.use_server("aged")
        aged.commit("Start from the template")
        if edited:
            edit_as_owner(aged)
        return aged

    return make


def edit_as_owner(aged: AgedProject) -> None:
    """Do what owners do: edits in generated files, a model with its migration and route, a table and an index by hand, rows."""
    package = "src/my_service"
    (aged.path / package / "models" / "order.py").write_text(ORDER)
    (aged.path / package / "api" / "orders.py").write_text(ROUTE)
    (aged.path / "tests" / "test_orders.py").write_text(TEST)
    aged.replace(f"{package}/api/router.py", "from .posts", "from .orders import router as orders\nfrom .posts")
    aged.replace(f"{package}/api/router.py", "    # Your own:\n", "    # Your own:\n    orders,\n")
    aged.replace(
        f"{package}/models/user.py",
        "    def __repr__",
        "    @property\n    def initial(self) -> str:\n        return self.username[0]\n\n    def __repr__",
    )
    aged.replace("README.md", "```bash\n", "Ours since 2025.\n\n```bash\n")
    aged.replace("alembic/env.py", "= frozenset()", '= frozenset({"audit_log"})')
    aged.run("make", "db-migrate", "msg=Add orders")
    head = aged.alembic("heads").split()[0]
    (aged.path / "alembic/versions/299901010000_add_a_log.py").write_text(BY_HAND.format(head=head))
    aged.run("make", "db-reset", "YES=1")
    aged.commit("Take orders")
    user = "INSERT INTO users (id, email, username, full_name, hashed_password) VALUES"
    titled = "TitleMixin" in (aged.path / package / "models" / "post.py").read_text()
    columns, values = ("id, author_id, content", "1, 1, 'Some text'")
    if titled:
        columns, values = f"{columns}, title", f"{values}, 'A title'"
    aged.rows(
        f"{user} (1, 'ada@example.com', 'ada', 'Ada L', '-')",
        f"{user} (2, 'bob@example.com', 'bob', NULL, '-')",
        f"INSERT INTO posts ({columns}) VALUES ({values})",
        "INSERT INTO orders (id, number, user_id) VALUES (1, 'A-1', 1), (2, 'A-2', 2)",
        "INSERT INTO audit_log (id, said) VALUES (1, 'hello')",
    )


def assert_owned(aged: AgedProject) -> None:
    """See that what the owner wrote is there."""
    package = aged.path / "src" / "my_service"
    assert (package / "models" / "order.py").read_text() == ORDER
    assert (package / "api" / "orders.py").read_text() == ROUTE
    assert "    orders,\n" in (package / "api" / "router.py").read_text()
    assert "def initial(self)" in (package / "models" / "user.py").read_text()
    assert "Ours since 2025." in (aged.path / "README.md").read_text()
    assert '"audit_log"' in (aged.path / "alembic" / "env.py").read_text()


def scratch_databases(aged: AgedProject) -> list[str]:
    """Return the scratch databases that were left behind."""
    if aged.server is None:
        return [path.name for path in aged.temporary.glob("scratch-*.db")]
    look = (
        "import asyncio, asyncpg\n"
        "async def main():\n"
        f"    c = await asyncpg.connect({aged.server.format(database='postgres')!r})\n"
        "    print([r[0] for r in await c.fetch(\"select datname from pg_database where datname like 'scratch%'\")])\n"
        "asyncio.run(main())"
    )
    return [] if aged.run("python", "-c", look).stdout == "[]\n" else ["some"]
