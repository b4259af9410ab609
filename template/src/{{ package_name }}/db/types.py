"""Column types that behave alike on every database. Migrations contain the plain types beneath."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator


def utcnow() -> datetime:
    """Return the current time as an aware datetime in UTC."""
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored and returned in UTC.

    Raises:
        ValueError: the datetime is naive.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime needs a timezone, for example datetime.now(UTC)")
        return value.astimezone(UTC)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        # A timedelta operand is an interval, not a datetime.
        return self if isinstance(value, datetime) else self.impl_instance.coerce_compared_value(op, value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is UTC:
            return value
        # SQLite stores UTC without an offset.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def escape_colons(sql: str) -> str:
    """Return finished SQL for `text`, which takes :word for a parameter, and writes NULL for it in DDL."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", sql)


def normalize(text: str) -> str:
    """Return the text with which differently written names are equal: NFKC, without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class Normalized(TypeDecorator[str]):
    """Text stored and compared as `normalize` returns it, in bulk statements and WHERE clauses too."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else normalize(value)
