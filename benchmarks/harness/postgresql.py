"""A PostgreSQL server for services of this template and of others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from tests.postgresql import PostgreSQL


@dataclass(frozen=True)
class Database:
    """The address of a database, in parts as settings need them. The server accepts any password."""

    port: int
    host: str = "127.0.0.1"
    user: str = "postgres"
    password: str = "any"  # noqa: S105
    name: str = "postgres"

    def url(self, scheme: str = "postgresql") -> str:
        """Return its URL, for a driver such as postgresql+asyncpg."""
        return f"{scheme}://{self.user}:{self.password}@{self.host}:{self.port}/{self.name}"


async def execute(database: Database, *statements: str) -> None:
    """Run statements, each in its own transaction."""
    connection = await asyncpg.connect(database.url())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def postgresql() -> Iterator[Database]:
    """Start a server with its default settings, yield its empty database, and remove both."""
    with PostgreSQL() as server:
        yield Database(server.port)
