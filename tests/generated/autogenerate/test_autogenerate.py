"""Autogenerate for whatever an owner's models hold: one line a case.

Each case is a change from one schema to another. The revision is written and run up, down and up again, with rows in the
tables; then nothing is missing. What cannot be generated is refused, with what to write by hand.
"""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Column, Connection, Enum, ForeignKey, Integer, MetaData, String, Table, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from my_service.core.config import settings
from my_service.db.engine import backend_for
from my_service.db.models import NAMING_CONVENTION
from my_service.db.types import UTCDateTime
from my_service.models.base import Base

from ...test_migrations import describe
from scripts import revision

# Before PostgreSQL 18, SQLAlchemy warns that computed columns are stored.
pytestmark = pytest.mark.filterwarnings("ignore:Computed column")

POSTGRESQL = make_url(settings.database_url).get_backend_name() == "postgresql"
Schema = Callable[[MetaData], object]


class Mood(enum.Enum):
    """A type that a model may use."""

    happy = "happy"
    sad = "sad"


def nothing(metadata: MetaData) -> None:
    """Describe no table."""


def table(*columns: Callable[[], Any], name: str = "things", **options: Any) -> Callable[[MetaData], Table]:
    """Describe a table with an id and some columns, which each schema makes anew."""
    return lambda metadata: Table(
        name, metadata, Column("id", Integer, primary_key=True), *[column() for column in columns], **options
    )


def tables(*schemas: Schema) -> Schema:
    """Describe several tables."""
    return lambda metadata: [schema(metadata) for schema in schemas]


def column(name: str, *arguments: Any, **options: Any) -> Callable[[], Any]:
    """Describe a column, whose arguments are values or functions that make them."""
    return lambda: Column(
        name, *[made() if callable(made) and not isinstance(made, type) else made for made in arguments], **options
    )


def positive(metadata: MetaData) -> None:
    """Describe a table whose CHECK constraint is not text."""
    things = table(column("n", Integer), column("name", String(50)))(metadata)
    condition = (things.c.n > 0) & things.c.name.in_(["one", "50% 'off'"])
    sa.CheckConstraint(condition, name="positive")  # its columns add it to the table


NAME = column("name", String(50))
MOODS = ("happy", "sad")
MORE = ("happy", "sad", "calm")


def mood(*values: str, nullable: bool = True, server_default: str | None = None, **options: Any) -> Callable[[], Any]:
    """Describe a column with an enum, which Python checks unless the options say otherwise."""
    kind: dict[str, Any] = {"native_enum": False, "name": "mood", **options}
    return lambda: Column("mood", Enum(*values, **kind), nullable=nullable, server_default=server_default)


@dataclass(frozen=True)
class Case:
    """A change of a schema, the rows before it, and why it is refused, if it is."""

    name: str
    before: Schema
    after: Schema
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: str = ""
    warned: str = ""
    only: str = ""

    def __str__(self) -> str:
        return self.name


