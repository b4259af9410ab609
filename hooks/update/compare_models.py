"""Write a revision with only the changes that an update of the template made to the models.

These are the differences between the models of the last commit and those of the work tree. The revision contains those
that the migrations do not make yet. So it excludes the owner's unmigrated changes, and tables without a model.
finish_update.py runs it in the project's environment:

    compare_models.py VERSIONS MESSAGE [TABLE.OLD=NEW ...]

VERSIONS is a folder with one revision, which makes the schema of the last commit's models. The remaining arguments are
the columns that the template renamed.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from alembic.util import CommandError
from project_modules import ROOT, alembic_config, backfill, on_scratch_database, write
from sqlalchemy import Connection, inspect

Revision = str | Iterable[str | None]


class Written(NamedTuple):
    """A new revision, and the warnings for its author."""

    path: Path
    warnings: list[str]


class Rename(NamedTuple):
    """A column that has another name than at the last commit."""

    table: str
    old: str
    new: str

    @classmethod
    def parse(cls, text: str) -> "Rename":
        """Return the rename that is written as TABLE.OLD=NEW."""
        column, _, new = text.partition("=")
        table, _, old = column.rpartition(".")
        return cls(table, old, new)

    def undo(self) -> "Rename":
        """Return the reverse rename."""
        return Rename(self.table, self.new, self.old)

    def sql(self, connection: Connection) -> str:
        """Return the statement, which is the same on both databases."""
        table, old, new = map(connection.dialect.identifier_preparer.quote, self)
        return f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"


def rename_columns(connection: Connection, renames: Iterable[Rename]) -> list[Rename]:
    """Rename the columns that still have their old names, and return which ones these were."""
    done = []
    for rename in renames:
        look = inspect(connection)
        columns = {column["name"] for column in look.get_columns(rename.table)} if look.has_table(rename.table) else ()
        if rename.old in columns and rename.new not in columns:
            connection.exec_driver_sql(rename.sql(connection))
            done.append(rename)
    return done


def missing_operations(config: Config) -> list[ops.MigrateOperation]:
    """Return the operations by which the models differ from the configuration's database, which is at its head."""
    found: list[ops.MigrateOperation] = []

    def keep(context: MigrationContext, revision: Revision, directives: list[ops.MigrationScript]) -> None:
        operations = directives[0].upgrade_ops
        found.extend([] if operations is None else operations.ops)
        directives.clear()

    command.revision(config, autogenerate=True, process_revision_directives=keep)
    return found


def changes(connection: Connection, versions: Path, renames: Sequence[Rename]) -> list[ops.MigrateOperation]:
    """Return the operations that bring the last commit's models to those of the work tree."""
    config = Config(attributes={"connection": connection}, stdout=sys.stderr)
    config.set_main_option("script_location", str(ROOT / "alembic").replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    command.upgrade(config, "head")
    rename_columns(connection, renames)
    return missing_operations(config)


def key(operation: ops.MigrateOperation) -> tuple[str, ...]:
    """Return the kind of an operation and the object that it changes, without its details."""
    parts = ("schema", "table_name", "source_table", "column_name", "index_name", "constraint_name")
    values = [getattr(operation, part, None) for part in parts]
    if isinstance(operation, ops.AddColumnOp):
        values.append(operation.column.name)
    return (type(operation).__name__, *map(str, values))


def keys(operations: Iterable[ops.MigrateOperation]) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the operations, including those on the parts of a table."""
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            yield from keys(operation.ops)
        else:
            yield key(operation)


def only(wanted: set[tuple[str, ...]], operations: Iterable[ops.MigrateOperation]) -> list[ops.MigrateOperation]:
    """Return the operations that have one of the wanted keys."""
    kept: list[ops.MigrateOperation] = []
    for operation in operations:
        if isinstance(operation, ops.ModifyTableOps):
            if parts := only(wanted, operation.ops):
                kept.append(ops.ModifyTableOps(operation.table_name, parts, schema=operation.schema))
        elif key(operation) in wanted:
            kept.append(operation)
    return kept


def write_changes(
    connection: Connection, message: str, changed: Sequence[ops.MigrateOperation], renames: Sequence[Rename]
) -> tuple[Written | None, bool]:
    """Write a revision with those of the changes that the migrations do not make yet, and run it.

    Returns the revision, or None if there is nothing to write, and whether the models have other unmigrated changes.

    Raises:
        CommandError: a migration fails. If it is the new one, its file is removed.
    """
    config = alembic_config(connection)
    command.upgrade(config, "head")
    before = connection.begin_nested()
    renamed = rename_columns(connection, renames)
    kept = only(set(keys(missing_operations(config))), changed)

    def keep(context: MigrationContext, revision: Revision, directives: list[ops.MigrationScript]) -> None:
        up = ops.UpgradeOps(kept)
        down = up.reverse()
        backfill(up, context.opts["target_metadata"])
        up.ops[:0] = [ops.ExecuteSQLOp(rename.sql(connection)) for rename in renamed]
        down.ops += [ops.ExecuteSQLOp(rename.undo().sql(connection)) for rename in reversed(renamed)]
        directives[0].upgrade_ops, directives[0].downgrade_ops = up, down

    written: Written | None = None
    if kept or renamed:
        script = write(message, config, autogenerate=True, process_revision_directives=keep)
        assert isinstance(script, Script)  # noqa: S101
        written = Written(Path(script.path), config.attributes["warnings"])
    before.rollback()
    try:
        command.upgrade(alembic_config(connection), "head")
    except Exception as error:  # a migration is its author's code
        if written is not None:
            written.path.unlink()
        raise CommandError(f"The migration with the template's changes does not run: {error}") from None
    return written, bool(missing_operations(alembic_config(connection)))


async def main() -> None:
    """Run as a part of finish_update.py."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", type=Path)
    parser.add_argument("message")
    parser.add_argument("renames", nargs="*", type=Rename.parse)
    given = parser.parse_args()
    try:
        changed = await on_scratch_database(lambda c: changes(c, given.versions, given.renames))
        written, more = await on_scratch_database(lambda c: write_changes(c, given.message, changed, given.renames))
    except CommandError as error:
        raise SystemExit(str(error)) from None
    if written is None:
        print("The template changed nothing in the schema: there is no migration to write.")
    else:
        print(f"Wrote {written.path.relative_to(ROOT)}. Read it, then run make db-upgrade.")
        for warning in written.warnings:
            print(f"  {warning}")
    if more:
        print("The models have other changes that no migration makes: make db-check shows them.")


if __name__ == "__main__":
    asyncio.run(main())
