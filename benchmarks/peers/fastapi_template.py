"""s3rius/FastAPI-template: async SQLAlchemy, a DAO for each model, sessions from a dependency that commits."""

from ..harness.postgresql import Database
from .peer import Peer, Routes


def _database(database: Database) -> dict[str, str]:
    return {
        "PEER_DB_HOST": database.host,
        "PEER_DB_PORT": str(database.port),
        "PEER_DB_USER": database.user,
        "PEER_DB_PASS": database.password,
        "PEER_DB_BASE": database.name,
    }


FASTAPI_TEMPLATE = Peer(
    name="fastapi_template",
    # --dummy and --routers: the examples that the added files follow.
    generate_command=(
        *("uv", "tool", "run", "--from", "fastapi_template", "fastapi_template"),
        *("--name", "peer", "--quiet", "--api-type", "rest", "--db", "postgresql", "--orm", "sqlalchemy"),
        *("--ci", "none", "--migrations", "--dummy", "--routers"),
    ),
    project="peer",
    install_command=("uv", "sync"),
    migrate_command=("alembic", "upgrade", "head"),
    test_command=("pytest", "-vv", "."),
    application="peer.web.application:get_app",
    is_factory=True,
    routes=Routes(
        user="/api/users/{key}",
        users="/api/users/?limit={limit}&offset={offset}",
        users_with_posts="/api/users/with-posts?limit={limit}&offset={offset}",
        posts="/api/posts/",
        items=None,
    ),
    commits="after",
    database=_database,
    registration=(
        "peer/web/api/router.py",
        "from peer.web.api import posts, users\n"
        'api_router.include_router(users.router, prefix="/users", tags=["users"])\n'
        'api_router.include_router(posts.router, prefix="/posts", tags=["posts"])\n',
    ),
    readme_command=("python", "-m", "peer"),  # its .env turns reloading on
    readme_environment={"PEER_PORT": "{port}"},
    notes=(
        "its lists have no order",
        "its pool has 5 connections and 10 more, which no setting changes",
        "has no eager loading anywhere: select-in here",
        "its example answers a POST with null before any statement is sent: here it flushes, to answer the new row",
    ),
)
