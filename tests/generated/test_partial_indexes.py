"""make db-migrate sees a changed WHERE of a partial index."""

from typing import Any

import pytest
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, DateTime, Index, MetaData, String, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from my_service.db.migrations.autogenerate import autogenerate_options


@pytest.mark.parametrize(
    ("stored", "wanted", "differ"),
    [
        ("deleted_at IS NULL", "deleted_at IS NULL", False),
        ("deleted_at IS NULL", "(deleted_at  is null)", False),
        ("name <> 'x' AND deleted_at IS NULL", "name <> 'x' AND deleted_at IS NULL", False),
        ("deleted_at IS NULL", "deleted_at IS NULL AND name <> 'x'", True),
        ("deleted_at IS NULL", None, True),
        (None, "deleted_at IS NULL", True),
    ],
)
async def test_changed_where_of_a_partial_index_is_migrated(
    empty: AsyncConnection, stored: str | None, wanted: str | None, differ: bool
) -> None:
    def compare(connection: Connection) -> str:
        context = MigrationContext.configure(connection, opts=autogenerate_options())
        things(stored).create_all(connection)
        operations = produce_migrations(context, things(wanted)).upgrade_ops
        assert operations is not None
        return render_python_code(operations, render_as_batch=True, migration_context=context)

    code = await empty.run_sync(compare)
    assert ("create_index" in code) is differ
    if differ and wanted:
        assert f"postgresql_where=sa.text({wanted!r})" in code
        assert f"sqlite_where=sa.text({wanted!r})" in code


def things(where: str | None) -> MetaData:
    """Return a table with a partial index."""
    metadata = MetaData()
    table = Table("things", metadata, Column("name", String(50)), Column("deleted_at", DateTime))
    options: dict[str, Any] = {} if where is None else {"postgresql_where": text(where), "sqlite_where": text(where)}
    Index("ix_things_name", table.c.name, unique=True, **options)
    return metadata
