"""Files, pragmas and errors of SQLite."""

import asyncio
import time
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, String, insert, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from my_service.core.database import AsyncSessionLocal, read_engine, transaction
from my_service.db.sqlite import report_blockers

from ..engines import open_migrator
from ..planets import NOTES
from ..service import check_unavailable, serve


async def test_connections_enforce_foreign_keys_and_use_wal(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"


@pytest.mark.usefixtures("committed")
async def test_queued_statement_of_a_lost_connection_is_interrupted() -> None:
    seconds = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000) SELECT count(*) FROM n"
    async with AsyncSessionLocal() as db:
        connection = await db.connection()
        await connection.execute(insert(NOTES).values(id=1))
        driver: Any = (await connection.get_raw_connection()).driver_connection
        asked = [asyncio.ensure_future(work) for work in (driver._execute(time.sleep, 0.5), driver.execute(seconds))]
        await asyncio.sleep(0.2)
        await connection.invalidate()
        async with asyncio.timeout(2):
            _, stopped = await asyncio.gather(*asked, return_exceptions=True)
    assert str(stopped) == "interrupted"
    async with asyncio.timeout(2), AsyncSessionLocal() as db, transaction(db):
        await db.execute(insert(NOTES).values(id=2))
    async with read_engine.connect() as other:
        assert (await other.scalars(select(NOTES.c.id))).all() == [2]


async def test_missing_folder_returns_503() -> None:
    async with serve(make_url("sqlite+aiosqlite:////no/such/folder/app.db")) as (_, client):
        check_unavailable(await client.post("/"))


async def test_migration_blocked_by_a_writer_says_so(engine: AsyncEngine) -> None:
    migrating = open_migrator(engine.url, lock_timeout=0.1)
    async with engine.begin(), migrating.connect() as connection:
        with pytest.raises(RuntimeError, match=r"Another process holds the write lock of .* within 0.1 s"):
            async with report_blockers(migrating, connection, 0.1):
                await connection.begin()


async def test_changed_table_keeps_referring_rows_triggers_and_views(empty: AsyncConnection) -> None:
    own = (
        "CREATE TABLE owners (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(9), nick VARCHAR(9) COLLATE NOCASE)",
        "CREATE TABLE things (owner_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE)",
        "CREATE VIEW names AS SELECT name FROM owners",
        "CREATE TRIGGER kept AFTER UPDATE ON owners BEGIN DELETE FROM things WHERE owner_id = new.id; END",
        "CREATE TRIGGER kept_too AFTER DELETE ON things BEGIN DELETE FROM owners WHERE id = old.owner_id; END",
        "INSERT INTO owners (name, nick) VALUES ('ada', 'Countess')",
        "INSERT INTO things VALUES (1)",
    )

    def change(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("owners") as batch:
            batch.alter_column("name", new_column_name="name", type_=String(10), existing_type=String(9))

    for statement in own:
        await empty.execute(text(statement))
    schema = text("SELECT type, name FROM sqlite_master ORDER BY 1, 2")
    before = (await empty.execute(schema)).all()
    await empty.run_sync(change)
    assert (await empty.execute(schema)).all() == before
    assert (await empty.execute(text("SELECT owner_id FROM things"))).all() == [(1,)]
    assert await empty.scalar(text("SELECT name FROM owners WHERE nick = 'COUNTESS'")) == "ada"
    assert "AUTOINCREMENT" in (await empty.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'owners'")) or "")
