"""The modules of the project that an update uses, in the project's environment; see project.py."""

from existing_rows import fill
from migrations import ROOT, alembic_config, on_scratch_database
from revision import bring_to_head, compare, import_models, report, write

__all__ = [
    "ROOT",
    "alembic_config",
    "bring_to_head",
    "compare",
    "fill",
    "import_models",
    "on_scratch_database",
    "report",
    "write",
]