ROW = {"things": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]}
MOODY = {"things": [{"id": 1, "mood": "happy"}]}
CASES = [
    Case("enum, new table", nothing, table(mood(*MOODS))),
    Case("enum of a class", nothing, table(column("mood", Enum(Mood, native_enum=False)))),
    Case("enum, new column", table(NAME), table(NAME, mood(*MOODS)), ROW),
    Case(
        "enum, new column with a default",
        table(NAME),
        table(NAME, mood(*MOODS, nullable=False, server_default="sad")),
        ROW,
    ),
    Case("enum, required column", table(NAME), table(NAME, mood(*MOODS, nullable=False)), warned="FAILS WITH ROWS"),
    Case("enum, column dropped", table(NAME, mood(*MOODS)), table(NAME), ROW, warned="DESTRUCTIVE"),
    Case("enum, table dropped", table(mood(*MOODS)), nothing, MOODY, warned="DESTRUCTIVE"),
    Case(
        "enum in a second table",
        table(mood(*MOODS)),
        tables(table(mood(*MOODS)), table(mood(*MOODS), name="others")),
        MOODY,
    ),
    Case("enum of two new tables", nothing, tables(table(mood(*MOODS)), table(mood(*MOODS), name="others"))),
    Case(
        "enum, one of two tables dropped",
        tables(table(mood(*MOODS)), table(mood(*MOODS), name="others")),
        table(mood(*MOODS)),
        MOODY,
    ),
    Case("enum, value added", table(mood(*MOODS)), table(mood(*MORE)), MOODY),
    Case("enum, longer value added", table(mood(*MOODS)), table(mood(*MOODS, "indifferent")), MOODY),
    Case("enum, unused value removed", table(mood(*MORE)), table(mood(*MOODS)), MOODY),
    Case("string becomes enum", table(column("mood", String(20))), table(mood(*MOODS)), MOODY),
    Case("enum becomes string", table(mood(*MOODS)), table(column("mood", String(20))), MOODY),
    Case(
        "native enum, new table",
        nothing,
        table(mood(*MOODS, native_enum=True)),
        refused="things.mood is an Enum whose values",
    ),
    Case(
        "native enum, new column",
        table(NAME),
        table(NAME, mood(*MOODS, native_enum=True)),
        ROW,
        refused="things.mood is an Enum",
    ),
    Case(
        "checked enum, new column",
        table(NAME),
        table(NAME, mood(*MOODS, create_constraint=True)),
        ROW,
        refused="things.mood is",
    ),
    Case(
        "string becomes native enum",
        table(column("mood", String(20))),
        table(mood(*MOODS, native_enum=True)),
        MOODY,
        refused="things.mood is an Enum",
        only="postgresql",
    ),
    Case(
        "computed, new table",
        nothing,
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 2"))),
    ),
    Case(
        "computed, new column",
        table(column("n", Integer)),
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 2"))),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "computed, dropped",
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 2"))),
        table(column("n", Integer)),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "computed, another column added",
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 2"))),
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 2")), NAME),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "computed, other expression",
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 2"))),
        table(column("n", Integer), column("twice", Integer, lambda: sa.Computed("n * 3"))),
        {"things": [{"id": 1, "n": 2}]},
        refused="things.twice is computed by another expression",
    ),
    Case(
        "identity, new table",
        nothing,
        lambda m: Table(
            "things", m, Column("id", Integer, sa.Identity(), primary_key=True), Column("name", String(50))
        ),
        refused="" if POSTGRESQL else r"SQLite has no Identity\(\)",
    ),
    Case(
        "identity, other column",
        nothing,
        table(column("n", Integer, lambda: sa.Identity(always=True))),
        only="postgresql",
    ),
    Case("interval, new table", nothing, table(column("length", sa.Interval()))),
    Case("interval, new column", table(NAME), table(NAME, column("length", sa.Interval())), ROW),
    Case(
        "interval, required column",
        table(NAME),
        table(NAME, column("length", sa.Interval(), nullable=False)),
        warned="FAILS WITH ROWS",
    ),
    Case("schema, new table", nothing, table(NAME, schema="other"), refused="things is in the schema other"),
    Case(
        "cycle of foreign keys",
        nothing,
        tables(
            table(column("b_id", Integer, lambda: ForeignKey("b.id")), name="a"),
            table(column("a_id", Integer, lambda: ForeignKey("a.id")), name="b"),
        ),
    ),
    Case(
        "cycle with use_alter",
        nothing,
        tables(
            table(column("b_id", Integer, lambda: ForeignKey("b.id", use_alter=True)), name="a"),
            table(column("a_id", Integer, lambda: ForeignKey("a.id")), name="b"),
        ),
    ),
    Case(
        "cycle, dropped",
        tables(
            table(column("b_id", Integer, lambda: ForeignKey("b.id")), name="a"),
            table(column("a_id", Integer, lambda: ForeignKey("a.id")), name="b"),
        ),
        nothing,
        {"a": [{"id": 1}], "b": [{"id": 1, "a_id": 1}]},
    ),
    Case("self-reference", nothing, table(column("parent_id", Integer, lambda: ForeignKey("things.id")))),
    Case(
        "self-reference, new column",
        table(NAME),
        table(NAME, column("parent_id", Integer, lambda: ForeignKey("things.id", ondelete="CASCADE"), index=True)),
        ROW,
    ),
    Case(
        "composite key",
        nothing,
        lambda m: Table("things", m, Column("a", Integer, primary_key=True), Column("b", Integer, primary_key=True)),
    ),
    Case(
        "composite foreign key",
        nothing,
        lambda m: [
            Table("things", m, Column("a", Integer, primary_key=True), Column("b", Integer, primary_key=True)),
            Table(
                "parts",
                m,
                Column("id", Integer, primary_key=True),
                Column("a", Integer),
                Column("b", Integer),
                sa.ForeignKeyConstraint(["a", "b"], ["things.a", "things.b"]),
            ),
        ],
    ),
    Case(
        "association table",
        table(NAME),
        tables(
            table(NAME),
            table(NAME, name="tags"),
            lambda m: Table(
                "tagged",
                m,
                Column("thing_id", ForeignKey("things.id", ondelete="CASCADE"), primary_key=True),
                Column("tag_id", ForeignKey("tags.id"), primary_key=True),
            ),
        ),
        ROW,
    ),
    Case("JSON", table(NAME), table(NAME, column("data", sa.JSON(), nullable=False)), warned="FAILS WITH ROWS"),
    Case(
        "JSON with a default",
        table(NAME),
        table(NAME, column("data", sa.JSON(), nullable=False, server_default=text("'{}'"))),
        ROW,
    ),
    Case(
        "JSONB with a variant",
        table(NAME),
        table(NAME, column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"))),
        ROW,
    ),
    Case("JSONB", table(NAME), table(NAME, column("data", postgresql.JSONB())), ROW, only="postgresql"),
    Case("ARRAY", table(NAME), table(NAME, column("data", postgresql.ARRAY(String(20)))), ROW, only="postgresql"),
    Case("UUID", table(NAME), table(NAME, column("data", sa.Uuid())), ROW),
    Case(
        "UUID, required", table(NAME), table(NAME, column("data", sa.Uuid(), nullable=False)), warned="FAILS WITH ROWS"
    ),
    Case(
        "Numeric", table(NAME), table(NAME, column("data", sa.Numeric(10, 2), nullable=False)), warned="FAILS WITH ROWS"
    ),
    Case("LargeBinary", table(NAME), table(NAME, column("data", sa.LargeBinary())), ROW),
    Case(
        "Time, Date, Double, SmallInteger, Text",
        table(NAME),
        table(
            NAME,
            column("a", sa.Time()),
            column("b", sa.Date()),
            column("c", sa.Double()),
            column("d", sa.SmallInteger()),
            column("e", sa.Text()),
        ),
        ROW,
    ),
    Case(
        "aware datetime",
        table(NAME),
        table(NAME, column("at", UTCDateTime(), nullable=False)),
        warned="FAILS WITH ROWS",
    ),
    Case(
        "expression index, new table",
        nothing,
        lambda m: sa.Index("ix_lower", sa.func.lower(table(NAME)(m).c.name)),
        refused="" if POSTGRESQL else "The index ix_lower is on an expression.*Leave it out until.*op.execute",
    ),
    Case(
        "expression index, added",
        table(NAME),
        lambda m: sa.Index("ix_lower", sa.func.lower(table(NAME)(m).c.name)),
        ROW,
        refused="" if POSTGRESQL else "The index ix_lower is on an expression.*op.execute",
    ),
    Case(
        "expression index, dropped",
        lambda m: sa.Index("ix_lower", sa.func.lower(table(NAME)(m).c.name)),
        table(NAME),
        ROW,
        refused="" if POSTGRESQL else "The index ix_lower is on an expression.*op.execute",
    ),
    Case("descending index", table(NAME), lambda m: sa.Index("ix_down", table(NAME)(m).c.name.desc()), ROW),
    Case("unique constraint, added", table(NAME), table(column("name", String(50), unique=True)), ROW),
    Case(
        "check constraint, new table",
        nothing,
        table(column("n", Integer), lambda: sa.CheckConstraint("n > 0", name="positive")),
    ),
    Case(
        "check constraint, added",
        table(column("n", Integer)),
        table(column("n", Integer), lambda: sa.CheckConstraint("n > 0", name="positive")),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "check constraint of columns and values",
        table(column("n", Integer), column("name", String(50))),
        positive,
        {"things": [{"id": 1, "n": 2, "name": "one"}]},
    ),
    Case(
        "check constraint, changed",
        table(column("n", Integer), lambda: sa.CheckConstraint("n > 0", name="positive")),
        table(column("n", Integer), lambda: sa.CheckConstraint("n > 1", name="positive")),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "check constraint, dropped",
        table(column("n", Integer), lambda: sa.CheckConstraint("n > 0", name="positive")),
        table(column("n", Integer)),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "reserved names",
        nothing,
        table(column("select", String(5)), column("order", Integer, index=True), name="group"),
    ),
    Case(
        "reserved names, new column",
        table(column("select", String(5)), name="group"),
        table(
            column("select", String(5)),
            column("order", Integer, nullable=False, server_default=text("0")),
            name="group",
        ),
        {"group": [{"id": 1, "select": "x"}]},
    ),
    Case("capitals and spaces", nothing, table(column("A b", String(5), index=True), name="My Things")),
    Case(
        "a name of 70 characters",
        nothing,
        table(column("n", Integer, index=True), name="t" * 70),
        refused="shortens the name of the table t+ to 63 bytes",
    ),
    Case(
        "a column name of 70 characters",
        nothing,
        table(column("c" * 70, Integer)),
        refused="shortens the name of things.c+ to 63 bytes",
    ),
    Case("a column name of 60 characters", nothing, table(column("c" * 60, Integer, index=True), name="t" * 60)),
    Case("string becomes longer", table(NAME), table(column("name", String(80))), ROW),
    Case("string becomes text", table(NAME), table(column("name", sa.Text())), ROW),
    Case(
        "integer becomes big",
        table(column("n", Integer)),
        table(column("n", sa.BigInteger())),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "integer becomes numeric",
        table(column("n", Integer)),
        table(column("n", sa.Numeric(10, 2))),
        {"things": [{"id": 1, "n": 2}]},
    ),
    Case(
        "integer becomes string",
        table(column("n", Integer)),
        table(column("n", String(20))),
        {"things": [{"id": 1, "n": 2}]},
        refused="things.n becomes .*Run make db-migrate",
    ),
    Case(
        "string becomes integer",
        table(column("n", String(20))),
        table(column("n", Integer)),
        {"things": [{"id": 1, "n": "2"}]},
        refused="things.n becomes .*Run make db-migrate",
    ),
    Case(
        "string becomes date",
        table(column("n", String(20))),
        table(column("n", sa.Date())),
        {"things": [{"id": 1, "n": "2020-02-28"}]},
        refused="things.n becomes .*Run make db-migrate",
    ),
    Case(
        "string becomes JSONB",
        table(column("n", String(20))),
        table(column("n", postgresql.JSONB())),
        {"things": [{"id": 1, "n": "2"}]},
        refused=r"things.n becomes .*n_new., postgresql.JSONB\(",
        only="postgresql",
    ),
    Case(
        "integer becomes boolean",
        table(column("n", Integer)),
        table(column("n", sa.Boolean())),
        {"things": [{"id": 1, "n": 1}]},
        refused="things.n becomes .*Run make db-migrate",
    ),
    Case(
        "integer with a default becomes boolean",
        table(column("n", Integer, server_default=text("0"), nullable=False)),
        table(column("n", sa.Boolean(), server_default=text("false"), nullable=False)),
        {"things": [{"id": 1, "n": 1}]},
        refused="things.n becomes",
    ),
    Case("default added", table(NAME), table(column("name", String(50), server_default="x")), ROW),
    Case("default dropped", table(column("name", String(50), server_default="x")), table(NAME), ROW),
    *[
        Case(f"default {value!r}", table(NAME), table(NAME, column("note", kind, server_default=value)), ROW)
        for kind, value in [
            (String(50), "don't know"),
            (String(50), "it's 100% :x"),
            (String(50), "C:\\new 'x'::text"),
            (String(50), ""),
            (String(50), "two\nlines, and :one"),
            (sa.Float(), "NaN"),
        ]
    ],
    *[
        Case(
            f"another column beside the {name} with a colon",
            table(NAME, other),
            table(NAME, other, column("more", String(20), server_default="-")),
            ROW,
        )
        for name, other in [
            ("default", column("data", sa.JSON(), server_default='{"retries":3}')),
            ("text", column("data", String(50), server_default="see :name")),
        ]
    ],
    Case(
        "default with an apostrophe becomes another",
        table(column("name", String(50), server_default="don't know")),
        table(column("name", String(50), server_default="can't know")),
        ROW,
    ),
    Case(
        "array of JSON with a default",
        table(NAME),
        table(NAME, column("data", postgresql.ARRAY(sa.JSON()), server_default="{}")),
        ROW,
        only="postgresql",
    ),
    Case("column becomes required", table(NAME), table(column("name", String(50), nullable=False)), ROW),
    Case("column becomes optional", table(column("name", String(50), nullable=False)), table(NAME), ROW),
    Case("renamed column", table(NAME), table(column("title", String(50))), ROW, warned="DESTRUCTIVE"),
    Case(
        "dropped table that others refer to",
        tables(table(NAME), table(column("thing_id", Integer, lambda: ForeignKey("things.id")), name="parts")),
        nothing,
        ROW | {"parts": [{"id": 1, "thing_id": 1}]},
    ),
    Case("comment", table(NAME), table(column("name", String(50), comment="What it is called"), comment="Things"), ROW),
]


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Connection | None], Config]:
    """Return what configures Alembic with a history of the test's own."""
    configure = revision.alembic_config

    def with_own_history(connection: Connection | None = None) -> Config:
        configured = configure(connection)
        configured.set_main_option("path_separator", "os")
        configured.set_main_option("version_locations", str(tmp_path))
        configured.set_main_option("file_template", "%%(slug)s")
        return configured

    monkeypatch.setattr(revision, "alembic_config", with_own_history)
    return with_own_history


