"""Paginate lists, newest first, by offset (`skip`) or by the last row of the previous page (`cursor`)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import literal, tuple_

from ..db.session import Statement
from ..models.base import BaseModel

# What `cursor_of` returns: microseconds since the year 1, and an id that databases store.
CURSOR = r"^[0-9]{1,18}_([0-9]{1,18}|[1-8][0-9]{18})$"
_FIRST = datetime.min.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _FIRST) // _MICROSECOND


def paginate(
    statement: Statement, model: type[BaseModel], *, skip: int = 0, limit: int = 100, cursor: str | None = None
) -> Statement:
    """Return the statement for one page of rows, ordered by `created_at` and `id`, newest first.

    Args:
        statement: selects the rows, in any order.
        model: the model of the rows.
        skip: number of rows to leave out; the database still reads them.
        limit: maximum number of rows.
        cursor: `cursor_of` the last row of the previous page; each page then takes the same time.
    """
    statement = statement.order_by(model.created_at.desc(), model.id.desc()).offset(skip).limit(limit)
    if cursor is None:
        return statement
    microseconds, _, key = cursor.partition("_")
    created_at = _FIRST + min(int(microseconds), _LAST) * _MICROSECOND
    last = tuple_(literal(created_at, model.created_at.type), literal(int(key), model.id.type))
    return statement.where(tuple_(model.created_at, model.id) < last)


def cursor_of(row: Any) -> str:
    """Return the place of a row in the order: the next page begins after it, even if the row is gone by then."""
    return f"{(row.created_at - _FIRST) // _MICROSECOND}_{row.id}"
