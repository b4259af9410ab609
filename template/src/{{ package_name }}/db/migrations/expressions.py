"""Compare what Alembic does not: partial indexes, CHECK constraints, computed columns, defaults of another type."""

import re
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.plugins import Plugin
from alembic.util import CommandError, DispatchPriority, PriorityDispatchResult
from sqlalchemy import JSON, CheckConstraint, Column, Computed, Connection, DefaultClause, Index, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql import literal_column, text
from sqlalchemy.sql.elements import UnaryExpression

from .refusals import kind_of

DIALECTS = ("postgresql", "sqlite")
_PROBE = "pg_temp.probe"
_OF_INDEX = f"SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indrelid = '{_PROBE}'::regclass"
_OF_DEFAULT = f"SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = '{_PROBE}'::regclass"
_OF_CHECK = (
    f"SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE contype = 'c' AND conrelid = '{_PROBE}'::regclass"
)


def setup(plugin: Plugin) -> None:
    """Register the comparisons. That of tables runs last, and skips an index that another comparison already changes."""
    plugin.add_autogenerate_comparator(_compare_table, "table", "expressions", priority=DispatchPriority.LAST)
    plugin.add_autogenerate_comparator(_compare_default, "column", "server_default", priority=DispatchPriority.FIRST)


def _compare_table(
    context: AutogenContext,
    modify_ops: ops.ModifyTableOps,
    schema: str | None,
    name: str,
    stored: Table | None,
    wanted: Table | None,
) -> PriorityDispatchResult:
    connection = context.connection
    if wanted is not None and connection is not None:
        _refuse_expression_indexes(connection, wanted, is_stored=stored is not None)
        if stored is not None:
            _compare_indexes(connection, modify_ops, stored, wanted)
            _compare_checks(connection, modify_ops, stored, wanted)
    return PriorityDispatchResult.CONTINUE


def _compare_indexes(connection: Connection, modify_ops: ops.ModifyTableOps, stored: Table, wanted: Table) -> None:
    """Replace each index whose WHERE clause differs from the model's."""
    changed = {getattr(op, "index_name", None) for op in modify_ops.ops}
    existing = {index.name: index for index in stored.indexes}
    for index in sorted(wanted.indexes, key=lambda index: str(index.name)):
        old = existing.get(index.name)
        if old is not None and index.name not in changed:
            given, where = _where(connection, old), _where(connection, index)
            if not _same(connection, wanted, given, where, f"CREATE INDEX ON {_PROBE} ((1)) WHERE {where}", _OF_INDEX):
                modify_ops.ops += [ops.DropIndexOp.from_index(old), ops.CreateIndexOp.from_index(index)]


def _compare_checks(connection: Connection, modify_ops: ops.ModifyTableOps, stored: Table, wanted: Table) -> None:
    """Add, drop and replace CHECK constraints. Those that SQL created under names of its own stay."""
    old, new = _checks(stored), _checks(wanted)
    for name, check in old.items():
        if name not in new and name.startswith(f"ck_{wanted.name}_"):
            modify_ops.ops.append(ops.DropConstraintOp.from_constraint(check))
    for name, check in new.items():
        given = str(old[name].sqltext) if name in old else ""
        condition = _written(connection, check.sqltext)
        if not _same(connection, wanted, given, condition, f"ALTER TABLE {_PROBE} ADD CHECK ({condition})", _OF_CHECK):
            if name in old:
                modify_ops.ops.append(ops.DropConstraintOp.from_constraint(old[name]))
            # As text: a constraint of the model's columns would add itself to the model.
            modify_ops.ops.append(ops.CreateCheckConstraintOp(check.name, wanted.name, literal_column(condition)))


def _checks(table: Table) -> dict[str, CheckConstraint]:
    found = [item for item in table.constraints if isinstance(item, CheckConstraint) and isinstance(item.name, str)]
    return {str(item.name): item for item in sorted(found, key=lambda item: str(item.name))}


def _refuse_expression_indexes(connection: Connection, wanted: Table, *, is_stored: bool) -> None:
    if connection.dialect.name != "sqlite":
        return
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'").scalars().all()
    for index in wanted.indexes:
        if index.name not in names and not all(isinstance(_ascending(item), Column) for item in index.expressions):
            written = " ".join(str(CreateIndex(index).compile(dialect=connection.dialect)).split())
            first = "" if is_stored else " Leave it out until a migration has created its table. Then"
            raise CommandError(
                f"The index {index.name} is on an expression, which Alembic cannot read from SQLite.{first} Create it by hand:"
                f' run make db-migrate msg="Add {index.name}" empty=1, and write\n\n    op.execute({written!r})\n'
            )


