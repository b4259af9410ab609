"""Transactions: what was answered with 2xx is stored, and nothing else is."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from .service import ADA, Database, PostgreSQLDatabase, Service, randomness

pytestmark = [pytest.mark.faults, pytest.mark.anyio]

Serve = Callable[..., Service]

ORPHANS = (
    "CREATE TABLE parents (id integer PRIMARY KEY)",
    "CREATE TABLE orphans (parent_id integer REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
)
SLOW_COMMIT = (
    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END$$",
    "CREATE CONSTRAINT TRIGGER wait AFTER INSERT OR UPDATE ON users DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION wait()",
)
REQUESTS = 2_000
# Where a handler fails, and how long it has: it is cancelled when the time is up.
FAILURES: dict[str, float | None] = {
    "at the start": None,
    "after one service": None,
    "before the flush": None,
    "after the flush": None,
    "in the commit": None,
    "with an answer": None,
    "waiting": 0.02,
    "in a statement": 0.02,
}


async def prepare(database: Database, *statements: str) -> None:
    """Run each statement, and let the service's role use what they create."""
    for statement in statements:
        await database.run(statement)
    if database.kind == "postgresql":
        await database.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO service")


async def contents(database: Database) -> list[str]:
    """Return what is in the posts that another connection sees."""
    return [row[0] for row in await database.run("SELECT content FROM posts ORDER BY content")]


async def test_a_handler_that_fails_leaves_nothing(serve: Serve, database: Database) -> None:
    """Whatever a handler has flushed is gone when it fails, is cancelled, or cannot commit; the answer is no 2xx."""
    await prepare(database, *ORPHANS)
    service = serve(probe="failures")
    author = await service.create_user()
    async with service.client() as http:
        pair = {"name": "x", "author_id": author}
        answers = {"flushed by hand": await http.post("/probe/flush", json=pair)}
        for point, timeout in FAILURES.items():
            body = {**pair, "fail": point, "timeout": timeout}
            answers[point] = await http.post("/probe/pairs", json=body)
        assert await contents(database) == []
        statuses = {point: answer.status_code for point, answer in answers.items()}
        print(f"{database.kind}: {statuses}")
        assert statuses.pop("with an answer") == 404
        assert statuses.pop("in the commit") == 409  # a foreign key, as any other
        # Its time was up: another day it may be done.
        assert {statuses.pop("waiting"), statuses.pop("in a statement")} == {503}
        assert set(statuses.values()) == {500}
        # The connection that each of them had is as good as new.
        assert (await http.post("/probe/pairs", json=pair)).status_code == 201
    assert await contents(database) == ["x a", "x b"]


async def commit_begins(database: PostgreSQLDatabase) -> None:
    """Return once a connection of the service is in the middle of COMMIT."""
    for _ in range(500):
        found = await database.run("SELECT 1 FROM pg_stat_activity WHERE query ILIKE 'commit%' AND state = 'active'")
        if found:
            return
        await asyncio.sleep(0.01)
    pytest.fail("no COMMIT was seen")


async def test_a_handler_that_fails_keeps_its_connection(serve: Serve, database: Database) -> None:
    """The request after one that was answered 500 is answered on the same connection, not cut off."""
    service = serve(probe="failures")
    pair = {"name": "x", "author_id": 1, "fail": "at the start"}
    async with service.client(connections=1) as http:
        for _ in range(50):
            assert (await http.post("/probe/pairs", json=pair)).status_code == 500
            assert (await http.get("/api/v1/users")).status_code == 200


@pytest.mark.parametrize("database", ["own server"], indirect=True)
@pytest.mark.parametrize("fault", ["connection ended", "server killed"])
async def test_commit_that_the_server_does_not_finish_returns_503(
    serve: Serve, database: PostgreSQLDatabase, fault: str
) -> None:
    """When the database is gone in the middle of COMMIT, no client is told that its row is stored."""
    await prepare(database, *SLOW_COMMIT)
    service = serve()
    async with service.client() as http:
        asked = asyncio.create_task(http.post("/api/v1/users", json=ADA))
        await commit_begins(database)
        if fault == "server killed":
            database.server.kill()
            answer = await asked
            database.server.start()
        else:
            await database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'commit%'")
            answer = await asked
        print(f"{fault} in COMMIT: {answer.status_code}")
        assert answer.status_code == 503
        assert await database.run("SELECT email FROM users") == []
        assert (await http.post("/api/v1/users", json=ADA)).status_code == 201