@pytest.mark.parametrize("case", [case for case in CASES if POSTGRESQL or not case.only], ids=str)
async def test_change_is_generated(
    config: Callable[[Connection | None], Config], monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    def write(connection: Connection, name: str, schema: Schema) -> list[str]:
        metadata = MetaData(naming_convention=NAMING_CONVENTION)
        schema(metadata)
        monkeypatch.setattr(Base, "metadata", metadata)
        configured = config(connection)
        revision.write(name, configured, autogenerate=True)
        command.upgrade(configured, "head")
        warnings: list[str] = configured.attributes["warnings"]
        return warnings

    def look(connection: Connection) -> dict[str, list[str]]:
        # SQLAlchemy reads too long an expression of a computed column from SQLite.
        return {name: [re.sub("sqltext.*", "", item) for item in items] for name, items in describe(connection).items()}

    def run(connection: Connection) -> None:
        write(connection, "before", case.before)
        before: MetaData = Base.metadata
        for name, rows in case.rows.items():
            connection.execute(before.tables[name].insert(), rows)
        warnings = write(connection, "after", case.after)
        assert not case.warned or any(case.warned in warning for warning in warnings)
        configured = config(connection)
        assert revision.missing_operations(connection) == ""
        command.downgrade(configured, "-1")
        command.upgrade(configured, "head")
        assert revision.missing_operations(connection) == ""
        migrated = look(connection)
        command.downgrade(configured, "base")
        assert look(connection) == {}
        with connection.begin_nested() as savepoint:
            Base.metadata.create_all(connection)
            assert look(connection) == migrated, "a new database would be another one"
            savepoint.rollback()
        command.upgrade(configured, "head")

    url = make_url(settings.database_url)
    async with (
        revision.temporary_database(backend_for(url).sibling_url(url, "_matrix")) as engine,
        engine.begin() as connection,
    ):
        if case.refused:
            with pytest.raises(CommandError, match=f"(?s){case.refused}"):
                await connection.run_sync(run)
        else:
            await connection.run_sync(run)


def test_annotated_enum_is_text() -> None:
    class Person(Base):
        __tablename__ = "matrix_people"
        metadata = MetaData()

        id: Mapped[int] = mapped_column(primary_key=True)
        mood: Mapped[Mood]

    kind = Person.__table__.c.mood.type
    assert isinstance(kind, Enum)
    assert (kind.native_enum, kind.create_constraint, kind.enums) == (False, False, ["happy", "sad"])
