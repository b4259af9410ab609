"""The models. Each module in this folder and below is imported here, so that none is missed by Alembic."""

import importlib
import pkgutil

from .base import Base

__all__ = ["Base"]

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