async def first_byte(service: Service, method: str, path: str, body: object) -> tuple[float, asyncio.StreamReader]:
    """Send a request, and return the time until its answer begins, and the rest of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
    started = time.perf_counter()
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    assert await reader.readexactly(1) == b"H"
    return time.perf_counter() - started, reader


async def test_a_row_is_visible_before_the_response_begins(serve: Serve, database: Database) -> None:
    """When the first byte of the answer arrives, another connection sees what was written, however slow the COMMIT."""
    if database.kind == "postgresql":
        await prepare(database, *SLOW_COMMIT)
    service = serve(probe="slow_commits" if database.kind == "sqlite" else None)
    steps: list[tuple[str, str, object, str]] = [
        ("POST", "", ADA, "email = 'ada@example.com'"),
        ("PATCH", "/1", {"full_name": "Countess"}, "full_name = 'Countess'"),
        ("DELETE", "/1", None, "deleted_at IS NOT NULL"),
        ("POST", "/1/restore", None, "deleted_at IS NULL"),
    ]
    for method, path, body, condition in steps:
        seconds, rest = await first_byte(service, method, f"/api/v1/users{path}", body)
        seen = await database.run(f"SELECT count(*) FROM users WHERE {condition}")
        assert seen == [(1,)], f"{method} was answered before its row was to be seen"
        assert (await rest.readline()).startswith(b"TTP/1.1 20")
        print(f"{database.kind}: {method} with a COMMIT of 0.5 s: first byte after {seconds:.2f} s")
        assert seconds >= 0.5


async def test_two_service_calls_in_one_transaction_appear_together(serve: Serve, database: Database) -> None:
    """Nobody ever sees one of two service calls that are made inside one `transaction(db)`."""
    service = serve(probe="failures")
    author = await service.create_user()
    async with service.client() as http:
        asked = asyncio.create_task(http.post("/probe/slow-pairs", json={"name": "x", "author_id": author}))
        seen = []
        while not asked.done():
            seen.append(len(await contents(database)))
            await asyncio.sleep(0.01)
        assert (await asked).status_code == 201
    seen.append(len(await contents(database)))
    print(f"{database.kind}: seen in {len(seen)} looks: {sorted(Counter(seen).items())}")
    assert set(seen) == {0, 2}


async def test_rows_are_exactly_those_acknowledged(serve: Serve, database: Database) -> None:
    """Of 2,000 requests, 200 fail at a random point: the table holds what was answered with 2xx, and nothing else."""
    await prepare(database, *ORPHANS)
    service = serve(probe="failures", workers=2)
    author = await service.create_user()
    chance = randomness()
    failing = set(chance.sample(range(REQUESTS), REQUESTS // 10))
    waiting = iter(range(REQUESTS))
    acknowledged: set[int] = set()
    answers: Counter[tuple[str, int]] = Counter()

    async def ask(http: httpx.AsyncClient) -> None:
        for number in waiting:
            point, timeout = chance.choice(list(FAILURES.items())) if number in failing else ("", None)
            pair = {"name": f"{number:04}", "author_id": author, "fail": point, "timeout": timeout}
            status = (await http.post("/probe/pairs", json=pair)).status_code
            answers[point, status] += 1
            if status < 300:
                acknowledged.add(number)

    started = time.perf_counter()
    async with service.client() as http:
        await asyncio.gather(*(ask(http) for _ in range(32)))
    seconds = time.perf_counter() - started
    print(f"{database.kind}: {REQUESTS} requests of 32 clients: {REQUESTS / seconds:.0f} a second; {dict(answers)}")
    assert len(acknowledged) == REQUESTS - REQUESTS // 10
    assert await contents(database) == [f"{number:04} {post}" for number in sorted(acknowledged) for post in "ab"]
