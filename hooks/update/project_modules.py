"""The modules of the project that an update uses, in the project's environment; see project.py."""

from importlib import import_module

from scripts.dev_database import scratch_url
from scripts.revision import ROOT, alembic_config, on_scratch_database, write

from scripts import revision

__all__ = ["ROOT", "alembic_config", "backfill", "on_scratch_database", "scratch_url", "write"]

backfill = import_module(f"{vars(revision)['PACKAGE']}.db.migrations.backfill").backfill
