"""Parse database URLs, and tell whether two of them name the same database."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
_LOCAL = {"localhost", "127.0.0.1", "::1", "", "/tmp", "/run/postgresql", "/var/run/postgresql"}  # noqa: S108


def parse_url(value: str) -> URL:
    """Return the URL with its async driver; postgresql://, postgres:// and sqlite:// may omit it.

    Raises:
        ValueError: the value is not a URL of PostgreSQL or SQLite.
    """
    url = None
    with suppress(ArgumentError, ValueError):
        parsed = make_url(value)
        parsed.port  # noqa: B018 - raises ValueError for a port that is not a number
        url = parsed
    if url is None or url.drivername not in _DRIVERS or not (url.database or url.query or url.host is None):
        raise ValueError(
            "must look like postgresql://user:password@host:5432/name or sqlite:///./name.db"
            " (in a password, write @ : / and % as %40 %3A %2F and %25)"
        )
    if "password" in url.query:  # SQLAlchemy hides only the password before the host
        url = url.set(password=str(url.query["password"])).difference_update_query(["password"])
    if "sslmode" in url.query:  # asyncpg calls libpq's sslmode `ssl`
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(["sslmode"])
    return url.set(drivername=_DRIVERS[url.drivername])


def _with_driver(value: str) -> str:
    return parse_url(value).render_as_string(hide_password=False)


# The type of a setting that holds a database URL.
DatabaseURL = Annotated[str, AfterValidator(_with_driver)]


def same_database(one: URL, other: URL) -> bool:
    """Return whether two URLs name the same database, however they spell it."""
    return _identity(one) == _identity(other)


def _identity(url: URL) -> tuple[object, ...]:
    if url.get_backend_name() == "sqlite":
        return "sqlite", Path((url.database or "").removeprefix("file:")).resolve()
    host = str(url.host or url.query.get("host") or "").casefold()
    port = str(url.port or url.query.get("port", 5432))
    # PostgreSQL truncates a name to 63 bytes.
    name = (url.database or url.username or "").encode()[:63]
    return "postgresql", "" if host in _LOCAL else host, port, name
