"""The models. Import each module in this folder, so that Alembic sees all tables."""

import importlib
import pkgutil

from .base import Base

__all__ = ["Base"]

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
