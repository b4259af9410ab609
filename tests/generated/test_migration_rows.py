"""The rows that the tests of a project put into new tables, whatever its models hold."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Connection,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import JSON, Date, Time

from .. import test_migrations
from ..test_migrations import ROWS, add_rows

# Before PostgreSQL 18, SQLAlchemy warns that computed columns are stored.
pytestmark = pytest.mark.filterwarnings("ignore:Computed column")

METADATA = MetaData()
ORBITS = Table(
    "orbits",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(1), nullable=False, unique=True),
    Column("kind", Enum("circular", "elliptic", name="orbit_kind"), nullable=False),
    Column("radius", Numeric(9, 2), nullable=False),
    Column("double", Integer, Computed("id * 2")),
    Column("seen", DateTime(timezone=True), nullable=False),
    Column("local", DateTime, nullable=False),
    Column("day", Date, nullable=False),
    Column("hour", Time, nullable=False),
    Column("key", Uuid, nullable=False),
    Column("data", JSON, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("closed", Integer, nullable=False, server_default=text("0")),
)
CROSSINGS = Table(
    "crossings",
    METADATA,
    Column("one_id", ForeignKey("orbits.id"), primary_key=True),
    Column("other_id", ForeignKey("orbits.id"), primary_key=True),
)
SUNS = Table(
    "suns",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("age", Integer, nullable=False),
    CheckConstraint("age > 9"),
)


def fill(connection: Connection) -> dict[str, int]:
    """Create the tables, let the rows be added as after a revision, and count them."""
    METADATA.create_all(connection)
    for _twice in range(2):
        add_rows(connection, "0001")
    return {t.name: connection.scalar(select(func.count()).select_from(t)) or 0 for t in METADATA.sorted_tables}


async def test_each_table_gets_two_rows(empty: AsyncConnection) -> None:
    assert await empty.run_sync(fill) == {"orbits": 2, "crossings": 2, "suns": 0}
    columns = ORBITS.c["name", "radius", "double", "local", "day", "hour"]
    row = (await empty.execute(select(*columns).order_by(ORBITS.c.id))).first()
    assert row == ("1", Decimal(1), 2, datetime(2000, 2, 29), date(2000, 2, 29), time(1))


async def test_own_rows_take_the_place_of_generated_ones(
    empty: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_sun(connection: Connection) -> None:
        if not connection.scalar(text("SELECT count(*) FROM suns")):
            connection.execute(text("INSERT INTO suns (age) VALUES (10)"))

    monkeypatch.setitem(ROWS, "0001", add_sun)
    assert await empty.run_sync(fill) == {"orbits": 2, "crossings": 2, "suns": 1}


async def test_history_whose_tables_stay_empty_fails(empty: AsyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade(*arguments: Any) -> None:
        SUNS.create(arguments[0].attributes["connection"])

    def downgrade(*arguments: Any) -> None:
        SUNS.drop(arguments[0].attributes["connection"])

    monkeypatch.setattr(command, "upgrade", upgrade)
    monkeypatch.setattr(command, "downgrade", downgrade)
    with pytest.raises(AssertionError, match=r"no row fits \['suns'\]: add rows to ROWS"):
        await empty.run_sync(test_migrations.climb)
