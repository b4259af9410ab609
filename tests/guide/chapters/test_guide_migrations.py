"""The database guide's chapter Migrations with Alembic: its commands, its migration file, its data migration."""

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# isort: split
from my_service.db.engine import backend_for

# isort: split
from scripts.revision import ROOT, temporary_database

MIGRATION_COMMANDS = """\
# Create a new migration
make db-migrate msg="Add users table"

# Apply migrations
make db-upgrade

# Rollback last migration
make db-downgrade

# Show migration history
make db-history

# Show current revision
make db-current

# Reset database (development only)
make db-reset
"""

# alembic/versions/001_add_users_table.py
MIGRATION_FILE = '''\
"""Add users table

Revision ID: 001
Revises:
Create Date: 2024-01-15 10:30:00.000000
"""

from alembic import op
import sqlalchemy as sa

# revision identifiers
revision = '001'
down_revision = None
branch_labels = None
depends_on = None

def upgrade() -> None:
    """Upgrade database schema."""
    op.create_table(
        'users',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('email', sa.String(255), nullable=False),
        sa.Column('username', sa.String(100), nullable=False),
        sa.Column('hashed_password', sa.String(255), nullable=False),
        sa.Column('is_active', sa.Boolean(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('updated_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('is_deleted', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('email'),
        sa.UniqueConstraint('username')
    )
    op.create_index('ix_users_email', 'users', ['email'])

def downgrade() -> None:
    """Downgrade database schema."""
    op.drop_index('ix_users_email', 'users')
    op.drop_table('users')
'''

CUSTOM_MIGRATION = '''\
# Custom data migration
def upgrade() -> None:
    """Add default admin user."""
    # Schema changes
    op.add_column('users', sa.Column('role', sa.String(50), nullable=True))

    # Data changes
    connection = op.get_bind()
    connection.execute(
        sa.text("""
            INSERT INTO users (email, username, hashed_password, role, is_active)
            VALUES ('admin@example.com', 'admin', 'hashed_password', 'admin', true)
        """)
    )
'''

# The guide has none, and so cannot undo the migration or run it again.
CUSTOM_DOWNGRADE = '''
def downgrade() -> None:
    """Remove the admin and the column."""
    op.execute("DELETE FROM users WHERE email = 'admin@example.com'")
    op.drop_column('users', 'role')
'''

NO_DOWNGRADE = """
def downgrade() -> None:
    op.drop_column('users', 'role')
"""

Run = Callable[..., None]


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Return a copy of the project's script directory, whose revisions a test may change."""
    return Path(shutil.copytree(ROOT / "alembic", tmp_path / "alembic"))


@pytest.fixture
async def empty(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Yield a connection to a database without tables."""
    url = backend_for(engine.url).sibling_url(engine.url, "_guide")
    async with temporary_database(url) as empty, empty.begin() as connection:
        yield connection


def config(scripts: Path, connection: Connection | None = None) -> Config:
    """Return a configuration for commands with these scripts, on this connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def add_custom_migration(scripts: Path, downgrade: str) -> None:
    """Add the guide's data migration, with a downgrade, to the project's revisions."""
    head = ScriptDirectory.from_config(config(scripts)).get_current_head()
    header = f"from alembic import op\nimport sqlalchemy as sa\n\nrevision = 'admin'\ndown_revision = {head!r}\n\n"
    (scripts / "versions" / "002_add_admin.py").write_text(header + CUSTOM_MIGRATION + downgrade)


async def alembic(run: Callable[..., None], scripts: Path, connection: AsyncConnection, revision: str) -> None:
    """Run an Alembic command."""
    await connection.run_sync(lambda connection: run(config(scripts, connection), revision))


@pytest.mark.parametrize("line", [line for line in MIGRATION_COMMANDS.splitlines() if line.startswith("make")])
def test_migration_commands(line: str) -> None:
    _, target, *message = line.split(" ", 2)
    arguments = [argument.replace('"', "") for argument in message]
    # -n: says what it would do; -o: without the environment, which a command makes where there is none.
    dry_run = ["make", "-n", "-o", ".venv/.ready", target, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(dry_run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert ".venv/bin/" in said.stdout
    described = rf"^{target}:.* ## .+$"
    assert re.search(described, (ROOT / "Makefile").read_text(), re.MULTILINE), "make help lists it"


async def test_migration_files(scripts: Path, empty: AsyncConnection) -> None:
    shutil.rmtree(scripts / "versions")
    (scripts / "versions").mkdir()
    (scripts / "versions" / "001_add_users_table.py").write_text(MIGRATION_FILE)

    def tables(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}

    def uniques(connection: Connection) -> set[str]:
        return {column for c in inspect(connection).get_unique_constraints("users") for column in c["column_names"]}

    def indexes(connection: Connection) -> set[str | None]:
        return {index["name"] for index in inspect(connection).get_indexes("users")}

    await alembic(command.upgrade, scripts, empty, "head")
    assert await empty.run_sync(tables) == {"users"}
    assert await empty.run_sync(uniques) == {"email", "username"}
    assert "ix_users_email" in await empty.run_sync(indexes)
    assert await empty.scalar(text("SELECT version_num FROM alembic_version")) == "001"
    await alembic(command.downgrade, scripts, empty, "base")
    assert await empty.run_sync(tables) == set()


async def test_custom_migrations(scripts: Path, empty: AsyncConnection) -> None:
    add_custom_migration(scripts, CUSTOM_DOWNGRADE)

    async def admins() -> list[Any]:
        columns = "username, role, is_active, is_superuser, deleted_at, created_at IS NOT NULL, updated_at IS NOT NULL"
        return [tuple(row) for row in await empty.execute(text(f"SELECT {columns} FROM users"))]  # noqa: S608

    def columns(connection: Connection) -> set[str]:
        return {column["name"] for column in inspect(connection).get_columns("users")}

    for _ in range(2):
        await alembic(command.upgrade, scripts, empty, "head")
        assert await admins() == [("admin", "admin", True, False, None, True, True)]
        await alembic(command.downgrade, scripts, empty, "-1")
        assert "role" not in await empty.run_sync(columns)
        assert await empty.scalar(text("SELECT count(*) FROM users")) == 0


async def test_fault_a_data_migration_that_is_not_undone_cannot_run_again(
    scripts: Path, empty: AsyncConnection
) -> None:
    """The guide's migration has no downgrade; one that leaves the admin there is refused, loudly, the second time."""
    add_custom_migration(scripts, NO_DOWNGRADE)
    await alembic(command.upgrade, scripts, empty, "head")
    await alembic(command.downgrade, scripts, empty, "-1")
    savepoint = await empty.begin_nested()
    with pytest.raises(CommandError, match="email"):
        await alembic(command.upgrade, scripts, empty, "head")
    await savepoint.rollback()
