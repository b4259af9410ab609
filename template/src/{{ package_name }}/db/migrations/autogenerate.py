"""Configure autogenerate: what it compares, and how it writes a revision, with the same bytes on every database."""

import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.runtime.plugins import Plugin
from alembic.script import ScriptDirectory
from sqlalchemy import DefaultClause, ForeignKeyConstraint, Interval, MetaData, TextClause
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import sort_tables_and_constraints
from sqlalchemy.types import TypeDecorator

from ..types import escape_colons
from . import expressions
from .backfill import Backfill, RefuseDeleted, backfill, refuse_deleted
from .refusals import refuse

_CREATE_INDEX = re.compile(r'CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+|IF\s+NOT\s+EXISTS\s+)*\\?"?(\w+)', re.I)


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Render custom types as the plain types beneath, and server defaults as their text.

    A revision then imports nothing from the application, so it still runs when the application changes.
    """
    if kind == "type" and isinstance(item, TypeDecorator) and not isinstance(item, Interval):
        return _repr_type(item.impl_instance, context)
    if kind == "type" and isinstance(item, JSONB):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return "postgresql.JSONB(astext_type=sa.Text())"
    if kind == "server_default" and isinstance(item, DefaultClause) and isinstance(item.arg, TextClause):
        return f"sa.text({escape_colons(item.arg.text)!r})"
    return False


class MigrationWarning(ops.MigrateOperation):
    """A comment before an operation that its author should check."""

    def __init__(self, text: str) -> None:
        self.text = text

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what `alembic check` prints."""
        return "comment", self.text


@renderers.dispatch_for(MigrationWarning)
def _render_warning(context: AutogenContext, warning: MigrationWarning) -> str:
    return f"# {warning.text}"


def mark_operations(
    context: MigrationContext, revision: str | Iterable[str | None], directives: list[ops.MigrationScript]
) -> None:
    """Handle existing rows, and put a warning before each operation that its author should check.

    The warnings of upgrade() are also added to the list `warnings` in the attributes of Alembic's Config, if it exists.
    """
    for script in directives:
        if script.upgrade_ops is not None:
            refuse(script.upgrade_ops, context.dialect.name)
        _order_tables(context, script)
        for operations in (script.upgrade_ops, script.downgrade_ops):
            if operations is not None:
                expressions.set_where_of_all_databases(operations)
        if script.upgrade_ops is not None:
            refuse_deleted(script.upgrade_ops)
            _mark(script.upgrade_ops)
            if context.config is not None:
                context.config.attributes.get("warnings", []).extend(_warnings(script.upgrade_ops))
        if script.downgrade_ops is not None:
            backfill(script.downgrade_ops, context.opts["target_metadata"])


def _order_tables(context: MigrationContext, script: ops.MigrationScript) -> None:
    """Create a table after those it refers to, and drop it before them. Alembic does not sort those that it drops."""
    if script.upgrade_ops is None or script.downgrade_ops is None:
        return
    names = [op.table_name for op in script.upgrade_ops.ops if isinstance(op, ops.DropTableOp)]
    stored = MetaData()
    if names and context.connection is not None:
        stored.reflect(context.connection, only=names)
    _order(script.upgrade_ops, script.downgrade_ops, context.opts["target_metadata"])
    _order(script.downgrade_ops, script.upgrade_ops, stored)


