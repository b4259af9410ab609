"""Measure each optimization: one row by key, as it is, against the same with one optimization undone.

The figures compare the service's CPU time, because most optimizations save less than the requests/s vary.
"""

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ..harness.load import PROCESSOR, RUNS, processor_milliseconds
from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import Rendered
from ..harness.services import FLAGS, POOL, USERS, fill, filled_sqlite
from ..harness.serving import MEASURED, OTHERS, on
from .http import CLIENTS

NESTED = """
    api = APIRouter(
        prefix="/api/v1",
        dependencies=[Depends(auth.get_current_user)],
        responses=BAD_REQUEST | TOO_LARGE | UNAVAILABLE,
    )
    for router in ROUTERS:
        api.include_router(router)
    everything = APIRouter()
    everything.include_router(api)
    everything.include_router(health.router)
    app.include_router(everything)
    return app
"""
LISTENERS = """
def log_slow_queries(engine: Any, threshold: float) -> None:
    from sqlalchemy import event

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def _before(connection, cursor, statement, parameters, context, executemany):
        context.started = time.perf_counter()

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def _after(connection, cursor, statement, parameters, context, executemany):
        if time.perf_counter() - context.started >= threshold:
            logger.warning("Slow query: %s", statement)
"""
# The file of the package, the text to replace and its replacement; … stands for the rest of a function.
UNDONE = {
    "the garbage collector left alone": (
        "main.py",
        "    reduce_gc_pauses()\n",
        "",
    ),
    "reads in a transaction": (
        "db/postgresql.py",
        'read_only, isolation_level="AUTOCOMMIT", **arguments)\n',
        "read_only, **arguments)\n",
    ),
    "each connection tried each time": ("db/postgresql.py", "_IDLE = 1\n", "_IDLE = -1\n"),
    "a statement for each request": (
        "services/user_service.py",
        'self.db.scalar(_BY_ID, {"id": user_id})\n\n',
        "self.db.scalar(select(User).where(User.id == user_id, User.deleted_at.is_(None)))\n\n",
    ),
    "routers within routers": ("main.py", "    for router in ROUTERS:\n…", NESTED),
    "listeners for the slow-query log": ("db/slow_query_log.py", "def log_slow_queries…", LISTENERS),
    "a session that is closed with the request": (
        "core/database.py",
        "    return _read_session\n",
        "    async with AsyncSessionLocal(bind=read_engine) as session:\n        yield session\n",
    ),
}
# Undone on SQLite only. The optimizations above have the same effect on both databases.
UNDONE_ON_SQLITE = {
    "the driver's own cursor": (
        "db/sqlite_driver.py",
        "    def cursor(self) -> Any:\n        return _Cursor(self)\n",
        "    pass\n",
    ),
}


def undo(project: Rendered, number: int, file: str, old: str, new: str) -> str:
    """Return the folder of a copy of the project's source without one of the optimizations."""
    copy = project.path / f"undone{number}"
    shutil.copytree(project.path / "src", copy)
    path = copy / "my_service" / file
    before, found, after = path.read_text().partition(old.removesuffix("…"))
    assert found, old
    if old.endswith("…"):
        _, mark, rest = after.partition("\n\n\n")
        after = mark + rest
    path.write_text((before + new + after).replace("import Depends, FastAPI", "import APIRouter, Depends, FastAPI"))
    return str(copy)


def compared(database: str, project: Rendered, undone: Mapping[str, tuple[str, str, str]], runs: int) -> list[Figure]:
    """Return the figures of a project whose database has its rows."""
    with ExitStack() as stack, on(MEASURED):
        urls = {"as it is": stack.enter_context(project.served(*FLAGS))}
        for number, (name, change) in enumerate(undone.items()):
            source = {"PYTHONPATH": undo(project, number, *change)}
            urls[name] = stack.enter_context(project.served(*FLAGS, variables=source))
        pure = ("--loop=asyncio", "--http=h11", *FLAGS[2:])
        urls["asyncio and h11"] = stack.enter_context(project.served(*pure))

        asking = {
            name: partial(processor_milliseconds, f"{url}/api/v1/users/{USERS // 2}", clients=CLIENTS)
            for name, url in urls.items()
        }
        measured = interleaved(asking, runs, PROCESSOR)
    return [
        compare(f"to {name}, {database}", measured, "as it is", name, limit=None, unit=PROCESSOR)
        for name in urls
        if name != "as it is"
    ]


def measure(database: str, runs: int = RUNS) -> list[Figure]:
    """Measure on one of the two databases."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder) / "project"
        if database == "sqlite":
            return compared(database, filled_sqlite(path, Path(folder) / "rows.db"), UNDONE_ON_SQLITE, runs)
        with on(OTHERS):
            server = stack.enter_context(postgresql())
        project = Rendered(path, {"DATABASE_URL": server.url(), **POOL})
        project.python("-m", "alembic", "upgrade", "head")
        fill(server)
        return compared(database, project, UNDONE, runs)


if __name__ == "__main__":
    for database in ("postgresql", "sqlite"):
        print(*measure(database), sep="\n")
