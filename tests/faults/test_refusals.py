"""A PostgreSQL that refuses: the service answers 503 while it does, and goes on by itself. Nothing is answered with 500."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from ..postgresql import PostgreSQL
from .service import ADA, PostgreSQLDatabase, Prepared, Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["own server"], indirect=True),
]

Serve = Callable[..., Service]


def end_sessions(server: PostgreSQL) -> None:
    """End the sessions of the service."""
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'")


@contextmanager
def read_only(server: PostgreSQL, name: str) -> Iterator[None]:
    """Be read-only, as a primary that became a replica is."""
    server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    server.execute("SELECT pg_reload_conf()")
    yield
    server.execute("ALTER SYSTEM RESET default_transaction_read_only")
    server.execute("SELECT pg_reload_conf()")


@contextmanager
def changed_password(server: PostgreSQL, name: str) -> Iterator[None]:
    """Ask for a password that the service does not have."""
    access = server.folder / "pg_hba.conf"
    before = access.read_text()
    server.execute("ALTER ROLE service PASSWORD 'changed'")
    access.write_text(f"host all service 127.0.0.1/32 scram-sha-256\n{before}")
    server.execute("SELECT pg_reload_conf()")
    end_sessions(server)
    yield
    access.write_text(before)
    server.execute("SELECT pg_reload_conf()")


@contextmanager
def missing_database(server: PostgreSQL, name: str) -> Iterator[None]:
    """Have no database of that name."""
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    end_sessions(server)
    server.execute(f"ALTER DATABASE {name} RENAME TO elsewhere")
    yield
    server.execute(f"ALTER DATABASE elsewhere RENAME TO {name}")
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@contextmanager
def refused_role(server: PostgreSQL, name: str) -> Iterator[None]:
    """Let the role not log in."""
    server.execute("ALTER ROLE service NOLOGIN")
    end_sessions(server)
    yield
    server.execute("ALTER ROLE service LOGIN")


def create_user(http: httpx.Client, name: str) -> httpx.Response:
    """Send a request that writes."""
    return http.post("/api/v1/users", json=ADA | {"email": f"{name}@example.com", "username": name})


@pytest.mark.parametrize("refuse", [read_only, changed_password, missing_database, refused_role])
def test_a_refusal_is_503_for_routes_and_readiness(
    serve: Serve,
    database: PostgreSQLDatabase,
    refuse: Callable[[PostgreSQL, str], AbstractContextManager[None]],
) -> None:
    service = serve()
    with httpx.Client(base_url=service.url, timeout=20) as http:
        assert create_user(http, "before").status_code == 201
        assert http.get("/api/v1/users").status_code == 200
        with refuse(database.server, database.name):
            for number in range(3):
                written = create_user(http, f"during{number}")
                assert (written.status_code, written.headers["Retry-After"]) == (503, "1")
                read = {http.get(path).status_code for path in ("/api/v1/users", "/health/ready")}
                assert read == ({200} if refuse is read_only else {503})
            assert http.get("/health/live").status_code == 200
        assert create_user(http, "after").status_code == 201
        names = {user["username"] for user in http.get("/api/v1/users").json()["items"]}
        assert names == {"before", "after"}
        assert http.get("/health/ready").status_code == 200
    assert "Traceback" not in service.log()


def test_a_database_that_lacks_characters_is_refused_by_the_migration(
    prepared: Callable[[str], Prepared], database: PostgreSQLDatabase
) -> None:
    database.server.execute(
        "CREATE DATABASE latin OWNER service TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc"
    )
    project = prepared("postgresql").project
    url = PostgreSQLDatabase(database.server, "latin").url
    done = subprocess.run(
        [project.environment / "bin/alembic", "upgrade", "head"],
        cwd=project.path,
        env={**project.variables, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "The database is LATIN1. Create it with ENCODING 'UTF8'" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
