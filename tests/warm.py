"""Runs modules in forks of a Python that has imported the packages, because importing takes longer than most tests.

A project's Python runs this file. Each line of its standard input is an order: the module, file or -c to run, its
arguments, folder and environment, and the files for what it prints. The answer is a line with the exit code.
"""

import gc
import json
import os
import runpy
import signal
import sys
from importlib import import_module
from typing import Any

PACKAGES = (
    *("alembic.autogenerate", "alembic.command", "alembic.config", "argon2", "email_validator", "fastapi"),
    *("httpx", "pydantic_settings", "pytest", "_pytest.assertion.rewrite", "_pytest.pytester"),
    *("sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.ext.asyncio"),
    *("asyncpg", "aiosqlite", "uvicorn"),
)
LONGEST = 600  # s


def run(order: dict[str, Any]) -> None:
    """Run what was ordered as a new Python would."""
    signal.alarm(LONGEST)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for descriptor, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.path[:0] = ["", *filter(None, order["environment"].get("PYTHONPATH", "").split(os.pathsep))]
    what, *arguments = order["command"]
    if what == "pytest":  # its plugin anyio is imported already
        arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    sys.argv = [what, *arguments]
    if what == "-c":
        sys.argv = ["-c", *arguments[1:]]
        exec(compile(arguments[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    elif what.endswith(".py"):
        runpy.run_path(what, run_name="__main__")
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    for package in PACKAGES:
        try:
            import_module(package)
        except ModuleNotFoundError:  # a driver of the other database
            continue
    gc.freeze()  # or each fork traverses, and so copies, what all packages hold: a third of its time
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
            break
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
