"""What an owner may change without editing a test, and what the tests of a project notice.

Each test renders one project and edits it as its owner would.
"""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import Project

SOURCE = Path("src/my_service")
QUIET = ("-q", "-p", "no:cacheprovider")
ACCOUNT_MODEL = '''"""Accounts."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class Account(Base):
    """Has no key of ours, no timestamps and no e-mail address."""

    __tablename__ = "accounts"
    __table_args__ = (Index(None, "country", "number"),)

    number: Mapped[str] = mapped_column(String(30), primary_key=True)
    country: Mapped[str] = mapped_column(String(2))
    balance: Mapped[int]
'''
ACCOUNT_ROUTES = '''"""/accounts"""

from fastapi import APIRouter
from sqlalchemy import select

from ..models.account import Account
from .dependencies import ReadDB

router = APIRouter(prefix="/accounts")


@router.get("/{country}")
async def list_accounts(country: str, db: ReadDB) -> list[str]:
    """List the numbers of a country's accounts."""
    numbers = select(Account.number).where(Account.country == country).order_by(Account.number).limit(100)
    return list(await db.scalars(numbers))
'''
ACCOUNT_TESTS = '''"""Accounts."""

from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from my_service.models.account import Account

from .query_plans import assert_indexed


async def test_accounts_of_a_country(client: AsyncClient, db_session: AsyncSession, connection: AsyncConnection) -> None:
    db_session.add_all([Account(number="2", country="de", balance=1), Account(number="1", country="de", balance=1)])
    await db_session.commit()
    async with assert_indexed(connection):
        assert (await client.get("/api/v1/accounts/de")).json() == ["1", "2"]
'''


OWN_SETTINGS = '''"""Settings of your own."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ProjectSettings(BaseSettings):
    """A required setting, a secret, a default factory, and a setting that production needs."""

    JWT_SECRET: SecretStr
    API_KEY: SecretStr = SecretStr("")
    ORIGINS: list[str] = Field(default_factory=list)
    SMTP_HOST: str = ""

    def production_errors(self) -> list[str]:
        """Return every reason why the service must not start in production."""
        return [] if self.SMTP_HOST else ["SMTP_HOST is missing."]
'''


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def delete_example(project: Path, name: str) -> None:
    """Delete the files of a model, and its lines in the router."""
    files = [file for file in project.rglob("*.py") if re.fullmatch(rf"(test_)?{name}s?(_service)?\.py", file.name)]
    assert len(files) == 5
    for file in files:
        file.unlink()
    router = project / SOURCE / "api" / "router.py"
    replace(router, f"    {name}s,\n", "")
    replace(router, f"from .{name}s import router as {name}s\n", "")


def delete_posts(project: Path) -> None:
    """Delete the example Post, and the relationship that leads to it."""
    delete_example(project, "post")
    user = project / SOURCE / "models" / "user.py"
    text = re.sub(r"\n    # lazy=.*?\n    \)\n", "", user.read_text(), flags=re.DOTALL)
    for unused in (
        "\nif TYPE_CHECKING:\n    from .post import Post\n",
        "from typing import TYPE_CHECKING\n\n",
        "relationship, ",
    ):
        assert unused in text
        text = text.replace(unused, "")
    user.write_text(text)


def run_tests(project: Project, *tests: str, **more: str) -> str:
    """Run the tests of a project, which pass without a skip, and return what pytest prints."""
    given = dataclasses.replace(project, variables={**project.variables, **more})
    tested = given.run("python", "-m", "pytest", *QUIET, *tests).stdout
    assert " passed" in tested
    assert "skipped" not in tested
    return tested


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_deleting_post_edits_no_test(make_project: Callable[..., Project], database: str) -> None:
    project = make_project(database=database)
    delete_posts(project.path)
    project.make_first_revision()
    project.run("ruff", "check", "src", "tests")
    project.run("mypy", "src", "tests")
    run_tests(project)
    # The migrations still meet rows.
    replace(project.path / "tests" / "test_migrations.py", "assert most_rows", "assert most_rows > 1")
    run_tests(project, "tests/test_migrations.py")


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_replacing_user_edits_its_own_tests_only(make_project: Callable[..., Project], database: str) -> None:
    project = make_project(database=database)
    delete_posts(project.path)
    router = project.path / SOURCE / "api" / "router.py"
    router.write_text(router.read_text().replace("users", "accounts"))
    for file in ("models/user.py", "schemas/user.py", "services/user_service.py", "api/users.py"):
        (project.path / SOURCE / file).unlink()
    for file in ("factories.py", "test_users.py"):
        (project.path / "tests" / file).unlink()
    (project.path / SOURCE / "models" / "account.py").write_text(ACCOUNT_MODEL)
    (project.path / SOURCE / "api" / "accounts.py").write_text(ACCOUNT_ROUTES)
    (project.path / "tests" / "test_accounts.py").write_text(ACCOUNT_TESTS)
    project.make_first_revision()
    project.run("ruff", "check", "src", "tests")
    project.run("mypy", "src", "tests")
    run_tests(project)


def test_own_settings_and_startup_checks_edit_no_test(make_project: Callable[..., Project]) -> None:
    project = make_project(database="sqlite")
    project.make_first_revision()
    settings = project.path / SOURCE / "core" / "project_settings.py"
    settings.write_text(OWN_SETTINGS)
    example = project.path / ".env.example"
    example.write_text(example.read_text() + "\n#JWT_SECRET=\n#API_KEY=\n#ORIGINS=[]\n#SMTP_HOST=\n")
    project.run("mypy", "src")
    run_tests(project, JWT_SECRET="s3cret")
    run_tests(project, "tests/test_settings.py", JWT_SECRET="s3cret", API_KEY="k", ORIGINS='["a"]', SMTP_HOST="b")


