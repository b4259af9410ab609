"""Pooled connections, timeouts and errors of PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import URL, insert, make_url, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from my_service.api import health
from my_service.core.config import Settings, settings
from my_service.core.database import AsyncSessionLocal, get_read_db, transaction
from my_service.db import postgresql

from ..engines import open_reader, open_writer
from ..planets import NOTES
from ..service import check_unavailable, serve
from ..test_disconnects import port, send, until, watch_soon

__all__ = ["port", "watch_soon"]

PID = text("SELECT pg_backend_pid()")
Activity = Callable[[int, str], Awaitable[object]]


async def test_host_may_be_the_folder_of_a_socket(engine: AsyncEngine) -> None:
    url = engine.url
    async with engine.connect() as connection:
        folder = await connection.scalar(text("SHOW data_directory"))
        port = await connection.scalar(text("SHOW port"))
    parts: dict[str, Any] = {"HOST": folder, "PORT": port, "USER": url.username, "DB": url.database}
    given = Settings(DATABASE_URL=None, **{f"POSTGRES_{name}": value for name, value in parts.items()})
    on_socket = open_writer(make_url(given.database_url))
    async with on_socket.connect() as connection:
        assert await connection.scalar(text("SELECT current_database()")) == url.database
    await on_socket.dispose()


async def test_log_of_a_rejected_row_contains_no_value(engine: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(engine.url, "INSERT INTO planets (name, mass) VALUES ('sec' || 'ret', NULL)") as (_, client):
        assert (await client.post("/")).status_code == 500
    assert 'null value in column "mass"' in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.usefixtures("committed")
async def test_unique_violation_without_detail_is_known() -> None:
    """PostgreSQL leaves out the detail where the role may not read the column."""
    with pytest.raises(IntegrityError) as refused:
        async with AsyncSessionLocal() as db, transaction(db):
            await db.execute(insert(NOTES), [{"id": 1}, {"id": 1}])
    assert refused.value.orig is not None
    assert postgresql.violated_unique_columns(refused.value) == ["id"]
    vars(refused.value.orig.__cause__)["detail"] = None
    assert postgresql.violated_unique_columns(refused.value) == ["value"]


@pytest.fixture
async def single(engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """Yield an engine with one connection."""
    single = open_writer(engine.url)
    yield single
    await single.dispose()


async def use(engine: AsyncEngine) -> int:
    """Use the connection, and return the id of its process."""
    async with engine.connect() as connection:
        pid: int = await connection.scalar(PID)
        return pid


@pytest.fixture
async def activity(engine: AsyncEngine) -> AsyncIterator[Activity]:
    """Yield a function that asks PostgreSQL about a connection, on a connection of its own."""
    observer = open_reader(engine.url)

    async def ask(pid: int, column: str) -> object:
        statement = text(f"SELECT {column} FROM pg_stat_activity WHERE pid = :pid")  # noqa: S608
        async with observer.connect() as connection:
            return await connection.scalar(statement, {"pid": pid})

    yield ask
    await observer.dispose()


async def test_terminated_connection_is_replaced(engine: AsyncEngine, single: AsyncEngine) -> None:
    terminated = await use(single)
    async with engine.connect() as other:
        await other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": terminated})
    assert await use(single) != terminated


async def test_only_an_idle_connection_is_tested(
    single: AsyncEngine, activity: Activity, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = await use(single)
    used = await activity(pid, "query_start")
    async with single.connect():
        assert await activity(pid, "query_start") == used
    monkeypatch.setattr(postgresql, "_IDLE", 0)
    async with single.connect():
        assert await activity(pid, "query_start") != used


async def test_read_session_leaves_no_transaction_open(activity: Activity) -> None:
    reader = await get_read_db()
    assert await activity(await reader.scalar(PID), "state") == "idle"


async def test_abandoned_stream_leaves_no_transaction_open(activity: Activity) -> None:
    async with AsyncSessionLocal() as db, transaction(db):
        rows = await db.stream(text("SELECT pg_backend_pid(), generate_series(1, 2000)"))
        pid, first = await anext(rows)
        assert first == 1
        assert await activity(pid, "state") == "idle in transaction"
    assert await activity(pid, "state") == "idle"


async def test_connections_have_timeouts(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(text("SHOW statement_timeout")) == "30s"
        assert await connection.scalar(text("SHOW lock_timeout")) == "5s"
        assert await connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"


async def test_statement_of_a_disconnected_client_is_cancelled(port: int, engine: AsyncEngine) -> None:
    connection = await send(port, "GET /endless")
    await until(1)
    connection.close()
    running = text("""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'
    """)
    # In a transaction PostgreSQL would repeat its first answer.
    async with asyncio.timeout(5), engine.execution_options(isolation_level="AUTOCOMMIT").connect() as other:
        while await other.scalar(running):  # noqa: ASYNC110 - a statement has no event
            await asyncio.sleep(0.1)


async def test_unreachable_server_returns_503() -> None:
    async with serve(make_url("postgresql+asyncpg://postgres@127.0.0.1:1/app")) as (_, client):
        check_unavailable(await client.post("/"))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_sleep(5)",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '53100'; END $$",
    ],
    ids=["statement timeout", "lost connection", "serialization failure", "deadlock", "disk full"],
)
async def test_temporary_failure_returns_503(engine: AsyncEngine, statement: str) -> None:
    async with serve(engine.url, statement) as (_, client), asyncio.timeout(3):
        check_unavailable(await client.post("/"))


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept a connection, and never answer."""
    await reader.read()
    writer.close()


@pytest.mark.parametrize("listens", [False, True], ids=["refuses", "hangs"])
async def test_silent_server_returns_503_in_time(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    server_port = server.sockets[0].getsockname()[1]
    if not listens:
        server.close()
        await server.wait_closed()
    down = open_reader(URL.create("postgresql+asyncpg", "postgres", host="127.0.0.1", port=server_port, database="app"))
    monkeypatch.setattr(health, "read_engine", down)
    monkeypatch.setattr(settings, "READINESS_TIMEOUT", 0.5)
    async with asyncio.timeout(2):
        response = await client.get("/health/ready")
    assert (response.status_code, response.json()["detail"]) == (503, "the database does not answer")
    await down.dispose()
    server.close()


@pytest.mark.parametrize("password", ["p@ss:w/rd%40?#[]", "quote\"'", "ünï", "a b", "{}$\\"])
def test_password_may_contain_any_character(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("POSTGRES_PASSWORD", password)
    monkeypatch.setenv("POSTGRES_HOST", "db.example.com")
    given = Settings()
    url = make_url(given.database_url)
    assert (url.password, url.host, url.database) == (password, "db.example.com", "my_service")
    assert given.database_is_given is True
    assert password not in repr(given)
