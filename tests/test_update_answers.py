"""`copier update -d question=answer`: a project that lives changes its mind."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import git
from lived import DATABASES, Lived

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
    assert "To restore one: git checkout HEAD -- FILE" in said
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
    command = re.search(r"^    .venv/bin/(python scripts/import_sqlite.py) FILE ", said, re.MULTILINE)
    assert command
    lived.commit("Change to PostgreSQL")
    lived.use_server("changed")
    lived.run("make", "db-reset", "YES=1")
    lived.check()
    lived.run("ruff", "check")
    lived.run("mypy", "--python-executable", str(lived.project.environment / "bin" / "python"))
    lived.run(*command[1].split(), "my_service.db")
    assert [row["name"] for row in lived.rows()["planets"]] == ["Mars"]
    removal = re.search(r"^    (git rm scripts/import_sqlite.py) ", said, re.MULTILINE)
    assert removal
    lived.run(*removal[1].split())
    lived.commit("Remove the import")

    said, new = change_answers(lived, "database=sqlite")
    assert new == [], said
    (lived.path / ".env").unlink()
    lived.commit("Change back to SQLite")
    lived.check()
    assert lived.rows() == rows
