"""A file that cannot be written: reads go on, and writes are answered with 503."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from my_service.core.config import settings
from my_service.core.database import backend
from my_service.db.engine import create_engine, create_migration_engine
from my_service.db.url import parse_url


async def test_writing_a_read_only_file_is_unavailable(tmp_path: Path) -> None:
    url = parse_url(f"sqlite:///{tmp_path / 'read_only.db'}")
    making = create_migration_engine(url, settings)
    async with making.begin() as connection:
        await connection.execute(text("CREATE TABLE notes (text)"))
    await making.dispose()
    engine = create_engine(url, settings)
    async with engine.connect() as connection:
        await connection.execute(text("PRAGMA query_only = ON"))  # root may write every file
        with pytest.raises(DBAPIError) as refused:
            await connection.execute(text("INSERT INTO notes VALUES ('x')"))
    assert backend.is_unavailable(refused.value)
    await engine.dispose()
