"""Refuse changes that no generated migration can make on both databases without a loss, and say what to write instead."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Column, Enum, Identity
from sqlalchemy.types import TypeDecorator, TypeEngine

# Numbers that become these keep their value.
_WIDER: dict[Any, set[Any]] = {int: {float, Decimal}}


def refuse(operations: ops.OpContainer, dialect: str) -> None:
    """Check what is to be written.

    Raises:
        CommandError: it cannot be generated; the text says why, and what to write.
    """
    if problems := list(_problems(operations, dialect)):
        raise CommandError("\n".join(["This cannot be generated, and nothing was written:", *problems]))


def _problems(container: ops.OpContainer, dialect: str) -> Iterator[str]:
    for operation in container.ops:
        match operation:
            case ops.CreateTableOp(table_name=table):
                if operation.schema:
                    yield f"- The table {table} is in the schema {operation.schema}, and SQLite has no schemas. Leave it out."
                if len(table.encode()) > 63:
                    yield f"- PostgreSQL shortens the name of the table {table} to 63 bytes. Choose a shorter one."
                for column in operation.columns:
                    if isinstance(column, Column):
                        yield from _problems_of_column(table, column, dialect)
            case ops.AddColumnOp(table_name=table, column=column):
                yield from _problems_of_column(table, column, dialect)
            case ops.AlterColumnOp(modify_type=TypeEngine() as new, existing_type=TypeEngine() as old):
                name = f"{operation.table_name}.{operation.column_name}"
                yield from _problems_of_enum(name, new)
                before, after = kind_of(old), kind_of(new)
                if before is not after and after not in _WIDER.get(before, ()):
                    yield _by_hand(operation.table_name, operation.column_name, old, new)
            case ops.OpContainer():
                yield from _problems(operation, dialect)
            case _:
                pass


def _problems_of_column(table: str, column: Column[Any], dialect: str) -> Iterator[str]:
    name = f"{table}.{column.name}"
    yield from _problems_of_enum(name, column.type)
    if len(column.name.encode()) > 63:
        yield f"- PostgreSQL shortens the name of {name} to 63 bytes. Choose a shorter one."
    if dialect == "sqlite" and isinstance(column.server_default, Identity):
        yield f"- {name}: SQLite has no Identity(). Leave it out: an integer primary key needs none."


def _problems_of_enum(name: str, column_type: TypeEngine[Any]) -> Iterator[str]:
    plain = _plain(column_type)
    if isinstance(plain, Enum) and (plain.native_enum or plain.create_constraint):
        yield (
            f"- {name} is an Enum whose values the database checks, so that no generated migration can change them. Annotate it"
            " as Mapped[YourEnum], or write Enum(YourEnum, native_enum=False): Python then checks them."
        )


def _plain(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    return column_type.impl_instance if isinstance(column_type, TypeDecorator) else column_type


def kind_of(column_type: TypeEngine[Any]) -> Any:
    """Return the Python type of a column's values."""
    plain = _plain(column_type)
    try:
        return str if isinstance(plain, Enum) else plain.python_type
    except NotImplementedError:
        return type(plain)


def _by_hand(table: str, column: str, old: TypeEngine[Any], new: TypeEngine[Any]) -> str:
    plain = _plain(new)
    module = type(plain).__module__.split(".")  # sqlalchemy.sql.sqltypes, or sqlalchemy.dialects.postgresql.json
    spelled = f"{module[2] if module[1] == 'dialects' else 'sa'}.{plain!r}"
    return f"""- {table}.{column} becomes {new!r}, and was {old!r}. Only you know what becomes of a value that does not convert.
  Run make db-migrate msg="Change {column}" empty=1, and write:

    with op.batch_alter_table("{table}") as batch_op:
        batch_op.add_column(sa.Column("{column}_new", {spelled}))
    op.execute("UPDATE {table} SET {column}_new = ...")
    with op.batch_alter_table("{table}") as batch_op:
        batch_op.drop_column("{column}")
        batch_op.alter_column("{column}_new", new_column_name="{column}", existing_type={spelled})
"""
