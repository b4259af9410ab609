"""Compare the WHERE clauses of partial indexes, which Alembic does not."""

import re
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import Connection, Index, Table, text
from sqlalchemy.dialects import registry
from sqlalchemy.exc import ProgrammingError

DIALECTS = ("postgresql", "sqlite")


def setup(plugin: Plugin) -> None:
    """Register the comparison. It runs last, and skips an index that another comparison already changes."""
    plugin.add_autogenerate_comparator(compare, "table", "partial_indexes", priority=DispatchPriority.LAST)


def compare(
    context: AutogenContext,
    modify_ops: ops.ModifyTableOps,
    schema: str | None,
    name: str,
    stored: Table | None,
    wanted: Table | None,
) -> PriorityDispatchResult:
    """Replace each index whose WHERE clause differs from the model's."""
    connection = context.connection
    if stored is not None and wanted is not None and connection is not None:
        changed = {getattr(op, "index_name", None) for op in modify_ops.ops}
        existing = {index.name: index for index in stored.indexes}
        for index in sorted(wanted.indexes, key=lambda index: str(index.name)):
            old = existing.get(index.name)
            if old is not None and index.name not in changed and not _same_where(connection, old, index):
                modify_ops.ops += [
                    ops.DropIndexOp.from_index(old),
                    ops.CreateIndexOp.from_index(index),
                ]
    return PriorityDispatchResult.CONTINUE


def set_where_of_all_databases(container: ops.OpContainer) -> None:
    """Give an index the same WHERE clause on every database. A reflected index has only that of its database."""
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            set_where_of_all_databases(operation)
        elif isinstance(operation, ops.CreateIndexOp | ops.DropIndexOp):
            given = {f"{dialect}_where": operation.kw.get(f"{dialect}_where") for dialect in DIALECTS}
            known = [where for where in given.values() if where is not None]
            if known:
                operation.kw.update({name: known[0] if where is None else where for name, where in given.items()})


def _where(index: Index, dialect: str) -> str:
    where: Any = index.dialect_options[dialect]["where"]
    if where is None or isinstance(where, str):
        return where or ""
    in_ddl = {"literal_binds": True, "include_table": False}
    return str(where.compile(dialect=registry.load(dialect)(), compile_kwargs=in_ddl))


def _same_where(connection: Connection, stored: Index, wanted: Index) -> bool:
    dialect = connection.dialect.name
    old, new = _where(stored, dialect), _where(wanted, dialect)
    if old and new and dialect == "postgresql" and wanted.table is not None:
        try:
            new = _normalized_by_postgresql(connection, wanted.table, new)
        except ProgrammingError:
            return False  # the clause names a column that this migration adds
    return _bare(old) == _bare(new)


def _normalized_by_postgresql(connection: Connection, table: Table, where: str) -> str:
    """Return the clause as PostgreSQL stores it: create the index on an empty copy of the table."""
    quoted = connection.dialect.identifier_preparer.format_table(table)
    with connection.begin_nested() as savepoint:
        connection.execute(text(f"CREATE TEMPORARY TABLE partial_index_probe (LIKE {quoted})"))
        connection.execute(text(f"CREATE INDEX ON partial_index_probe ((1)) WHERE {where}"))
        written: str = connection.execute(
            text(
                "SELECT pg_get_expr(indpred, indrelid) FROM pg_index"
                " WHERE indrelid = 'pg_temp.partial_index_probe'::regclass"
            )
        ).scalar_one()
        savepoint.rollback()
    return written


def _bare(where: str) -> str:
    """Return the clause without the brackets, spaces and capitals by which databases differ."""
    return re.sub(r"[\s()]", "", where).casefold()
