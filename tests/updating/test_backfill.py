"""db/migrations/backfill.py of a project: which columns a migration fills before they become NOT NULL."""

from collections.abc import Callable

import pytest

from ..harness import Project

PROGRAM = """
import sys
from alembic.operations import ops
from sqlalchemy import Boolean, Column, Enum, ForeignKey, Integer, MetaData, String, Table

from my_service.db.migrations.backfill import Backfill, backfill

metadata = MetaData()
Table("owners", metadata, Column("id", Integer, primary_key=True))
Table(
    "things", metadata,
    Column("name", String(9)), Column("language", String(9), default="it's :en"), Column("active", Boolean, default=True),
    Column("role", Enum("a", "b", native_enum=False), default="b"), Column("stamp", Integer, default=lambda: 1),
    Column("code", String(9), unique=True), Column("count", Integer),
    Column("kind", Enum("a", "b", native_enum=False)), Column("owner_id", ForeignKey("owners.id")),
)
column = metadata.tables["things"].c[sys.argv[2]]
alter = ops.AlterColumnOp("things", column.name, existing_type=column.type, modify_nullable=False)
add = ops.AddColumnOp("things", Column(column.name, column.type, nullable=False))
operations = ops.UpgradeOps([ops.ModifyTableOps("things", [alter if sys.argv[1] == "alter" else add])])
backfill(operations, metadata)
print([operation.value for operation in operations.ops if isinstance(operation, Backfill)])
"""


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    return make_project(database="sqlite")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("name", ["''"]),
        ("language", [r"'it''s \:en'"]),
        ("active", ["true"]),
        ("role", ["'b'"]),
        ("stamp", ["0"]),
        ("count", ["0"]),
        ("code", []),
        ("kind", []),
        ("owner_id", []),
    ],
)
def test_a_column_is_filled_where_one_value_suits_every_row(project: Project, column: str, values: list[str]) -> None:
    for operation in ("add", "alter"):
        done = project.run("python", "-c", PROGRAM, operation, column)
        assert done.stdout == f"{values}\n", operation
