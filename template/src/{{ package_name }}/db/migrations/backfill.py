"""Operations for the rows that a table already holds when a migration changes it."""

from collections.abc import Collection
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import Column, Enum, ForeignKeyConstraint, MetaData, PrimaryKeyConstraint, UniqueConstraint, literal
from sqlalchemy.exc import CompileError
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.types import TypeDecorator, TypeEngine

_NEUTRAL = {
    bool: "false",
    date: "CURRENT_DATE",
    datetime: "CURRENT_TIMESTAMP",
    Decimal: "0",
    dict: "'{}'",
    float: "0",
    int: "0",
    str: "''",
}


class Backfill(ops.MigrateOperation):
    """Fill the empty rows of a column before it becomes NOT NULL."""

    def __init__(self, table: str, column: str, value: str) -> None:
        self.table, self.column, self.value = table, column, value
        self.text = f"BACKFILLS: {table}.{column} of existing rows becomes {value}. Change it if it does not fit."


@renderers.dispatch_for(Backfill)
def _render_backfill(context: AutogenContext, operation: Backfill) -> list[str]:
    quote = context.migration_context.dialect.identifier_preparer.quote
    table, column = quote(operation.table), quote(operation.column)
    return [
        f"# {operation.text}",
        _execute(f"UPDATE {table} SET {column} = {operation.value} WHERE {column} IS NULL"),
    ]


def backfill(container: ops.OpContainer, metadata: MetaData) -> None:
    """Add a NOT NULL column in three steps: nullable, filled with the model's default or a neutral value, NOT NULL.

    A column stays as it is if it has a server default, or if one value cannot fit every row: it is unique, or a foreign
    key.
    """
    filled: list[ops.MigrateOperation] = []
    for operation in container.ops:
        filled += _in_steps(operation, metadata) if isinstance(operation, ops.ModifyTableOps) else [operation]
    container.ops[:] = filled


def _in_steps(table: ops.ModifyTableOps, metadata: MetaData) -> list[ops.MigrateOperation]:
    first: list[ops.MigrateOperation] = []
    fills: list[ops.MigrateOperation] = []
    last: list[ops.MigrateOperation] = []
    distinct = _distinct_columns(table, metadata)
    for operation in table.ops:
        match operation:
            case ops.AddColumnOp(column=column) if not column.nullable and column.server_default is None:
                value = None if column.name in distinct else _value(metadata, table.table_name, column)
                if value is not None:
                    fills.append(Backfill(table.table_name, column.name, value))
                    operation = ops.AddColumnOp(
                        table.table_name, Column(column.name, column.type), schema=operation.schema
                    )
                    last.append(_not_null(table, column.name, column.type))
            case ops.AlterColumnOp(modify_nullable=False):
                column_type = operation.modify_type or operation.existing_type
                column = Column(operation.column_name, column_type)
                value = None if column_type is None else _value(metadata, table.table_name, column)
                if value is not None and operation.column_name not in distinct:
                    fills.append(Backfill(table.table_name, operation.column_name, value))
                    last.append(operation)
                    continue
        first.append(operation)
    steps = [_modify(table, first)] if first else []
    return [*steps, *fills, *([_modify(table, last)] if last else [])]


def _modify(table: ops.ModifyTableOps, operations: list[ops.MigrateOperation]) -> ops.ModifyTableOps:
    return ops.ModifyTableOps(table.table_name, operations, schema=table.schema)


def _not_null(table: ops.ModifyTableOps, name: str, column_type: TypeEngine[Any]) -> ops.AlterColumnOp:
    return ops.AlterColumnOp(
        table.table_name,
        name,
        schema=table.schema,
        existing_type=column_type,
        existing_nullable=True,
        modify_nullable=False,
    )


def _distinct_columns(table: ops.ModifyTableOps, metadata: MetaData) -> Collection[str]:
    """Return the columns that one value cannot fill: unique columns and foreign keys."""
    names: list[str] = []
    model = metadata.tables.get(table.table_name)
    if model is not None:
        for constraint in model.constraints:
            if isinstance(constraint, ForeignKeyConstraint | PrimaryKeyConstraint | UniqueConstraint):
                names += constraint.columns.keys()
        for index in model.indexes:
            names += index.columns.keys() if index.unique else []
    for operation in table.ops:
        match operation:
            case ops.CreateIndexOp(unique=True) | ops.CreateUniqueConstraintOp():
                names += [str(getattr(column, "name", column)) for column in operation.columns]
            case ops.CreateForeignKeyOp():
                names += operation.local_cols
    return names


def _value(metadata: MetaData, table: str, column: Column[Any]) -> str | None:
    """Return what existing rows get, as SQL: the model's default if it is a constant, else a neutral value, or None."""
    model = metadata.tables.get(table)
    default = model.c[column.name].default if model is not None and column.name in model.c else None
    if isinstance(default, ScalarElementColumnDefault):
        with suppress(CompileError, NotImplementedError):
            value = literal(default.arg, column.type).compile(compile_kwargs={"literal_binds": True})
            return str(value).replace(":", r"\:")  # or op.execute takes it for a parameter
    plain = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    try:
        return None if isinstance(plain, Enum) else _NEUTRAL.get(plain.python_type)
    except NotImplementedError:
        return None


def _execute(statement: str) -> str:
    quoted = repr(statement) if '"' in statement or "\\" in statement else f'"{statement}"'
    return f"op.execute({quoted})"


class RefuseDeleted(ops.MigrateOperation):
    """Stop a migration that drops `deleted_at` while rows are soft-deleted."""

    def __init__(self, tables: list[str]) -> None:
        self.tables = tables
        names = " and ".join(tables)
        self.text = f"REFUSES while rows of {names} are soft-deleted: they would be live again."

    def to_diff_tuple(self) -> tuple[str, str]:
        """Return what `alembic check` prints."""
        return "comment", self.text


def refuse_deleted(operations: ops.UpgradeOps) -> None:
    """Refuse to drop `deleted_at` until the author decides what happens to soft-deleted rows."""
    changed = [operation for operation in operations.ops if isinstance(operation, ops.ModifyTableOps)]
    tables = [
        table.table_name
        for table in changed
        if any(isinstance(op, ops.DropColumnOp) and op.column_name == "deleted_at" for op in table.ops)
    ]
    if tables:
        operations.ops.insert(0, RefuseDeleted(tables))


@renderers.dispatch_for(RefuseDeleted)
def _render_refusal(context: AutogenContext, refusal: RefuseDeleted) -> list[str]:
    quote = context.migration_context.dialect.identifier_preparer.quote
    tables = [quote(table) for table in refusal.tables]
    deleted = "WHERE deleted_at IS NOT NULL"
    return [
        f"# {refusal.text}",
        "# Decide what happens to them. Uncomment this to delete them for good:",
        *("# " + _execute(f"DELETE FROM {table} {deleted}") for table in tables),
        "# or this to make them live:",
        *("# " + _execute(f"UPDATE {table} SET deleted_at = NULL {deleted}") for table in tables),
        "deleted = {",
        f'    table: op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {{table}} {deleted}"))',
        f"    for table in {tables!r}",
        "    if not op.get_context().as_sql",
        "}",
        "if any(deleted.values()):",
        "    raise RuntimeError(",
        '        f"Soft-deleted rows {deleted} would be live again. Decide what happens to them:"',
        '        f" revision {revision} contains both statements."',
        "    )",
        "",
    ]
