"""What autogenerate compares, and how it writes a revision: the same bytes on every database."""

from collections.abc import Collection, Iterable
from typing import Any, Literal

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin, _all_plugins
from sqlalchemy import DefaultClause, TextClause
from sqlalchemy.types import TypeDecorator

import dropped_tables
import partial_indexes
import unmanaged
from existing_rows import Fill, fill, refuse_deleted


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write our own types as the plain ones beneath, and server defaults as their text.

    A revision then imports nothing of the application, and still runs when the application has moved on.
    """
    if kind == "type" and isinstance(item, TypeDecorator):
        return _repr_type(item.impl_instance, context)
    if kind == "server_default" and isinstance(item, DefaultClause) and isinstance(item.arg, TextClause):
        return f"sa.text({item.arg.text!r})"
    return False


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Whether to compare what the database has under this name."""
    return kind != "table" or name not in unmanaged.TABLES


class Remark(ops.MigrateOperation):
    """A comment before an operation that its author should think about."""

    def __init__(self, text: str) -> None:
        self.text = text


@renderers.dispatch_for(Remark)
def _render_remark(context: AutogenContext, remark: Remark) -> str:
    return f"# {remark.text}"


def mark_operations(
    context: MigrationContext, revision: str | Iterable[str | None], directives: list[ops.MigrationScript]
) -> None:
    """Take care of the rows that are there, and put a remark before each operation that its author should see."""
    for script in directives:
        dropped_tables.put_in_order(script)
        for operations in (script.upgrade_ops, script.downgrade_ops):
            if operations is not None:
                partial_indexes.spell_for_all_databases(operations)
        if script.upgrade_ops is not None:
            refuse_deleted(script.upgrade_ops)
            _mark(script.upgrade_ops)
        if script.downgrade_ops is not None:
            fill(script.downgrade_ops, context.opts["target_metadata"])


def _mark(container: ops.OpContainer, filled: Collection[tuple[str, str]] = ()) -> None:
    filled = {(op.table, op.column) for op in container.ops if isinstance(op, Fill)} or filled
    marked: list[ops.MigrateOperation] = []
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            _mark(operation, filled)
        elif text := _remark(operation, filled):
            marked.append(Remark(text))
        marked.append(operation)
    container.ops[:] = marked


def _remark(operation: ops.MigrateOperation, filled: Collection[tuple[str, str]]) -> str | None:
    match operation:
        case ops.DropTableOp():
            return f"DESTRUCTIVE: drops the table {operation.table_name} and every row in it."
        case ops.DropColumnOp():
            return f"DESTRUCTIVE: drops {operation.table_name}.{operation.column_name} and what is stored in it."
        case ops.AddColumnOp() if not operation.column.nullable and operation.column.server_default is None:
            name = f"{operation.table_name}.{operation.column.name}"
            return f"FAILS WITH ROWS: {name} is NOT NULL; give it a server_default, or fill it before it is NOT NULL."
        case ops.AlterColumnOp(modify_nullable=False, table_name=table, column_name=column):
            if (table, column) in filled:
                return None
            return f"FAILS WITH NULLS: {table}.{column} becomes NOT NULL; fill the rows that have none first."
        case _:
            return None


if partial_indexes.__name__ not in _all_plugins:
    Plugin.setup_plugin_from_module(partial_indexes, partial_indexes.__name__)

OPTIONS: dict[str, Any] = {
    "autogenerate_plugins": ["alembic.autogenerate.*", partial_indexes.__name__],
    "compare_type": True,
    "compare_server_default": True,
    "include_name": include_name,
    "process_revision_directives": mark_operations,
    # SQLite changes a table by copying it; written so, one history serves both databases.
    "render_as_batch": True,
    "render_item": render_item,
}
