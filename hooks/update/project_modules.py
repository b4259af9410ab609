"""The modules of the project that an update uses, in the project's environment; see project.py."""

from importlib import import_module

from scripts.revision import (
    ROOT,
    Written,
    alembic_config,
    import_models,
    missing_operations,
    on_scratch_database,
    report,
    upgrade_to_head,
    write,
)

from scripts import revision

__all__ = [
    "ROOT",
    "Written",
    "alembic_config",
    "backfill",
    "import_models",
    "missing_operations",
    "on_scratch_database",
    "report",
    "upgrade_to_head",
    "write",
]

backfill = import_module(f"{vars(revision)['PACKAGE']}.db.migrations.backfill").backfill
