"""Import an application in its project's environment, and print the file and line of an error.

    start_application.py PACKAGE

The application is in the module `main` of the package.
"""

import sys
import traceback
from importlib import import_module
from pathlib import Path

try:
    import_module(f"{sys.argv[1]}.main")
except (Exception, SystemExit) as error:
    here = Path.cwd() / "src"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(here)]
    for frame in frames[-1:]:
        print(f"{Path(frame.filename).relative_to(Path.cwd())}:{frame.lineno}: {type(error).__name__}: {error}")
