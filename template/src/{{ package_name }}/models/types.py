"""Column types that behave alike on every database. Migrations hold the plain types beneath."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator


def utcnow() -> datetime:
    """Return the present moment as an aware datetime in UTC."""
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime, in UTC whatever zone it came in.

    Raises:
        ValueError: a naive datetime, which could mean any moment.
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
        # created_at + timedelta(days=1): the timedelta is none of our datetimes.
        return self if isinstance(value, datetime) else self.impl_instance.coerce_compared_value(op, value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is UTC:
            return value
        # SQLite stores no offset; what is stored is UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Lowercase(TypeDecorator[str]):
    """Text stored and compared in lower case, bulk statements and WHERE clauses included."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else value.lower()
