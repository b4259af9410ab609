"""Names of the project files that an update uses.

Only this module and project_modules.py depend on the layout of a project.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from repository import UpdateBlocked

ROOT = Path.cwd()
# The owner typed `make update DRY=1`.
DRY = os.environ.get("DRY", "0") not in ("", "0")
# In a dry run ROOT is a scratch repository, and this variable names the folder of the project, which has the environment.
PROJECT_VARIABLE = "TEMPLATE_UPDATE_PROJECT"
PROJECT = Path(os.environ.get(PROJECT_VARIABLE, ROOT))
PROGRAMS = Path(".venv", "Scripts" if os.name == "nt" else "bin")
READY = PROJECT / ".venv" / ".ready"
# Where Python finds a project's modules.
IMPORT_PATHS = (".", "src")
# Modules of the package: those that decide what a migration contains, and the one with the application.
SCHEMA = ("models", "db.migrations.environment")
APPLICATION = "main"
# The path of the script that copies SQLite's rows, and the command that runs it.
IMPORT_SCRIPT = Path("scripts", "import_sqlite.py")
IMPORT_COMMAND = f"{(PROGRAMS / 'python').as_posix()} -m {IMPORT_SCRIPT.parent.name}.{IMPORT_SCRIPT.stem}"


def is_set_up() -> bool:
    """Whether the project's environment was made here."""
    return READY.exists() and READY.read_text(encoding="utf-8") == str(PROJECT)


def refuse_new_name(old: str, new: str) -> None:
    """Check that the package keeps its name.

    Raises:
        UpdateBlocked: it would get another name.
    """
    if old != new:
        raise UpdateBlocked(
            f"An update cannot rename the package {old} to {new}, because your own files name it too. Leave package_name as"
            " it is; project_name may change."
        )


def applications() -> list[str]:
    """Return the packages that hold an application."""
    return [path.parent.name for path in sorted(ROOT.glob(f"src/*/{APPLICATION}.py"))]


def first_revision(project: Path) -> list[str]:
    """Return the program, for a project's Python, that writes the first revision of the project's models."""
    return ["-m", "scripts.revision", "initial"]


def sync(folder: Path) -> None:
    """Make the environment that the pyproject.toml in a folder asks for.

    Raises:
        UpdateBlocked: it cannot be made, for example without a network.
    """
    sys.path.insert(0, str(ROOT / "scripts"))
    setup = import_module("setup")
    try:
        setup.sync(folder, "--no-install-project")
    except setup.SetupError as error:
        raise UpdateBlocked(str(error)) from None