def _ascending(item: Any) -> Any:
    return item.element if isinstance(item, UnaryExpression) else item


def _compare_default(
    context: AutogenContext,
    alter: ops.AlterColumnOp,
    schema: str | None,
    table: str,
    name: str,
    stored: Column[Any],
    wanted: Column[Any],
) -> PriorityDispatchResult:
    old, new, connection = stored.server_default, wanted.server_default, context.connection
    if isinstance(old, Computed) and isinstance(new, Computed) and connection is not None and wanted.table is not None:
        given, expression = str(old.sqltext), _written(connection, new.sqltext)
        kind = wanted.type.compile(connection.dialect)
        ddl = f"ALTER TABLE {_PROBE} ADD expression_of_probe {kind} GENERATED ALWAYS AS ({expression}) STORED"
        if not _same(connection, wanted.table, given, expression, ddl, _OF_DEFAULT):
            raise CommandError(
                f"{table}.{name} is computed by another expression, which no database can change. Replace the column by hand:"
                f' run make db-migrate msg="Compute {name}" empty=1, and write\n\n'
                f'    with op.batch_alter_table("{table}") as batch_op:\n        batch_op.drop_column("{name}")\n'
                f'        batch_op.add_column(sa.Column("{name}", sa.{wanted.type!r}, sa.Computed({expression!r})))\n'
            )
        return PriorityDispatchResult.STOP
    if isinstance(old, DefaultClause) and isinstance(new, DefaultClause) and _text(old) == _text(new):
        return PriorityDispatchResult.STOP  # Alembic would paste the text into a query
    comparable = not isinstance(wanted.type, JSON) and kind_of(stored.type) is kind_of(wanted.type)
    quoted = isinstance(new, DefaultClause) and isinstance(new.arg, str) and kind_of(wanted.type) is str
    if (comparable and not quoted) or not isinstance(old, DefaultClause) or not isinstance(new, DefaultClause):
        return PriorityDispatchResult.CONTINUE
    alter.existing_server_default, alter.modify_server_default = old, new
    return PriorityDispatchResult.STOP


def _text(default: DefaultClause) -> str:
    """Return the default without the quotes, and the type that PostgreSQL adds."""
    if isinstance(default.arg, str):
        return re.sub("^'|'$", "", default.arg)  # as Alembic writes it into the migration
    quoted = re.fullmatch(r"\(?(E?)'((?:[^']|'')*)'(?:::.+)?\)?", str(default.arg), re.DOTALL)
    if quoted is None:
        return re.sub(r"::[\w ]+$", "", str(default.arg))
    value = quoted[2].replace("''", "'")
    return value.replace("\\\\", "\\") if quoted[1] else value


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


def _where(connection: Connection, index: Index) -> str:
    where: Any = index.dialect_options[connection.dialect.name]["where"]
    return where or "" if where is None or isinstance(where, str) else _written(connection, where)


def _written(connection: Connection, expression: Any) -> str:
    """Return the expression as it is written in DDL."""
    in_ddl = {"literal_binds": True, "include_table": False}
    return str(expression.compile(dialect=connection.dialect, compile_kwargs=in_ddl))


def _same(connection: Connection, table: Table, stored: str, wanted: str, ddl: str, query: str) -> bool:
    """Return whether two expressions are equal. PostgreSQL stores its own spelling, which `ddl` makes on an empty copy."""
    if stored and wanted and connection.dialect.name == "postgresql":
        quoted = connection.dialect.identifier_preparer.format_table(table)
        savepoint = connection.begin_nested()
        try:
            connection.execute(text(f"CREATE TEMPORARY TABLE probe (LIKE {quoted})"))
            connection.exec_driver_sql(ddl)
            wanted = connection.execute(text(query)).scalar_one()
        except DBAPIError:
            return False  # the expression names a column that this migration adds
        finally:
            savepoint.rollback()
    return _bare(stored) == _bare(wanted)


def _bare(expression: str) -> str:
    """Return the expression without the brackets, spaces and capitals by which databases differ."""
    return re.sub(r"[\s()]", "", expression).casefold()
