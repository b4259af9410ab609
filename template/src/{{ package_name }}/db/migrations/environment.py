"""Run migrations: on a connection from the caller (tests, `make db-migrate`), or on the database of the settings."""

import asyncio
import os
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from alembic import context
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations.batch import ApplyBatchImpl
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import URL, Connection, MetaData, Table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from ..engine import BACKENDS, backend_for, create_migration_engine
from ..settings import EngineSettings
from .autogenerate import autogenerate_options


class _SQLite(SQLiteImpl):
    """Alembic's own copies the values of computed columns, which SQLite refuses."""

    __dialect__ = "sqlite"

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: Table) -> None:
        """Let the copy of the table compute them."""
        for column in batch_impl.new_table.columns if batch_impl.new_table is not None else ():
            if column.computed is not None:
                batch_impl.column_transfers[column.name].pop("expr", None)


@contextmanager
def locate_errors() -> Iterator[None]:
    """Import the models inside it.

    Raises:
        CommandError: a module does not import; the text says where.
    """
    try:
        yield
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        source, engine_room = f"{os.sep}src{os.sep}", f"{os.sep}db{os.sep}"
        own = [frame for frame in frames if source in frame.filename and engine_room not in frame.filename]
        place = own or frames
        where = f"{place[-1].filename}:{place[-1].lineno}"
        raise CommandError(f"The models do not import: {where}: {type(error).__name__}: {error}") from error


def run_migrations(
    url: URL, settings: EngineSettings, metadata: MetaData, excluded_tables: Collection[str] = ()
) -> None:
    """Run what Alembic's command asks for; called by alembic/env.py.

    Args:
        url: the database, unless the caller of Alembic passes a connection in the attributes of its Config.
        settings: how to connect.
        metadata: the tables of the models.
        excluded_tables: tables that migrations create by hand and autogenerate ignores.

    Raises:
        CommandError: the models cannot be used, or the migration failed and nothing was changed.
    """
    try:
        configure_mappers()
        _ = [key.column for table in metadata.tables.values() for key in table.foreign_keys]
        context.script.get_heads()
    except SQLAlchemyError as error:
        raise CommandError(f"The models do not fit together: {error}") from error
    except KeyError as error:
        raise CommandError(f"A migration follows revision {error.args[0]}, which is not in alembic/versions.") from None
    configured = {"target_metadata": metadata, **autogenerate_options(excluded_tables, context.script)}
    if context.is_offline_mode():  # alembic upgrade head --sql
        context.configure(url=url, literal_binds=True, **configured)
        with context.begin_transaction():
            context.run_migrations()
        return
    given: Connection | None = context.config.attributes.get("connection")
    try:
        if given is not None:
            _run(given, **configured)
        else:
            asyncio.run(_run_on_database(url, settings, on_version_apply=_print_step, **configured))
    except KeyboardInterrupt:
        raise CommandError("Stopped. Either all of it was applied or nothing: run make db-current.") from None
    except CommandError as error:
        if "Relative revision -" in str(error):
            raise CommandError("There is no migration to undo.") from error
        if "Multiple head" in str(error):
            raise CommandError('There are several heads. Join them: .venv/bin/alembic merge heads -m "merge"') from None
        raise
    except (DBAPIError, RuntimeError) as error:
        lines = [reason(error), getattr(error, "statement", None), "Nothing was changed."]
        raise CommandError("\n".join(filter(None, lines))) from error


def _run(connection: Connection, /, **configured: Any) -> None:
    # transactional_ddl: SQLite can roll back DDL, but Alembic would commit after each migration.
    context.configure(connection=connection, transactional_ddl=True, **configured)
    # The first revision is made on SQLite in memory, whatever the database.
    backend = BACKENDS.get(connection.dialect.name)
    with context.begin_transaction(), backend.migration_lock(connection) if backend else nullcontext():
        context.run_migrations()


def _print_step(*, step: MigrationInfo, **_: Any) -> None:
    if not step.is_stamp and isinstance(script := step.up_revision, Script):
        print("Upgraded to" if step.is_upgrade else "Undone:", f"{script.revision} ({script.doc})")


async def _run_on_database(url: URL, settings: EngineSettings, **configured: Any) -> None:
    engine = create_migration_engine(url, settings)
    try:
        connection = await engine.connect()
    except (OSError, DBAPIError) as error:
        raise CommandError(f"Cannot connect to the database {url}: {reason(error)}") from error
    try:
        async with backend_for(url).report_blockers(engine, connection, settings.DATABASE_LOCK_TIMEOUT):
            await connection.run_sync(_run, **configured)
        await connection.commit()
    finally:
        await connection.close()
        await engine.dispose()


def reason(error: BaseException) -> str:
    """Return what the database or the operating system says."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(cause) or type(cause).__name__
