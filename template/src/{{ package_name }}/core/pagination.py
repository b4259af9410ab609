"""Paginate lists, newest first, by offset (`skip`) or by the last row of the previous page (`cursor`)."""

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Tuple, inspect, literal, select, tuple_

from ..db.session import Statement
from ..models.base import BaseModel


def paginate(
    statement: Statement, model: type[BaseModel], *, skip: int = 0, limit: int = 100, cursor: int | None = None
) -> Statement:
    """Return the statement for one page of rows, ordered by `created_at` and `id`, newest first.

    Args:
        statement: selects the rows, in any order.
        model: the model of the rows.
        skip: number of rows to leave out; the database still reads them.
        limit: maximum number of rows.
        cursor: id of the last row of the previous page; each page then takes the same time.
    """
    statement = statement.order_by(model.created_at.desc(), model.id.desc()).offset(skip).limit(limit)
    if cursor is None:
        return statement
    order, newest, key = _order(model)
    last = newest.add_columns(literal(cursor, key.type)).where(key <= cursor)
    return statement.where(order < last.scalar_subquery())


@cache  # building these takes longer than the other parts of the statement (benchmark: pagination)
def _order(model: type[BaseModel]) -> tuple[Tuple, Select[*tuple[Any, ...]], ColumnElement[int]]:
    # If the row of the cursor is gone, the row before it takes its place. Read the table: a filter on the model could hide the row.
    rows = inspect(model).local_table.alias()
    newest = select(rows.c.created_at).order_by(rows.c.id.desc()).limit(1)
    return tuple_(model.created_at, model.id), newest, rows.c.id
