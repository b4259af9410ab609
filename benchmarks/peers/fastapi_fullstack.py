"""vstorm's full-stack template, the backend alone: async SQLAlchemy, a repository and a service for each model."""

from ..harness.postgresql import Database
from .peer import Peer, Routes


def _database(database: Database) -> dict[str, str]:
    return {
        "POSTGRES_HOST": database.host,
        "POSTGRES_PORT": str(database.port),
        "POSTGRES_USER": database.user,
        "POSTGRES_PASSWORD": database.password,
        "POSTGRES_DB": database.name,
    }


FASTAPI_FULLSTACK = Peer(
    name="fastapi-fullstack",
    # Without --minimal, which adds an AI framework despite the other options, and no example.
    generate_command=(
        *("uv", "tool", "run", "--from", "fastapi-fullstack", "fastapi-fullstack", "create", "peer"),
        *("--output", ".", "--database", "postgresql", "--orm", "sqlalchemy", "--python-version", "3.11"),
        *("--ai-framework", "none", "--frontend", "none", "--task-queue", "none", "--reverse-proxy", "none"),
        *("--ci", "none", "--no-logfire", "--no-docker", "--example-resource"),
    ),
    project="peer/backend",
    install_command=("uv", "sync", "--dev"),
    migrate_command=("peer", "db", "upgrade"),
    test_command=("pytest", "tests/", "-v"),
    application="app.main:app",
    routes=Routes(
        user="/api/v1/authors/{key}",
        users="/api/v1/authors?skip={offset}&limit={limit}",
        users_with_posts="/api/v1/authors/with-posts?skip={offset}&limit={limit}",
        posts="/api/v1/posts",
        items="items",
    ),
    commits="after",
    database=_database,
    registration=(
        "app/api/routes/v1/__init__.py",
        "from app.api.routes.v1 import authors, posts\n"
        'v1_router.include_router(authors.router, prefix="/authors", tags=["authors"])\n'
        'v1_router.include_router(posts.router, prefix="/posts", tags=["posts"])\n',
    ),
    readme_command=("peer", "server", "run", "--reload", "--port", "{port}"),  # what its `make run` runs
    notes=(
        "its User has other columns: the table is mapped as Author",
        "its lists count all rows and are ordered by created_at, newest first",
        "loads select-in, as its other modules do",
        "its examples ask for a user's token: not here",
        "its pool has 5 connections and 10 more: DB_POOL_SIZE, DB_MAX_OVERFLOW",
        "its middleware gives each request an id",
    ),
)
