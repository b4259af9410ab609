"""Parse database URLs, and tell whether two of them name the same database."""

from contextlib import suppress
from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from .engine import BACKENDS, backend_for


def parse_url(value: str) -> URL:
    """Return the URL with its async driver, which postgresql://, postgres:// and sqlite:// may omit.

    Raises:
        ValueError: the service cannot use the URL. The message contains no password.
    """
    scheme, separator, rest = value.partition("://")
    for backend in BACKENDS.values():
        if separator and scheme in backend.SCHEMES:
            with suppress(ArgumentError):
                url: URL = backend.parse_url(f"{backend.DRIVER}://{rest}")
                return url
    examples = " or ".join(backend.EXAMPLE_URL for backend in BACKENDS.values())
    raise ValueError(f"must look like {examples}. This project was generated for {' and '.join(BACKENDS)}.")


def _with_driver(value: str) -> str:
    return parse_url(value).render_as_string(hide_password=False)


# The type of a setting that holds a database URL.
DatabaseURL = Annotated[str, AfterValidator(_with_driver)]


def same_database(one: URL, other: URL) -> bool:
    """Return whether two URLs name the same database, however they spell it."""
    backend = backend_for(one)
    return backend is backend_for(other) and bool(backend.identify(one) & backend.identify(other))
