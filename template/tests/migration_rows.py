"""Rows for test_migrations.py, since a migration meets rows in production.

Each new table gets two rows with a value in every column that needs one. Where no such row fits (a CHECK constraint, a
foreign key to the table itself), insert your own with plain SQL, which stays true when the models change. They are
inserted right after that revision:

    ROWS["<revision id>"] = lambda connection: connection.execute(text("INSERT INTO ..."))
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, MetaData, Table, select
from sqlalchemy.exc import StatementError

ROWS: dict[str, Callable[[Connection], object]] = {}


def add_rows(connection: Connection, revision: str, empty: Sequence[str]) -> None:
    """Insert the rows of a revision, then two rows into each table that is still empty.

    Args:
        connection: a connection to the database that the revision has upgraded.
        revision: its id.
        empty: the names of the tables without rows.
    """
    if revision in ROWS:
        ROWS[revision](connection)
    metadata = MetaData()
    metadata.reflect(connection, only=empty)
    for table in metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is None:
            for number in (1, 2):
                _insert(connection, table, number)


def _insert(connection: Connection, table: Table, number: int) -> None:
    try:
        with connection.begin_nested():
            connection.execute(table.insert().values(dict(_row(connection, table, number))))
    except StatementError:
        pass  # a generated value breaks a constraint of this table


def _row(connection: Connection, table: Table, number: int) -> Iterator[tuple[str, Any]]:
    for column in table.columns:
        filled = column.server_default is not None or column.identity is not None or column.computed is not None
        if column.nullable or filled or column is table.autoincrement_column:
            continue
        if column.foreign_keys:
            referred = next(iter(column.foreign_keys)).column
            keys = connection.scalars(select(referred).order_by(referred).limit(number)).all()
            yield column.name, keys[-1] if keys else None
        else:
            yield column.name, _value(column, number)


def _value(column: Column[Any], number: int) -> Any:
    """Return a value of the column's type, another one for each number; None for an unknown type."""
    names = getattr(column.type, "enums", None)  # of an Enum
    if names:
        return names[number % len(names)]
    day = datetime(2000, 2, 28, tzinfo=UTC if getattr(column.type, "timezone", False) else None) + timedelta(number)
    values: dict[type, Any] = {
        bool: number % 2 == 0,
        bytes: str(number).encode(),
        date: day.date(),
        datetime: day,
        Decimal: Decimal(number),
        dict: {},
        float: float(number),
        int: number,
        list: [],
        str: str(number),
        time: time(number),
        timedelta: timedelta(number),
        UUID: UUID(int=number),
    }
    try:
        return values.get(column.type.python_type)
    except NotImplementedError:
        return None
