"""`copier update` in projects that have been lived in: edits, a model, routes, migrations and rows of their owner's."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import UV, Project, clean_environment, commit, git, render, set_up
from releases import Releases

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


def downgrade() -> None:
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


class Lived:
    """A project with an owner."""

    def __init__(
        self, project: Project, releases: Releases, server: str | None, environment_for: Callable[[Path], Path]
    ):
        self.project = project
        self.path = project.path
        self.releases = releases
        self.server = server
        self.environment_for = environment_for

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program as the owner does."""
        return self.project.run(*command, **options)

    def copier(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Copier as the owner does, without a terminal."""
        environment = {**clean_environment(self.path.parent / "home"), "UV_CACHE_DIR": UV_CACHE, **variables}
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
        urls = {"DATABASE_URL": name, "TEST_DATABASE_URL": f"{name}_test", "SCRATCH_DATABASE_URL": "postgres"}
        assert self.server is not None
        lines = [f"{setting}={self.server.format(database=database)}" for setting, database in urls.items()]
        (self.path / ".env").write_text("\n".join([*lines, ""]))

    def check(self) -> None:
        """See that the project is whole: migrations, models, tests."""
        upgraded = self.run("make", "db-upgrade", check=False)
        assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
        assert "describe" in self.run("make", "db-check").stdout
        checked = self.alembic("check")
        assert "No new upgrade operations detected" in checked
        assert len(self.alembic("heads").splitlines()) == 1
        suite = self.run("make", "test", "args=-q -p no:cacheprovider", check=False)
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
def make_lived(
    releases: Releases, tmp_path: Path, environment_for: Callable[[Path], Path], request: pytest.FixtureRequest
) -> Callable[..., Lived]:
    """Return what makes a project as it is after a while."""

    def make(*, live: bool = True, **answers: Any) -> Lived:
        path = render(releases.path, tmp_path / "project", **answers)
        server = request.getfixturevalue("postgresql_server") if answers["database"] == "postgresql" else None
        project = set_up(Project(path, environment_for(path), clean_environment(tmp_path / "home")))
        lived = Lived(project, releases, server, environment_for)
        git("init", "--quiet", "--initial-branch=main", cwd=path)
        if server:
            lived.use_server("lived")
        lived.commit("Start from the template")
        if live:
            live_in(lived)
        return lived

    return make


def live_in(lived: Lived) -> None:
    """Do what owners do: edits in generated files, a model with its migration and route, a table by hand, rows."""
    package = "src/my_service"
    (lived.path / package / "models" / "order.py").write_text(ORDER)
    (lived.path / package / "api" / "orders.py").write_text(ROUTE)
    (lived.path / "tests" / "test_orders.py").write_text(TEST)
    lived.replace(
        f"{package}/api/router.py",
        "from . import auth, health, posts, users",
        "from . import auth, health, orders, posts, users",
    )
    lived.replace(
        f"{package}/api/router.py",
        "api.include_router(posts.router)\n",
        "api.include_router(posts.router)\napi.include_router(orders.router)\n",
    )
    lived.replace(
        f"{package}/models/user.py",
        "    def __repr__",
        "    @property\n    def initial(self) -> str:\n        return self.username[0]\n\n    def __repr__",
    )
    lived.replace("README.md", "```bash\n", "Ours since 2025.\n\n```bash\n")
    lived.replace("alembic/unmanaged.py", "frozenset()", 'frozenset({"audit_log"})')
    lived.run("make", "db-migrate", "msg=Add orders")
    head = lived.alembic("heads").split()[0]
    (lived.path / "alembic/versions/299901010000_add_a_log.py").write_text(BY_HAND.format(head=head))
    lived.run("make", "db-reset", "YES=1")
    lived.commit("Take orders")
    user = "INSERT INTO users (id, email, username, full_name, hashed_password) VALUES"
    titled = "TitleMixin" in (lived.path / package / "models" / "post.py").read_text()
    columns, values = ("id, author_id, content", "1, 1, 'Some text'")
    if titled:
        columns, values = f"{columns}, title", f"{values}, 'A title'"
    lived.rows(
        f"{user} (1, 'ada@example.com', 'ada', 'Ada L', '-')",
        f"{user} (2, 'bob@example.com', 'bob', NULL, '-')",
        f"INSERT INTO posts ({columns}) VALUES ({values})",
        "INSERT INTO orders (id, number, user_id) VALUES (1, 'A-1', 1), (2, 'A-2', 2)",
        "INSERT INTO audit_log (id, said) VALUES (1, 'hello')",
    )


def assert_owned(lived: Lived) -> None:
    """See that what the owner wrote is there."""
    package = lived.path / "src" / "my_service"
    assert (package / "models" / "order.py").read_text() == ORDER
    assert (package / "api" / "orders.py").read_text() == ROUTE
    assert "api.include_router(orders.router)" in (package / "api" / "router.py").read_text()
    assert "def initial(self)" in (package / "models" / "user.py").read_text()
    assert "Ours since 2025." in (lived.path / "README.md").read_text()
    assert '"audit_log"' in (lived.path / "alembic" / "unmanaged.py").read_text()


def scratch_databases(lived: Lived) -> list[str]:
    """Return the scratch databases that were left behind."""
    if lived.server is None:
        return [path.name for path in Path("/tmp").glob("scratch-*.db")]  # noqa: S108
    look = (
        "import asyncio, asyncpg\n"
        "async def main():\n"
        f"    c = await asyncpg.connect({lived.server.format(database='postgres')!r})\n"
        "    print([r[0] for r in await c.fetch(\"select datname from pg_database where datname like 'scratch%'\")])\n"
        "asyncio.run(main())"
    )
    return [] if lived.run("python", "-c", look).stdout == "[]\n" else ["some"]


STEPS: list[tuple[str, list[str], list[str], list[str]]] = [
    # release, what it changes, what its migration holds, what the message names
    ("v0.2.0", ["change_code"], [], []),
    ("v0.3.0", ["add_column"], ['batch_op.add_column(sa.Column("phone", sa.String(length=50), nullable=True))'], []),
    (
        "v0.4.0",
        ["add_mixin"],
        ["UPDATE posts SET language = '' WHERE language IS NULL", "nullable=False"],
        ["FILLS: posts.language of the rows that are there with ''"],
    ),
    (
        "v0.5.0",
        ["remove_column", "rename_column"],
        [
            'op.execute("ALTER TABLE users RENAME COLUMN full_name TO display_name")',
            'op.execute("ALTER TABLE users RENAME COLUMN display_name TO full_name")',
            "# DESTRUCTIVE: drops users.phone and what is stored in it.",
            'batch_op.drop_column("phone")',
        ],
        ["DESTRUCTIVE: drops users.phone and what is stored in it."],
    ),
    ("v0.6.0", ["add_model"], ['op.create_table(\n        "tags"'], []),
]


def make_release(releases: Releases, version: str, changes: list[str]) -> None:
    """Change the template, and tag it."""
    for change in changes:
        getattr(releases, change)(*([version] if change == "rename_column" else []))
    releases.tag(version)


@pytest.mark.parametrize("database", DATABASES)
def test_a_project_follows_five_releases(make_lived: Callable[..., Lived], releases: Releases, database: str) -> None:
    lived = make_lived(database=database)
    lived.check()
    version_before = "v0.1.0"
    for version, changes, holds, says in STEPS:
        make_release(releases, version, changes)
        rows, revisions = lived.rows(), lived.revisions()

        said = lived.update()

        assert f"The template went from {version_before} to {version}." in said
        assert all(text in said for text in says), said
        assert not [line for line in lived.status() if line.startswith(("U", "AA", "DD"))]
        assert_owned(lived)
        assert lived.rows() == rows, "an update touches no database but scratch ones"
        assert scratch_databases(lived) == []
        new = [path for path in lived.revisions() if path not in revisions]
        assert len(new) == (1 if holds else 0), said
        for path in new:
            text = path.read_text()
            assert all(part in text for part in holds), text
            assert "orders" not in text
            assert "audit_log" not in text
            assert f"{path.relative_to(lived.path)} is written" in said
            assert f"_template_{version.replace('.', '_')}" in path.name
        lived.commit(f"Update to {version}")
        lived.check()
        kept = lived.rows()
        assert {name: len(kept[name]) for name in rows} == {name: len(rows[name]) for name in rows}
        assert [row["number"] for row in kept["orders"]] == ["A-1", "A-2"]
        assert kept["users"][0].get("full_name", kept["users"][0].get("display_name")) == "Ada L"
        assert kept["audit_log"] == rows["audit_log"]

        again = lived.update()

        assert lived.status() == []
        assert "Nothing under src/ changed" in again
        version_before = version


@pytest.mark.parametrize("database", DATABASES)
def test_several_releases_behind_is_one_step(
    make_lived: Callable[..., Lived], releases: Releases, database: str
) -> None:
    lived = make_lived(database=database)
    for version, changes, _, _ in STEPS:
        make_release(releases, version, changes)
    revisions, rows = lived.revisions(), lived.rows()
    said = lived.update()
    assert "The template went from v0.1.0 to v0.6.0." in said
    assert_owned(lived)
    assert len(lived.revisions()) == len(revisions) + 1
    lived.commit("Update")
    lived.check()
    kept = lived.rows()
    assert {name: len(kept[name]) for name in rows} == {name: len(rows[name]) for name in rows}
    assert [row["display_name"] for row in kept["users"]] == ["Ada L", "None"]


PLANET = '''"""What circles a star."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .base import BaseModel


class Planet(BaseModel):
    """A planet."""

    __tablename__ = "planets"

    name: Mapped[str] = mapped_column(String(50), index=True)
'''


def add_planets(lived: Lived) -> None:
    """Give the project a model that depends on nothing of the template's but the base."""
    (lived.path / "src/my_service/models/planet.py").write_text(PLANET)
    lived.run("make", "db-migrate", "msg=Add planets")
    lived.run("make", "db-reset", "YES=1")
    lived.commit("Add planets")
    lived.rows("INSERT INTO planets (id, name) VALUES (1, 'Mars')")


def change_answers(lived: Lived, *answers: str) -> tuple[str, list[Path]]:
    """Change answers, and return what was said and the new revisions."""
    before = lived.revisions()
    said = lived.update(*(word for answer in answers for word in ("-d", answer)))
    assert not [line for line in lived.status() if line.startswith(("U", "AA", "DD"))], said
    assert (lived.path / "src/my_service/models/planet.py").read_text() == PLANET
    return said, [path for path in lived.revisions() if path not in before]


@pytest.mark.parametrize("database", DATABASES)
def test_soft_delete_is_changed_and_left_and_taken_up_again(make_lived: Callable[..., Lived], database: str) -> None:
    lived = make_lived(live=False, database=database)
    add_planets(lived)
    user = "INSERT INTO users (id, email, username, hashed_password, deleted_at) VALUES"
    lived.rows(
        f"{user} (1, 'ada@example.com', 'ada', '-', NULL), (2, 'bob@example.com', 'bob', '-', CURRENT_TIMESTAMP)",
        "INSERT INTO planets (id, name, deleted_at) VALUES (2, 'Pluto', CURRENT_TIMESTAMP)",
    )
    rows = lived.rows()

    said, new = change_answers(lived, "soft_delete=automatic")
    assert new == [], said
    assert "The template stays at v0.1.0." in said
    lived.commit("Automatic")
    lived.check()
    assert lived.rows() == rows

    said, new = change_answers(lived, "soft_delete=none")
    assert len(new) == 1, said
    assert "REFUSES while rows of planets and posts and users are marked as deleted" in said
    for table in ("planets", "posts", "users"):
        assert f"DESTRUCTIVE: drops {table}.deleted_at" in said
    for path in ("models/cascade.py", "models/live_only.py", "models/soft_delete.py"):
        assert f"  src/my_service/{path}\n" in said
    assert "git checkout HEAD -- FILE brings one back" in said
    lived.commit("None")
    refused = lived.run("make", "db-upgrade", check=False)
    assert refused.returncode != 0
    assert "Rows are marked as deleted {'planets': 1, 'posts': 0, 'users': 1}" in refused.stdout
    assert "Nothing was changed." in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    assert lived.rows() == rows
    # The one way for planets, the other for users.
    text = new[0].read_text()
    for statement in ("DELETE FROM planets", "UPDATE users SET deleted_at"):
        assert f'# op.execute("{statement}' in text
        text = text.replace(f'# op.execute("{statement}', f'op.execute("{statement}')
    new[0].write_text(text)
    lived.commit("Decide")
    lived.check()
    kept = lived.rows()
    assert [row["name"] for row in kept["planets"]] == ["Mars"]
    assert [row["username"] for row in kept["users"]] == ["ada", "bob"]

    said, new = change_answers(lived, "soft_delete=explicit")
    assert len(new) == 1, said
    assert "DESTRUCTIVE" not in said
    assert new[0].read_text().count('sa.Column("deleted_at"') == 3
    lived.commit("Explicit")
    lived.check()
    assert [row["username"] for row in lived.rows()["users"]] == ["ada", "bob"]


@pytest.mark.parametrize("database", DATABASES)
def test_mixins_come_and_go(make_lived: Callable[..., Lived], database: str) -> None:
    lived = make_lived(live=False, database=database, mixins=[])
    add_planets(lived)
    lived.rows(
        "INSERT INTO users (id, email, username, hashed_password) VALUES (1, 'ada@example.com', 'ada', '-')",
        "INSERT INTO posts (id, content, author_id) VALUES (1, 'Some text', 1)",
    )
    said, new = change_answers(lived, "mixins=[title, slug]")
    assert len(new) == 1
    assert "FILLS: posts.title of the rows that are there with ''" in said
    lived.commit("Add mixins")
    lived.check()
    assert [(row["title"], row["slug"]) for row in lived.rows()["posts"]] == [("", "None")]
    lived.rows("UPDATE posts SET title = 'T', slug = 's'")

    said, new = change_answers(lived, "mixins=[title, description]")
    assert len(new) == 1
    assert "DESTRUCTIVE: drops posts.slug and what is stored in it." in said
    lived.commit("Change mixins")
    lived.check()
    assert [(row["title"], row["description"]) for row in lived.rows()["posts"]] == [("T", "None")]

    said, new = change_answers(lived, "mixins=[]")
    assert len(new) == 1
    assert "  src/my_service/models/mixins.py\n" in said
    lived.commit("Remove mixins")
    lived.check()
    assert [row["content"] for row in lived.rows()["posts"]] == ["Some text"]


@pytest.mark.parametrize("database", DATABASES)
def test_examples_go_and_come(make_lived: Callable[..., Lived], database: str) -> None:
    lived = make_lived(live=False, database=database)
    add_planets(lived)
    text = (lived.path / "src/my_service/models/user.py").read_text()
    (lived.path / "src/my_service/models/user.py").write_text(f"{text}\n# mine\n")
    lived.commit("Edit User")

    said, new = change_answers(lived, "example_models=false")
    assert len(new) == 1
    assert "DESTRUCTIVE: drops the table users and every row in it." in said
    assert "DESTRUCTIVE: drops the table posts and every row in it." in said
    assert "  src/my_service/models/user.py  (you had changed it)\n" in said
    assert "  src/my_service/models/post.py\n" in said
    gone = [line[3:] for line in lived.status() if line.startswith(" D")]
    assert len(gone) > 10
    assert [path for path in gone if f"\n  {path}" not in said] == []
    lived.commit("Remove the examples")
    lived.check()
    assert set(lived.rows()) == {"alembic_version", "planets"}

    git("checkout", "HEAD~1", "--", "src/my_service/models/user.py", cwd=lived.path)
    assert (lived.path / "src/my_service/models/user.py").read_text().endswith("# mine\n")
    git("reset", "--hard", "--quiet", cwd=lived.path)

    said, new = change_answers(lived, "example_models=true")
    assert len(new) == 1
    assert "DESTRUCTIVE" not in said
    lived.commit("Add the examples")
    lived.check()
    assert [row["name"] for row in lived.rows()["planets"]] == ["Mars"]


def test_the_database_changes_and_changes_back(make_lived: Callable[..., Lived], postgresql_server: str) -> None:
    lived = make_lived(live=False, database="sqlite")
    lived.server = postgresql_server
    (lived.path / ".env").write_text(f"SCRATCH_DATABASE_URL={postgresql_server.format(database='postgres')}\n")
    add_planets(lived)
    rows = lived.rows()

    said, new = change_answers(lived, "database=postgresql")
    assert new == [], said
    assert "The template changed nothing in the schema" in said
    assert "my_service.db" not in str(lived.status()), "the old file must not get into git"
    lived.commit("Change to PostgreSQL")
    lived.use_server("changed")
    lived.run("make", "db-reset", "YES=1")
    lived.check()

    said, new = change_answers(lived, "database=sqlite")
    assert new == [], said
    (lived.path / ".env").unlink()
    lived.commit("Change back to SQLite")
    lived.check()
    assert lived.rows() == rows
