"""`copier update -d question=answer`: a project that lives changes its mind."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import git
from .aged_project import DATABASES, AgedProject

PLANET = '''"""What circles a star."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from .base import BaseModel


class Planet(BaseModel):
    """A planet."""

    __tablename__ = "planets"

    name: Mapped[str] = mapped_column(String(50), index=True)
'''


LIVE = '''"""Queries for planets."""

from sqlalchemy import Select, select

from ..models.planet import Planet


def live_planets() -> Select[tuple[Planet]]:
    """Return a query for the planets that were not deleted."""
    return select(Planet).where(Planet.deleted_at.is_(None))
'''


def add_planets(aged: AgedProject) -> None:
    """Give the project a model that depends on nothing of the template's but the base."""
    (aged.path / "src/my_service/models/planet.py").write_text(PLANET)
    aged.run("make", "db-migrate", "msg=Add planets")
    aged.run("make", "db-reset", "YES=1")
    aged.commit("Add planets")
    aged.rows("INSERT INTO planets (id, name) VALUES (1, 'Mars')")


def change_answers(aged: AgedProject, *answers: str) -> tuple[str, list[Path]]:
    """Change answers, and return what was said and the new revisions."""
    before = aged.revisions()
    said = aged.update(*(word for answer in answers for word in ("-d", answer)))
    assert not [line for line in aged.status() if line.startswith(("U", "AA", "DD"))], said
    assert (aged.path / "src/my_service/models/planet.py").read_text() == PLANET
    return said, [path for path in aged.revisions() if path not in before]


@pytest.mark.parametrize("database", DATABASES)
def test_soft_delete_is_changed_and_left_and_taken_up_again(
    make_aged_project: Callable[..., AgedProject], database: str
) -> None:
    aged = make_aged_project(edited=False, database=database)
    add_planets(aged)
    user = "INSERT INTO users (id, email, username, hashed_password, deleted_at) VALUES"
    aged.rows(
        f"{user} (1, 'ada@example.com', 'ada', '-', NULL), (2, 'bob@example.com', 'bob', '-', CURRENT_TIMESTAMP)",
        "INSERT INTO planets (id, name, deleted_at) VALUES (2, 'Pluto', CURRENT_TIMESTAMP)",
    )
    rows = aged.rows()
    (aged.path / "src/my_service/services/planets.py").write_text(LIVE)
    aged.commit("Query live planets")

    said, new = change_answers(aged, "soft_delete=automatic")
    assert new == [], said
    assert "Updating with other answers, at v0.1.0 of the template" in said
    aged.commit("Automatic")
    aged.check()
    assert aged.rows() == rows

    said, new = change_answers(aged, "soft_delete=none")
    assert len(new) == 1, said
    assert "REFUSES while rows of planets and posts and users are soft-deleted" in said
    for table in ("planets", "posts", "users"):
        assert f"DESTRUCTIVE: drops {table}.deleted_at" in said
    for path in ("db/soft_delete_cascade.py", "db/soft_delete_filter.py", "db/soft_delete.py"):
        assert f"  src/my_service/{path}\n" in said
    assert "To restore one: git checkout HEAD -- FILE" in said
    assert (
        "Soft delete is removed. These lines of yours still use it:\n"
        "  src/my_service/services/planets.py:10: return select(Planet).where(Planet.deleted_at.is_(None))\n"
    ) in said
    aged.commit("None")
    refused = aged.run("make", "db-upgrade", check=False)
    assert refused.returncode != 0
    assert "Soft-deleted rows {'planets': 1, 'posts': 0, 'users': 1}" in refused.stdout
    assert "Nothing was changed." in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    assert aged.rows() == rows
    # The one way for planets, the other for users.
    text = new[0].read_text()
    for statement in ("DELETE FROM planets", "UPDATE users SET deleted_at"):
        assert f'# op.execute("{statement}' in text
        text = text.replace(f'# op.execute("{statement}', f'op.execute("{statement}')
    new[0].write_text(text)
    aged.commit("Decide")
    aged.check()
    kept = aged.rows()
    assert [row["name"] for row in kept["planets"]] == ["Mars"]
    assert [row["username"] for row in kept["users"]] == ["ada", "bob"]

    said, new = change_answers(aged, "soft_delete=explicit")
    assert len(new) == 1, said
    assert "DESTRUCTIVE" not in said
    assert new[0].read_text().count('sa.Column("deleted_at"') == 3
    aged.commit("Explicit")
    aged.check()
    assert [row["username"] for row in aged.rows()["users"]] == ["ada", "bob"]


@pytest.mark.parametrize("database", DATABASES)
def test_mixins_come_and_go(make_aged_project: Callable[..., AgedProject], database: str) -> None:
    aged = make_aged_project(edited=False, database=database, mixins=[])
    add_planets(aged)
    aged.rows(
        "INSERT INTO users (id, email, username, hashed_password) VALUES (1, 'ada@example.com', 'ada', '-')",
        "INSERT INTO posts (id, content, author_id) VALUES (1, 'Some text', 1)",
    )
    said, new = change_answers(aged, "mixins=[title, slug]")
    assert len(new) == 1
    assert "BACKFILLS: posts.title of existing rows becomes ''." in said
    aged.commit("Add mixins")
    aged.check()
    assert [(row["title"], row["slug"]) for row in aged.rows()["posts"]] == [("", "None")]
    aged.rows("UPDATE posts SET title = 'T', slug = 's'")

    said, new = change_answers(aged, "mixins=[title, description]")
    assert len(new) == 1
    assert "DESTRUCTIVE: drops posts.slug and its values." in said
    aged.commit("Change mixins")
    aged.check()
    assert [(row["title"], row["description"]) for row in aged.rows()["posts"]] == [("T", "None")]

    said, new = change_answers(aged, "mixins=[]")
    assert len(new) == 1
    assert "  src/my_service/models/mixins.py\n" in said
    aged.commit("Remove mixins")
    aged.check()
    assert [row["content"] for row in aged.rows()["posts"]] == ["Some text"]


@pytest.mark.parametrize("database", DATABASES)
def test_examples_go_and_come(make_aged_project: Callable[..., AgedProject], database: str) -> None:
    aged = make_aged_project(edited=False, database=database)
    add_planets(aged)
    text = (aged.path / "src/my_service/models/user.py").read_text()
    (aged.path / "src/my_service/models/user.py").write_text(f"{text}\n# mine\n")
    aged.commit("Edit User")

    said, new = change_answers(aged, "example_models=none")
    assert len(new) == 1
    assert "DESTRUCTIVE: drops the table users and every row in it." in said
    assert "DESTRUCTIVE: drops the table posts and every row in it." in said
    assert "  src/my_service/models/user.py  (you had changed it)\n" in said
    assert "  src/my_service/models/post.py\n" in said
    gone = [line[3:] for line in aged.status() if line.startswith(" D")]
    assert len(gone) > 10
    assert [path for path in gone if f"\n  {path}" not in said] == []
    aged.commit("Remove the examples")
    aged.check()
    assert set(aged.rows()) == {"alembic_version", "planets"}

    git("checkout", "HEAD~1", "--", "src/my_service/models/user.py", cwd=aged.path)
    assert (aged.path / "src/my_service/models/user.py").read_text().endswith("# mine\n")
    git("reset", "--hard", "--quiet", cwd=aged.path)

    said, new = change_answers(aged, "example_models=user_and_post")
    assert len(new) == 1
    assert "DESTRUCTIVE" not in said
    aged.commit("Add the examples")
    aged.check()
    assert [row["name"] for row in aged.rows()["planets"]] == ["Mars"]


def test_the_database_changes_and_changes_back(
    make_aged_project: Callable[..., AgedProject], postgresql_server: str
) -> None:
    aged = make_aged_project(edited=False, database="sqlite")
    aged.server = postgresql_server
    (aged.path / ".env").write_text(f"SCRATCH_DATABASE_URL={postgresql_server.format(database='postgres')}\n")
    add_planets(aged)
    rows = aged.rows()

    said, new = change_answers(aged, "database=postgresql")
    assert new == [], said
    assert "The template changed nothing in the schema" in said
    assert "my_service.db" not in str(aged.status()), "the old file must not get into git"
    command = re.search(r"^    .venv/bin/(python -m scripts.import_sqlite) FILE ", said, re.MULTILINE)
    assert command
    aged.commit("Change to PostgreSQL")
    aged.use_server("changed")
    aged.run("make", "db-reset", "YES=1")
    aged.check()
    aged.run("ruff", "check")
    aged.run("mypy", "--python-executable", str(aged.project.environment / "bin" / "python"))
    aged.run(*command[1].split(), "my_service.db")
    assert [row["name"] for row in aged.rows()["planets"]] == ["Mars"]
    removal = re.search(r"^    (git rm scripts/import_sqlite.py) ", said, re.MULTILINE)
    assert removal
    aged.run(*removal[1].split())
    aged.commit("Remove the import")

    said, new = change_answers(aged, "database=sqlite")
    assert new == [], said
    (aged.path / ".env").unlink()
    aged.commit("Change back to SQLite")
    aged.check()
    assert aged.rows() == rows