def _order(creating: ops.OpContainer, dropping: ops.OpContainer, metadata: MetaData) -> None:
    created = {op.table_name: op for op in creating.ops if isinstance(op, ops.CreateTableOp)}
    place: dict[str, int] = {}
    deferred: list[ForeignKeyConstraint] = []
    tables = sort_tables_and_constraints([metadata.tables[name] for name in created])  # type: ignore[no-untyped-call]
    for table, keys in tables:
        if table is not None:
            place[table.name] = len(place)
        else:  # of tables that refer to each other
            deferred += keys
    creating.ops.sort(key=lambda op: place.get(getattr(op, "table_name", ""), len(place)))
    dropping.ops.sort(key=lambda op: -place.get(getattr(op, "table_name", ""), len(place)))
    for key in deferred:
        name = key.table.name
        created[name].columns = [item for item in created[name].columns if not _is_same_key(item, key)]
        adding = ops.CreateForeignKeyOp.from_constraint(key)
        adding.kw.pop("use_alter", None)
        creating.ops.append(ops.ModifyTableOps(name, [adding]))
        dropping.ops.insert(0, ops.ModifyTableOps(name, [ops.DropConstraintOp.from_constraint(key)]))


def _is_same_key(item: Any, key: ForeignKeyConstraint) -> bool:
    return isinstance(item, ForeignKeyConstraint) and item.column_keys == key.column_keys


def _mark(container: ops.OpContainer, filled: Collection[tuple[str, str]] = ()) -> None:
    filled = {(op.table, op.column) for op in container.ops if isinstance(op, Backfill)} or filled
    marked: list[ops.MigrateOperation] = []
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            _mark(operation, filled)
        elif text := _warning(operation, filled):
            marked.append(MigrationWarning(text))
        marked.append(operation)
    container.ops[:] = marked


def _warning(operation: ops.MigrateOperation, filled: Collection[tuple[str, str]]) -> str | None:
    match operation:
        case ops.DropTableOp():
            return f"DESTRUCTIVE: drops the table {operation.table_name} and every row in it."
        case ops.DropColumnOp():
            return f"DESTRUCTIVE: drops {operation.table_name}.{operation.column_name} and its values."
        case ops.AddColumnOp() if not operation.column.nullable and operation.column.server_default is None:
            name = f"{operation.table_name}.{operation.column.name}"
            return (
                f"FAILS WITH ROWS: {name} is NOT NULL. Fill it here, or delete this file, give the column a"
                " server_default in its model, and run make db-migrate again."
            )
        case ops.AlterColumnOp(modify_nullable=False, table_name=table, column_name=column):
            if (table, column) in filled:
                return None
            return f"FAILS WITH NULLS: {table}.{column} becomes NOT NULL. Fill its empty rows first."
        case _:
            return None


def _warnings(container: ops.OpContainer) -> Iterator[str]:
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from _warnings(operation)
        elif isinstance(operation, MigrationWarning | Backfill | RefuseDeleted):
            yield operation.text


Plugin.setup_plugin_from_module(expressions, expressions.__name__)


@cache
def _raw_indexes(scripts: ScriptDirectory) -> set[str]:
    """Return the names of the indexes that migrations create with SQL, in lower case as PostgreSQL stores them."""
    sources = [Path(script.path).read_text(encoding="utf-8") for script in scripts.walk_revisions()]
    return {name.lower() for source in sources for name in _CREATE_INDEX.findall(source)}


def autogenerate_options(excluded: Collection[str] = (), scripts: ScriptDirectory | None = None) -> dict[str, Any]:
    """Return options for `context.configure`. Autogenerate ignores the excluded tables, and indexes created with SQL."""

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or name not in excluded

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
        only_stored = kind == "index" and reflected and compared is None
        return not (only_stored and name is not None and scripts is not None and name.lower() in _raw_indexes(scripts))

    warnings.filterwarnings("ignore", "Cannot correctly sort tables", SAWarning)  # _order_tables does
    warnings.filterwarnings("ignore", "autogenerate skipping metadata-specified expression", UserWarning)  # is refused
    return {
        "autogenerate_plugins": ["alembic.autogenerate.*", expressions.__name__],
        "compare_type": True,
        "compare_server_default": True,
        "include_name": include_name,
        "include_object": include_object,
        "process_revision_directives": mark_operations,
        # Batch operations run on both databases: SQLite changes a table by copying it.
        "render_as_batch": True,
        "render_item": render_item,
    }
