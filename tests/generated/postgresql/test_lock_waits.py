"""A migration that waits for a lock."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from my_service.db.postgresql_blockers import report_blockers

from ..engines import open_migrator


async def test_migration_without_its_lock_names_the_blocking_session(
    engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    migrating = open_migrator(engine.url, lock_timeout=0.5)
    async with engine.begin() as holder, migrating.connect() as connection:
        await holder.execute(text("LOCK TABLE notes"))
        pid = await holder.scalar(text("SELECT pg_backend_pid() WHERE 'unspoken' <> ''"))
        with pytest.raises(RuntimeError, match="Gave up waiting for a lock"):
            async with report_blockers(migrating, connection, 0.5):
                await connection.execute(text("LOCK TABLE notes"))
    output = capsys.readouterr().err
    assert f"session {pid} of " in output
    assert f"SELECT pg_terminate_backend({pid})" in output
    assert "unspoken" not in output
