"""Read the versions of a service's packages."""

import json
import subprocess
from pathlib import Path

_PACKAGES = ("fastapi", "starlette", "pydantic", "sqlalchemy", "asyncpg", "psycopg", "uvicorn", "uvloop", "httptools")
_PROGRAM = f"""
import importlib.metadata, json, platform
found = {{"python": platform.python_version()}}
for name in {_PACKAGES}:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def installed(python: Path) -> dict[str, str]:
    """Return the versions of a Python and of the packages that are installed for it.

    Raises:
        CalledProcessError: this Python does not run.
    """
    printed = subprocess.run([python, "-c", _PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, str] = json.loads(printed)
    return found
