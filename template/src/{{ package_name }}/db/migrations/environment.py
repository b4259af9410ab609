"""Run migrations: on a connection from the caller (tests, `make db-migrate`), or on the database of the settings."""

import asyncio
from collections.abc import Collection
from contextlib import nullcontext
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationInfo
from alembic.script import Script
from alembic.util import CommandError
from sqlalchemy import URL, Connection, MetaData
from sqlalchemy.exc import DBAPIError

from ..engine import BACKENDS, backend_for, create_migration_engine
from ..settings import EngineSettings
from .autogenerate import autogenerate_options


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
        CommandError: the migration failed, and nothing was changed.
    """
    configured = {"target_metadata": metadata, **autogenerate_options(excluded_tables)}
    if context.is_offline_mode():  # alembic upgrade head --sql
        context.configure(url=url, literal_binds=True, **configured)
        with context.begin_transaction():
            context.run_migrations()
    elif (given := context.config.attributes.get("connection")) is not None:
        _run(given, **configured)
    else:
        asyncio.run(_run_on_database(url, settings, on_version_apply=_print_step, **configured))


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
    except (OSError, TypeError, DBAPIError) as error:  # TypeError: an unknown parameter in the URL
        raise CommandError(f"Cannot connect to the database {url}: {reason(error)}") from error
    try:
        async with backend_for(url).report_blockers(engine, connection, settings.DATABASE_LOCK_TIMEOUT):
            await connection.run_sync(_run, **configured)
        await connection.commit()
    except asyncio.CancelledError:  # Ctrl-C
        raise CommandError("Stopped. Either all of it was applied or nothing: run make db-current.") from None
    except CommandError as error:
        if "Relative revision -" in str(error):
            raise CommandError("There is no migration to undo.") from error
        raise
    except (DBAPIError, RuntimeError) as error:
        lines = [reason(error), getattr(error, "statement", None), "Nothing was changed."]
        raise CommandError("\n".join(filter(None, lines))) from error
    finally:
        await connection.close()
        await engine.dispose()


def reason(error: BaseException) -> str:
    """Return what the database or the operating system says."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return str(cause) or type(cause).__name__
