"""The first revision: the same bytes from the same answers, on any database, and the same schema as the models."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import Project, render

MODES = ["explicit", "automatic", "none"]

MAKE_ON_SERVER = """
import asyncio, sys
from alembic import command
sys.path[:0] = ["scripts", "alembic"]
import first_revision, migrations
from alembic.config import Config

def make(connection):
    config = Config()
    config.set_main_option("script_location", "alembic")
    config.set_main_option("file_template", "0001_%%(slug)s")
    config.attributes["connection"] = connection
    import hashlib
    revision = hashlib.sha256(b"my_service").hexdigest()[:12]
    command.revision(config, "initial schema", autogenerate=True, rev_id=revision)

asyncio.run(migrations.on_scratch_database(make))
"""

CHECK_ON_SQLITE = """
import sys
sys.path[:0] = ["scripts", "alembic"]
import migrations, revision
from sqlalchemy import create_engine, event, inspect
engine = create_engine("sqlite:///portable.db")
event.listen(engine, "connect", lambda c, _: setattr(c, "isolation_level", None))
event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
with engine.begin() as connection:
    missing = revision.difference(connection)
    assert not missing, missing
    assert len(inspect(connection).get_table_names()) == 3
"""


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files and what they hold."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".db"
    }


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_the_same_answers_give_the_same_bytes(make_project: Callable[..., Project], database: str) -> None:
    trees = []
    for seed in ("0", "1", "4711"):
        project = make_project(f"seed{seed}", database=database)
        project.run("python", "scripts/first_revision.py", PYTHONPATH="src", PYTHONHASHSEED=seed)
        trees.append(tree(project.path))
    assert trees[0] == trees[1] == trees[2]
    assert "alembic/versions/0001_initial_schema.py" in trees[0]


@pytest.mark.parametrize("soft_delete", MODES)
def test_both_databases_have_one_history(make_project: Callable[..., Project], soft_delete: str) -> None:
    postgresql = make_project("postgresql", database="postgresql", soft_delete=soft_delete)
    sqlite = make_project("sqlite", database="sqlite", soft_delete=soft_delete)
    made = postgresql.make_first_revision().read_bytes()
    assert sqlite.make_first_revision().read_bytes() == made
    # It runs on the other database too, and leaves nothing to migrate there.
    postgresql.run("python", "-c", CHECK_ON_SQLITE, PYTHONPATH="src")
    # Made on a PostgreSQL server it would be the same.
    (postgresql.path / "alembic/versions/0001_initial_schema.py").unlink()
    postgresql.run("python", "-c", MAKE_ON_SERVER, PYTHONPATH="src")
    revision = postgresql.path / "alembic/versions/0001_initial_schema.py"
    postgresql.run("ruff", "check", "--fix", "--quiet", "alembic/versions")
    postgresql.run("ruff", "format", "--quiet", "alembic/versions")
    assert revision.read_bytes() == made


def test_its_id_is_the_packages_own(make_project: Callable[..., Project]) -> None:
    project = make_project(database="sqlite", package_name="orders")
    revision = hashlib.sha256(b"orders").hexdigest()[:12]
    text = project.make_first_revision().read_text()
    assert f'revision: str = "{revision}"' in text
    assert "down_revision: str | Sequence[str] | None = None" in text
    assert "import orders" not in text
    assert "from orders" not in text


def test_rendering_alone_makes_none(template: Path, tmp_path: Path) -> None:
    assert not (render(template, tmp_path / "project") / "alembic" / "versions").exists()
