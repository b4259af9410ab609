"""Import an application in its project's environment.

    start_application.py MODULE MODULE ...

The last module holds the application, the others decide the schema. Prints JSON: the project's files that the latter
import ("schema", null if one does not import), and the file, the line and the text of an error ("errors").
"""

import json
import sys
import traceback
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

ROOT = Path.cwd()


def error_in_project(error: BaseException) -> list[str]:
    """Return the last place of the project in an error's traceback, and the error."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT / "src")]
    return [
        f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno}: {type(error).__name__}: {error}"
        for frame in own[-1:]
    ]


def loaded_files() -> list[str]:
    """Return the project's files that were imported."""
    files = [Path(file) for module in [*sys.modules.values()] if (file := getattr(module, "__file__", None))]
    return [file.relative_to(ROOT).as_posix() for file in files if file.is_relative_to(ROOT)]


def main(*modules: str) -> None:
    """Run as a part of finish_update.py."""
    found: dict[str, list[str] | None] = {"schema": None, "errors": []}
    with redirect_stdout(sys.stderr):  # what the application prints
        try:
            for module in modules[:-1]:
                import_module(module)
            found["schema"] = loaded_files()
            import_module(modules[-1])
        except (Exception, SystemExit) as error:
            found["errors"] = error_in_project(error)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
