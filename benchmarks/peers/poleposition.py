"""PolePosition: SQLAlchemy and psycopg without asyncio, in FastAPI's threads; a repository that commits."""

from ..harness.postgresql import Database
from .peer import Peer, Routes

_POLEPOS = ("uv", "tool", "run", "--from", "poleposition", "polepos")
_CRUD = ("--template", "crud", "--pagination", "--timestamps", "--soft-delete")


def _database(database: Database) -> dict[str, str]:
    return {"DATABASE_URL": database.url("postgresql+psycopg")}


POLEPOSITION = Peer(
    name="poleposition",
    generate_command=(*_POLEPOS, "start", "peer", "--db", "postgres"),
    # The generator registers these modules; the added files give them our columns.
    then=((*_POLEPOS, "add", "module", "users", *_CRUD), (*_POLEPOS, "add", "module", "posts", *_CRUD)),
    project="peer",
    install_command=("uv", "sync", "--extra", "dev"),
    migrate_command=("alembic", "upgrade", "head"),  # what `polepos db upgrade` runs
    test_command=("pytest",),
    application="peer.main:app",
    routes=Routes(
        user="/api/v1/users/{key}",
        users="/api/v1/users/?limit={limit}&offset={offset}",
        users_with_posts="/api/v1/users/with-posts?limit={limit}&offset={offset}",
        posts="/api/v1/posts/",
        items="items",
    ),
    commits="before",
    database=_database,
    readme_command=("python", "-m", "peer.run"),  # its settings turn reloading on
    readme_environment={"APP_PORT": "{port}"},
    quiet={"LOG_LEVEL": "WARNING"},
    notes=(
        "not async: psycopg in FastAPI's threads",
        "its pool has 5 connections and 10 more, which no setting changes",
        "filters deleted rows by hand, as its generated repositories do",
        "its lists count all rows and are ordered by key",
        "has no eager loading anywhere: select-in here",
    ),
)
