"""Drop tables in an order that foreign keys allow, which Alembic does not."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint


def sort_drop_tables(script: ops.MigrationScript) -> None:
    """Drop tables last, each before the tables it refers to. The downgrade creates them in reverse."""
    if script.upgrade_ops is None or script.downgrade_ops is None:
        return
    creations = {op.table_name: op for op in script.downgrade_ops.ops if isinstance(op, ops.CreateTableOp)}
    referred = {name: _referred(creation) & creations.keys() for name, creation in creations.items()}
    try:
        order = list(TopologicalSorter(referred).static_order())
    except CycleError:
        return
    others, dropped = _split(script.upgrade_ops.ops, creations)
    script.upgrade_ops.ops[:] = [*others, *(op for name in reversed(order) for op in dropped[name])]
    others, created = _split(script.downgrade_ops.ops, creations)
    script.downgrade_ops.ops[:] = [*(op for name in order for op in created[name]), *others]


def _referred(creation: ops.CreateTableOp) -> set[str]:
    keys = [item for item in creation.columns if isinstance(item, ForeignKeyConstraint)]
    names = {element.target_fullname.rpartition(".")[0] for key in keys for element in key.elements}
    return names - {creation.table_name}


def _split(
    operations: Iterable[ops.MigrateOperation], tables: Iterable[str]
) -> tuple[list[ops.MigrateOperation], dict[str, list[ops.MigrateOperation]]]:
    """Return the other operations, and the operations on these tables, by table."""
    others: list[ops.MigrateOperation] = []
    on: dict[str, list[ops.MigrateOperation]] = {name: [] for name in tables}
    for operation in operations:
        on.get(getattr(operation, "table_name", ""), others).append(operation)
    return others, on
