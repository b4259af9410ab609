"""PostgreSQL behind PgBouncer in transaction mode: one setting, and everything holds as without it."""

import asyncio
import re
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import httpx
import pytest

from .outlive import outlive
from .pgbouncer import PgBouncer
from .service import PostgreSQLDatabase, Prepared, Service, randomness

pytestmark = [
    pytest.mark.faults,
    pytest.mark.system_packages,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["own server"], indirect=True),
]

SERVER_CONNECTIONS = 5


@pytest.fixture
def pgbouncer(database: PostgreSQLDatabase) -> Iterator[PgBouncer]:
    """Yield a PgBouncer in front of the test's own server."""
    with PgBouncer(database.server, SERVER_CONNECTIONS) as pool:
        yield pool


Serve = Callable[..., Service]


@pytest.fixture
def serve_behind(serve: Serve, pgbouncer: PgBouncer, database: PostgreSQLDatabase) -> Serve:
    """Return what starts a service that reaches its database through PgBouncer."""

    def start(**options: object) -> Service:
        through = {"DATABASE_URL": pgbouncer.url(database.name), "DATABASE_PGBOUNCER": True}
        return serve(**through, **options)

    return start


async def test_many_connections_share_a_few(serve_behind: Serve, database: PostgreSQLDatabase) -> None:
    """2,000 requests over 40 connections to PgBouncer, which has 5 to the server: each is answered as without it."""
    service = serve_behind(probe="clients", workers=2)
    chance = randomness()
    names: list[str] = []
    statuses: Counter[tuple[str, int]] = Counter()

    async def ask(http: httpx.AsyncClient, number: int) -> None:
        name = f"user{number}"
        body = {"email": f"{name}@example.com", "username": name, "password": "correct horse"}
        requests: list[Callable[[], Awaitable[httpx.Response]]] = [
            lambda: http.get("/api/v1/users?limit=5"),
            lambda: http.get("/api/v1/posts?limit=5"),
            lambda: http.patch("/api/v1/users/1", json={"full_name": name}),
            lambda: http.post("/api/v1/users", json=body),
        ]
        answer = await chance.choice(requests)()
        statuses[answer.request.method, answer.status_code] += 1
        if answer.status_code == 201:
            names.append(name)

    async with service.client() as http:
        await service.create_user()
        for first in range(0, 2000, 100):
            await asyncio.gather(*(ask(http, number) for number in range(first, first + 100)))
    print(dict(statuses))
    assert set(statuses) == {("GET", 200), ("PATCH", 200), ("POST", 201)}
    stored = [row[0] for row in await database.run("SELECT username FROM users")]
    assert sorted(stored) == sorted(["ada", *names])
    servers = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'migrated' AND usename = 'service'"
    assert int(database.server.execute(servers)) <= SERVER_CONNECTIONS


async def test_timeouts_hold(serve_behind: Serve) -> None:
    """PgBouncer takes no timeouts when a connection is made; a statement and a lock end in time nevertheless."""
    service = serve_behind(probe="clients", DATABASE_STATEMENT_TIMEOUT=2, DATABASE_LOCK_TIMEOUT=1)
    path = f"/api/v1/users/{await service.create_user()}"
    async with service.client() as http:
        for request in (http.get("/probe/sleep?seconds=20"), http.post("/probe/sleep?seconds=20")):
            started = time.perf_counter()
            assert (await request).status_code == 503
            assert 2 <= time.perf_counter() - started < 4
        locking = asyncio.create_task(http.post("/probe/sleep?seconds=1.8"))
        await asyncio.sleep(0.3)
        started = time.perf_counter()
        assert (await http.patch(path, json={"full_name": "Ada"})).status_code == 503
        assert 1 <= time.perf_counter() - started < 1.5
        assert (await locking).status_code == 200
        assert (await http.patch(path, json={"full_name": "Ada"})).status_code == 200


@pytest.mark.parametrize("killed", ["pgbouncer", "postgresql"])
async def test_either_may_be_killed(
    serve_behind: Serve, pgbouncer: PgBouncer, database: PostgreSQLDatabase, killed: str
) -> None:
    """PgBouncer or the server behind it is killed under load: what was answered 2xx is stored, the rest was told 503, and
    the service answers again within 5 s of the return; PgBouncer itself looks for the server once a second.
    """
    server = pgbouncer if killed == "pgbouncer" else database.server
    await outlive(serve_behind(probe="clients", workers=2), server, database, within=5)


async def test_migrations(
    pgbouncer: PgBouncer, database: PostgreSQLDatabase, prepared: Callable[[str], Prepared]
) -> None:
    """Four processes that migrate at once do so one after another, and one that waits for a lock says who holds it."""
    project = prepared("postgresql").project
    database.server.create_database("fresh")
    through = {"DATABASE_URL": pgbouncer.url("fresh"), "DATABASE_PGBOUNCER": "true", "DATABASE_LOCK_TIMEOUT": "2"}

    async def alembic(*command: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(project.run, "alembic", *command, check=False, **through)

    upgrades = await asyncio.gather(*(alembic("upgrade", "head") for _ in range(4)))
    assert [done.returncode for done in upgrades] == [0] * 4, [done.stderr for done in upgrades]
    assert sum("Upgraded to" in done.stdout for done in upgrades) == 1
    holder = await asyncpg.connect(database.server.url("fresh"))
    await holder.execute("BEGIN; LOCK TABLE users")
    refused = await alembic("downgrade", "base")
    pid = await holder.fetchval("SELECT pg_backend_pid()")
    await holder.close()
    assert refused.returncode != 0
    assert re.search(rf"session {pid} of service", refused.stderr), refused.stderr
    assert (await alembic("downgrade", "base")).returncode == 0


async def test_a_projects_own_tests(
    pgbouncer: PgBouncer, database: PostgreSQLDatabase, prepared: Callable[[str], Prepared]
) -> None:
    """The project's own tests pass on a database that is reached through PgBouncer."""
    project = prepared("postgresql").project
    database.server.execute("ALTER ROLE service CREATEDB")
    through = {"TEST_DATABASE_URL": pgbouncer.url("suite_test"), "DATABASE_PGBOUNCER": "true"}
    done = await asyncio.to_thread(project.run, "pytest", "-q", "-p", "no:cacheprovider", check=True, **through)
    print(done.stdout[-300:])


async def test_without_the_setting_the_log_says_why(
    serve: Serve, pgbouncer: PgBouncer, database: PostgreSQLDatabase
) -> None:
    """PgBouncer refuses a service that was not told of it: 503, and a log with the words that the documentation explains."""
    service = serve(DATABASE_URL=pgbouncer.url(database.name))
    explained = "unsupported startup parameter"
    async with service.client() as http:
        answer = await http.get("/api/v1/users")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert explained in service.log()
    assert explained in (service.project.path / "docs/operations.md").read_text()