MIGRATION = '''"""Another revision."""

from alembic import op

revision = "0123456789ab"
down_revision = {parent!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("{upgrade}")


def downgrade() -> None:
    op.execute("{downgrade}")
'''


def add_migration(project: Path, upgrade: str, downgrade: str, orphan: bool = False) -> None:
    """Write a revision after the first one, or beside it."""
    versions = project / "alembic" / "versions"
    first = re.findall(r'^revision: str = "(\w+)"', (versions / "0001_initial_schema.py").read_text(), re.MULTILINE)
    text = MIGRATION.format(parent=None if orphan else first[0], upgrade=upgrade, downgrade=downgrade)
    (versions / "0002_another.py").write_text(text)


def edit(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a function that edits a file of the project."""
    return lambda project: replace(project / file, old, new)


STAIRWAY = "test_migrations.py::test_each_migration_upgrades_downgrades_and_upgrades_again"
EXPLAINED = "test_settings.py::test_env_example_explains_each_setting"
USER = "src/my_service/models/user.py"
POST = "src/my_service/models/post.py"
CONFIG = "src/my_service/core/config.py"
CREATED_INDEX = '    __table_args__ = (Index(None, "created_at", "id"),)\n'
# A mistake of the owner's, the test that notices it, and what the test says.
MISTAKES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "model without a migration": (
        edit(USER, "    is_active: Mapped", "    age: Mapped[int | None]\n    is_active: Mapped"),
        "test_migrations.py::test_migrations_create_what_the_models_describe",
        "run make db-migrate",
    ),
    "downgrade that undoes nothing": (
        lambda project: add_migration(project, "CREATE TABLE suns (id INTEGER)", "SELECT 1"),
        STAIRWAY,
        "does not undo its upgrade",
    ),
    "downgrade that fails": (
        lambda project: add_migration(project, "SELECT 1", "DROP TABLE suns"),
        STAIRWAY,
        "suns",
    ),
    "migration that deletes rows": (
        lambda project: add_migration(project, "DELETE FROM posts", "SELECT 1"),
        STAIRWAY,
        "0123456789ab loses rows of \\['posts'\\]",
    ),
    "migration that a row violates": (
        lambda project: add_migration(project, "CREATE UNIQUE INDEX ix_one ON users (is_active)", "DROP INDEX ix_one"),
        STAIRWAY,
        "(?i)unique",
    ),
    "two heads": (
        lambda project: add_migration(project, "SELECT 1", "SELECT 1", orphan=True),
        "test_migrations.py::test_history_has_one_head",
        "join the heads",
    ),
    "migrations that meet no row": (
        edit("tests/test_migrations.py", "for number in (1, 2) if", "for number in () if"),
        STAIRWAY,
        r"no row fits \['posts', 'users'\]",
    ),
    "relationship to a missing model": (
        edit(POST, "Mapped[User]", "Mapped[Nobody]"),
        STAIRWAY,
        "The models do not fit together: .*Nobody",
    ),
    "setting that is not explained": (
        edit(CONFIG, "    DEBUG: bool = False\n", "    DEBUG: bool = False\n    OWN: int = 1\n"),
        EXPLAINED,
        "add a line #OWN= to .env.example",
    ),
    "default that is explained wrongly": (
        edit(".env.example", "#READINESS_TIMEOUT=2", "#READINESS_TIMEOUT=3"),
        EXPLAINED,
        r"\[READINESS_TIMEOUT\]",
    ),
    "unsafe setting that production accepts": (
        edit(CONFIG, "        if self.DEBUG:", "        if False:"),
        "test_settings.py::test_production_rejects_unsafe_settings",
        "DEBUG is on",
    ),
    "safe setting that production rejects": (
        edit(CONFIG, "        if self.DEBUG:", "        if True:"),
        "test_settings.py::test_production_accepts_safe_settings",
        "DEBUG is on",
    ),
    "foreign key without an index": (
        edit(POST, 'ondelete="CASCADE"), index=True)', 'ondelete="CASCADE"))'),
        "test_posts.py::test_queries_use_indexes",
        "in the plan of",
    ),
    "list without an index": (
        edit(USER, CREATED_INDEX, ""),
        "test_users.py::test_queries_use_indexes",
        "in the plan of",
    ),
    "list filtered by a column without an index": (
        edit(
            "src/my_service/services/user_service.py",
            "result = await self.db.scalars(paginate(USERS,",
            'result = await self.db.scalars(paginate(USERS.where(User.full_name == "x"),',
        ),
        "test_users.py::test_queries_use_indexes",
        "in the plan of",
    ),
}


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_mistakes_are_noticed(make_project: Callable[..., Project], database: str) -> None:
    project = make_project(database=database)
    revision = project.make_first_revision()
    files = [path for path in project.path.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    before = {path: path.read_bytes() for path in files}
    run_tests(project, *sorted({f"tests/{test}" for _, test, _ in MISTAKES.values()}))
    missed = []
    for mistake, (make, test, message) in MISTAKES.items():
        make(project.path)
        if "without an index" in mistake:
            revision.unlink()
            project.make_first_revision()
        output = project.run("python", "-m", "pytest", *QUIET, f"tests/{test}", check=False).stdout
        if not re.search(rf"^FAILED tests/{test}", output, re.MULTILINE) or not re.search(message, output):
            missed.append(f"{mistake}:\n{output[-2000:]}")
        for path, content in before.items():
            path.write_bytes(content)
        (revision.parent / "0002_another.py").unlink(missing_ok=True)
    assert missed == [], "\n\n".join(missed)
