"""Several servers in DATABASE_URL: the one that takes writes is found, and a failover loses nothing that was acknowledged."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from ..postgresql import PostgreSQL
from .outlive import Registrations, until
from .service import ADA, PostgreSQLDatabase, Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["own server"], indirect=True),
]

Serve = Callable[..., Service]


@pytest.fixture
def replica(database: PostgreSQLDatabase) -> Iterator[PostgreSQL]:
    """Yield a replica of the test's own server."""
    with PostgreSQL(primary=database.server) as server:
        yield server


def url(database: PostgreSQLDatabase, *ports: int) -> str:
    """Return the URL of the database on these ports, as libpq lists them."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://service@{hosts}/{database.name}"


async def test_a_host_that_hangs_costs_its_timeout_once(serve: Serve, database: PostgreSQLDatabase) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hosts = url(database, silent.getsockname()[1], database.server.port)
        service = serve(DATABASE_URL=hosts, DATABASE_CONNECT_TIMEOUT=1, DATABASE_POOL_RECYCLE=0)
        took = []
        async with service.client() as http:
            for _ in range(3):
                started = time.perf_counter()
                assert (await http.get("/api/v1/users")).status_code == 200
                took.append(time.perf_counter() - started)
        print(f"seconds: {took}")
        assert 1 < took[0] < 3
        assert max(took[1:]) < 1, "each of them makes a new connection"


async def test_readiness_does_not_stay_with_a_host_that_hangs(serve: Serve, database: PostgreSQLDatabase) -> None:
    """It waits less long than a host may take to connect."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        service = serve(
            DATABASE_URL=url(database, silent.getsockname()[1], database.server.port), READINESS_TIMEOUT=0.5
        )
        async with service.client() as http:
            answers = [(await http.get("/health/ready")).status_code for _ in range(3)]
    assert answers == [503, 200, 200]


async def test_writes_find_the_primary(serve: Serve, database: PostgreSQLDatabase, replica: PostgreSQL) -> None:
    """The primary may be listed last. Without one, requests return 503."""
    service = serve(DATABASE_URL=url(database, replica.port, database.server.port), DATABASE_POOL_RECYCLE=0)
    async with service.client() as http:
        assert (await http.post("/api/v1/users", json=ADA)).status_code == 201
        database.server.stop()
        for method in ("GET", "POST"):
            assert (await http.request(method, "/api/v1/users", json=ADA)).status_code == 503
        replica.execute("SELECT pg_promote()")
        assert (await http.get("/api/v1/users")).json()["items"][0]["username"] == "ada"
        assert (await http.post("/api/v1/users", json=ADA)).status_code == 409


@pytest.mark.parametrize("synchronous", [True, False])
async def test_a_failover_loses_no_acknowledged_write(
    serve: Serve, database: PostgreSQLDatabase, replica: PostgreSQL, *, synchronous: bool
) -> None:
    """The primary is killed under load, and the replica promoted. Cut off and not waited for, it lacks writes."""
    primary = database.server
    if synchronous:
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
    service = serve(DATABASE_URL=url(database, primary.port, replica.port), probe="clients", workers=2)
    users = Registrations()

    async with service.client() as http:
        load = [asyncio.create_task(users.register(http)) for _ in range(8)]
        await asyncio.sleep(2)
        if not synchronous:
            replica.execute("ALTER SYSTEM SET primary_conninfo = ''")
            replica.execute("SELECT pg_reload_conf()")
            await asyncio.sleep(1)
        await asyncio.to_thread(primary.kill)
        await asyncio.sleep(0.5)
        before = users.answers[201]
        await asyncio.to_thread(replica.execute, "SELECT pg_promote()")

        async def acknowledges() -> bool:
            return users.answers[201] > before

        gap = await until(acknowledges, 5)
        await asyncio.sleep(1)
        users.stopped.set()
        await asyncio.gather(*load)
    stored = set(replica.execute("SELECT username FROM users", database.name).splitlines())
    lost = len(users.acknowledged - stored)
    print(
        f"{len(users.acknowledged)} acknowledged, {lost} lost, answers {dict(users.answers)}, the next {gap:.2f} s after the promotion"
    )
    assert set(users.answers) == {201, 503}
    assert (lost == 0) is synchronous, "without synchronous replication some are lost, so this test can see it"


async def test_a_commit_without_its_replica_is_given_up(serve: Serve, database: PostgreSQLDatabase) -> None:
    """What was answered with 503 may be stored; nothing waits on."""
    primary = database.server
    service = serve(DATABASE_COMMIT_TIMEOUT=1)
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    primary.execute("SELECT pg_reload_conf()")
    async with service.client() as http:
        started = time.perf_counter()
        assert (await http.post("/api/v1/users", json=ADA)).status_code == 503
        took = time.perf_counter() - started
        assert 1 < took < 4
        assert (await http.get("/api/v1/users")).status_code == 200

        async def nothing_waits() -> bool:
            return primary.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "0"

        await until(nothing_waits, 5)
        primary.execute("ALTER SYSTEM RESET synchronous_standby_names")
        primary.execute("SELECT pg_reload_conf()")
        assert (await http.post("/api/v1/users", json=ADA)).status_code == 409
        assert (await http.post("/api/v1/users", json={**ADA, "email": "b@c.de", "username": "b"})).status_code == 201
