"""Inserts rows by the hundred thousand, streamed, through the columns of a model."""

import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import chain, groupby, islice, repeat
from operator import is_, itemgetter
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Column, Dialect, Table, bindparam, inspect
from sqlalchemy.ext.asyncio import AsyncSession

from ..models.base import Base, created_at_of_row
from ..models.types import utcnow
from .records import Record, write_records

Row = Mapping[str, Any]

# Rows whose values are made together, column by column.
_PART = 200
# Seconds that a statement goes on, so that no source of rows is too slow for its timeout.
_SECONDS = 1
# Rows of an asynchronous source in memory.
_HELD = 10_000


async def insert_rows(
    db: AsyncSession,
    model: type[Base],
    rows: Iterable[Row] | AsyncIterable[Row],
    *,
    progress: Callable[[int], object] | None = None,
) -> int:
    """Insert all of the rows, or none after an error, and return how many there were.

    It commits nothing by itself: see `transaction`. The types and the defaults of the model's columns apply; what
    belongs to objects does not: validators, relationships, cascades, hybrids, events. Rows that are written together
    may have one and the same created_at.

    Args:
        db: the session; an asynchronous source of rows may use it too.
        model: what the rows are.
        rows: dicts by the names of the model's attributes, as many as there may be: few are held at a time. What a row
            leaves out gets its default.
        progress: called with the number of rows so far, about once a second and at the end.

    Raises:
        ValueError: a row names a column that there is not, leaves out one without a default, or has a value that the type
            of its column refuses. What the driver alone refuses is an error of the driver.
        IntegrityError: a row violates a constraint.
    """
    async with db.begin_nested(), aclosing(_batches(rows)) as batches:
        connection = await db.connection(bind_arguments={"mapper": inspect(model)})
        records = _Records(model, connection.dialect)
        async for some in batches:
            for first in some:
                for names, parts in groupby(records.of(chain([first], some)), itemgetter(0)):
                    await write_records(connection, records.table, names, (part for _, part in parts))
                if progress is not None:
                    progress(records.count)
    return records.count


async def _batches(rows: Iterable[Row] | AsyncIterable[Row]) -> AsyncGenerator[Iterator[Row]]:
    if not isinstance(rows, AsyncIterable):
        yield iter(rows)
        return
    # It may use the session, which is taken while a statement goes on.
    batch = []
    async for row in rows:
        batch.append(row)
        if len(batch) == _HELD:
            yield iter(batch)
            batch = []
    yield iter(batch)


class _Records:
    """Makes rows into what the driver takes: the names of columns, and tuples of their values."""

    def __init__(self, model: type[Base], dialect: Dialect) -> None:
        mapper = inspect(model)
        if not isinstance(mapper.local_table, Table) or mapper.inherits or mapper.polymorphic_on is not None:
            raise TypeError(f"{model.__name__} shares its tables with other models: use insert()")
        self.table = mapper.local_table
        keys = {attribute.columns[0]: attribute.key for attribute in mapper.column_attrs}
        self.columns = [_Column(keys[c], c, dialect) for c in self.table.columns if c in keys]
        self.left_out = {column.key for column in self.columns if column.is_left_out}
        self.known = {column.key for column in self.columns}
        self.count = 0

    def of(self, rows: Iterator[Row]) -> Iterator[tuple[list[str], list[Record]]]:
        """Yield records for as long as a statement goes on; what is left of the rows is for the next one.

        Raises:
            ValueError: a row is wrong; the message has its number, and the column.
        """
        end = time.monotonic() + _SECONDS
        while part := list(islice(rows, _PART)):
            given: set[str] = set().union(*part)
            # Columns that the database fills are in a statement if the row has them, and those of other rows are not.
            mixed = given & self.left_out
            runs = [list(run) for _, run in groupby(part, mixed.intersection)] if mixed else [part]
            for run in runs:
                yield self._made(run, given)
                self.count += len(run)
            if time.monotonic() > end:
                return

    def _made(self, rows: Sequence[Row], given: set[str]) -> tuple[list[str], list[Record]]:
        try:
            if unknown := given - self.known:
                raise ValueError(f"{self.table.name} has no {min(unknown, key=str)}")
            columns = [column for column in self.columns if not column.is_left_out or column.key in rows[0]]
            earlier: dict[str, list[Any]] = {}
            records = list(zip(*(column.values(rows, earlier) for column in columns), strict=True))
        except ValueError as error:
            for row in rows if len(rows) > 1 else ():  # again, to know which one it is
                self._made([row], set(row))
                self.count += 1
            raise ValueError(f"row {self.count + 1}: {error}") from error
        return [column.name for column in columns], records


class _Column:
    """A column, and how its values are made."""

    def __init__(self, key: str, column: Column[Any], dialect: Dialect) -> None:
        kind = column.type.dialect_impl(dialect)
        if kind.bind_expression(bindparam(None, type_=kind)) is not None:
            raise TypeError(f"{column} is written by SQL of its type: use insert()")
        self.key = key
        self.name = column.name
        self.column = column
        self.default: Any = column.default
        self.process = kind.bind_processor(dialect)
        by_database = column.server_default is not None or column is column.table.autoincrement_column
        self.is_left_out = self.default is None and by_database

    def values(self, rows: Sequence[Row], earlier: dict[str, list[Any]]) -> list[Any]:
        """Return the values of some rows; `earlier` has those of the columns before.

        Raises:
            ValueError: one is missing, or the type refuses it.
        """
        key = self.key
        try:
            values = list(map(itemgetter(key), rows))
        except KeyError:
            if self.default is None and self.column.nullable:
                given = iter(self._processed([row[key] for row in rows if key in row]))
                return [next(given) if key in row else None for row in rows]
            defaults = self._defaults(rows, earlier)
            values = [row[key] if key in row else next(defaults) for row in rows]
            earlier[self.column.key] = values
            if all(map(is_, values, repeat(values[0]))):
                return self._processed(values[:1]) * len(values)
        earlier[self.column.key] = values
        return self._processed(values)

    def _processed(self, values: list[Any]) -> list[Any]:
        if self.process is None:
            return values
        try:
            return list(map(self.process, values))
        except Exception as error:
            raise ValueError(f"{self.key}: {error}") from error

    def _defaults(self, rows: Sequence[Row], earlier: dict[str, list[Any]]) -> Iterator[Any]:
        """Return a value for each of the rows that has none."""
        default = self.default
        if default is None or not (default.is_scalar or default.is_callable):
            raise ValueError(f"{self.key} is missing, and has no default in Python")
        if default.is_scalar:
            return repeat(default.arg)
        if getattr(default.arg, "__wrapped__", None) is utcnow:
            return repeat(utcnow())
        without = (number for number, row in enumerate(rows) if self.key not in row)
        if default.arg is created_at_of_row and "created_at" in earlier:
            return (earlier["created_at"][number] for number in without)
        return (default.arg(self._context(rows[number], number, earlier)) for number in without)

    def _context(self, row: Row, number: int, earlier: dict[str, list[Any]]) -> SimpleNamespace:
        """Return what a default of one parameter looks at."""
        parameters = {**row, **{key: values[number] for key, values in earlier.items()}}
        return SimpleNamespace(
            current_column=self.column,
            current_parameters=parameters,
            get_current_parameters=lambda isolate_multiinsert_groups=True: parameters,
        )
