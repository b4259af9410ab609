"""The first revision: the same bytes from the same answers, on any database, and the same schema as the models."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import Project, render

MODES = ["explicit", "automatic", "none"]

MAKE_ON_SERVER = """
import asyncio
from alembic import command
from alembic.config import Config
from scripts import revision

def make(connection):
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "alembic")
    config.set_main_option("file_template", "0001_%%(slug)s")
    command.revision(config, "initial schema", autogenerate=True, rev_id="IDENTIFIER")

asyncio.run(revision.on_scratch_database(make))
"""

CHECK_ON_SQLITE = """
from scripts import revision
from sqlalchemy import create_engine, event, inspect
engine = create_engine("sqlite:///portable.db")
event.listen(engine, "connect", lambda c, _: setattr(c, "isolation_level", None))
event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
with engine.begin() as connection:
    missing = revision.missing_operations(connection)
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
        python = str(project.environment / "bin" / "python")  # a new one, which reads the seed
        project.run(python, "-m", "scripts.revision", "initial", PYTHONHASHSEED=seed)
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
    postgresql.run("python", "-c", CHECK_ON_SQLITE)
    # Made on a PostgreSQL server it would be the same.
    (postgresql.path / "alembic/versions/0001_initial_schema.py").unlink()
    postgresql.run("python", "-c", MAKE_ON_SERVER.replace("IDENTIFIER", revision_id(made.decode())))
    revision = postgresql.path / "alembic/versions/0001_initial_schema.py"
    postgresql.run("ruff", "check", "--fix", "--quiet", "alembic/versions")
    postgresql.run("ruff", "format", "--quiet", "alembic/versions")
    assert revision.read_bytes() == made


def revision_id(text: str) -> str:
    """Return the id that a revision's source gives it."""
    return str(re.findall(r'^revision: str = "(\w{12})"$', text, re.MULTILINE)[0])


def test_id_belongs_to_the_package_and_its_schema(make_project: Callable[..., Project]) -> None:
    project = make_project(database="sqlite", package_name="orders")
    text = project.make_first_revision().read_text()
    other = make_project("other", database="sqlite", package_name="invoices").make_first_revision().read_text()
    bare = make_project("bare", database="sqlite", package_name="orders", example_models="user").make_first_revision()
    assert len({revision_id(source) for source in (text, other, bare.read_text())}) == 3
    assert "down_revision: str | Sequence[str] | None = None" in text
    assert "import orders" not in text
    assert "from orders" not in text


def test_rendering_alone_makes_none(template: Path, tmp_path: Path) -> None:
    assert not (render(template, tmp_path / "project") / "alembic" / "versions").exists()
