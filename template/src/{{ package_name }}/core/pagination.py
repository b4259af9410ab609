"""Paginate lists, newest first, by offset (`skip`) or by the last row of the previous page (`cursor`)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import literal, tuple_

from ..db.session import Statement
from ..models.base import BaseModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


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

    Raises:
        ValueError: the cursor is not one of `cursor_of`.
    """
    statement = statement.order_by(model.created_at.desc(), model.id.desc()).offset(skip).limit(limit)
    if cursor is None:
        return statement
    created_at, key = _place(cursor)
    last = tuple_(literal(created_at, model.created_at.type), literal(key, model.id.type))
    return statement.where(tuple_(model.created_at, model.id) < last)


def cursor_of(row: Any) -> str:
    """Return the place of a row in the order: the next page begins after it, even if the row is gone by then."""
    return f"{(row.created_at - _EPOCH) // _MICROSECOND}_{row.id}"


def check_cursor(cursor: str) -> str:
    """Return the cursor.

    Raises:
        ValueError: it is not one of `cursor_of`.
    """
    _place(cursor)
    return cursor


def _place(cursor: str) -> tuple[datetime, int]:
    microseconds, _, key = cursor.partition("_")
    try:
        place = _EPOCH + int(microseconds) * _MICROSECOND, int(key)
    except (ValueError, OverflowError):
        raise ValueError("is no cursor of a page") from None
    if not 0 < place[1] < 2**63:
        raise ValueError("is no cursor of a page")
    return place
