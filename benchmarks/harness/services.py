"""Serve the services to compare: ours, a handwritten one, and those of other generators."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.harness import free_port

from ..peers import NOT_HAD, PEERS, Routes, UnavailableError
from ..peers.check import check
from .postgresql import Database, execute, postgresql
from .rendered import Rendered
from .serving import MEASURED, OTHERS, on, serving

BENCHMARKS = Path(__file__).resolve().parents[1]
# The same server program for all, with one worker.
FLAGS = ("--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning")
POOL = {"DATABASE_POOL_SIZE": "10"}
OURS = Routes(
    user="/api/v1/users/{key}",
    users="/api/v1/users?limit={limit}&skip={offset}",
    users_with_posts="/api/v1/users-with-posts?limit={limit}&skip={offset}",
    posts="/api/v1/posts",
    items="items",
)
BY_HAND = Routes(
    user="/users/{key}",
    users="/users?limit={limit}&offset={offset}",
    users_with_posts="/users-with-posts?limit={limit}&offset={offset}",
    posts="/posts",
    items=None,
)
USERS, POSTS_EACH = 1000, 5
ROWS = f"""
    INSERT INTO users (email, username, full_name, hashed_password, created_at, updated_at)
    SELECT 'user' || i || '@example.com', 'user' || i, CASE WHEN i % 3 > 0 THEN 'Ünï "the ' || i || '."' END,
        repeat('x', 97), timestamptz '2025-02-03 04:05:06.000007+00' + i * interval '1 minute', now()
    FROM generate_series(1, {USERS}) i;
    INSERT INTO posts (title, slug, content, author_id)
    SELECT 'Title ' || i, 'post-' || i, 'text' || repeat(' text', 40), i % {USERS} + 1
    FROM generate_series(1, {USERS * POSTS_EACH}) i
"""
ROWS_OF_SQLITE = f"""
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {USERS})
    INSERT INTO users (email, username, full_name, hashed_password, created_at, updated_at)
    SELECT 'user' || i || '@example.com', 'user' || i, 'Ada ' || i, hex(zeroblob(48)),
        '2025-02-03 04:05:06.000007', '2025-02-03 04:05:06.000007' FROM n
"""


@dataclass(frozen=True)
class Served:
    """A running service.

    Args:
        url: root URL
        routes: paths below the root
        by_readme: whether it was started with the command of its README, and not with our flags
    """

    url: str
    routes: Routes
    by_readme: bool

    def at(self, route: str, **numbers: int) -> str:
        """Return the URL of a route; the name is a field of `Routes`."""
        path: str = getattr(self.routes, route)
        return self.url + path.format(**numbers)


def add_routes(project: Rendered) -> None:
    """Add the measured routes that our project lacks: see extra_routes/."""
    api = project.path / "src/my_service/api"
    names = [path.stem for path in sorted((BENCHMARKS / "extra_routes").glob("*.py"))]
    for name in names:
        shutil.copy(BENCHMARKS / "extra_routes" / f"{name}.py", api)
    router = api / "router.py"
    text = router.read_text()
    imports = "".join(f"from .{name} import router as {name}\n" for name in names)
    for old, new in [
        ("import APIRouter\n", f"import APIRouter\n{imports}"),
        ("list[APIRouter] = [", f"list[APIRouter] = [{', '.join(names)}, "),
    ]:
        assert old in text
        text = text.replace(old, new)
    router.write_text(text)


def fill(database: Database) -> None:
    """Insert the rows of the figures into the existing tables."""
    asyncio.run(execute(database, ROWS, "VACUUM ANALYZE"))


def filled_sqlite(path: Path, file: Path) -> Rendered:
    """Return a SQLite project with the measured routes, and with the rows of the figures in its file."""
    project = Rendered(path, {"DATABASE_URL": f"sqlite:///{file}", **POOL}, database="sqlite")
    add_routes(project)
    project.python("-m", "alembic", "upgrade", "head")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(ROWS_OF_SQLITE)
    return project


@contextmanager
def served_on_sqlite(folder: Path) -> Iterator[dict[str, str]]:
    """Serve our project and the handwritten service on one SQLite file, and yield the URLs of one user.

    The responses of all URLs are equal.
    """
    with ExitStack() as stack:
        file = folder / "rows.db"
        project = filled_sqlite(folder / "ours", file)
        port = free_port()
        command = [str(project.path / ".venv/bin/uvicorn"), "baselines.sqlite:app", f"--port={port}", *FLAGS]
        environment = project.environment | {"PYTHONPATH": str(BENCHMARKS), "DATABASE_FILE": str(file)}
        with on(MEASURED):
            url = stack.enter_context(project.served(*FLAGS)) + OURS.user.format(key=USERS // 2)
            by_hand = stack.enter_context(serving(command, port, BENCHMARKS, environment))
        urls = {
            "ours": url,
            "ours, columns": f"{url}/columns",
            "by hand": by_hand + BY_HAND.user.format(key=USERS // 2),
        }
        answers = {name: httpx.get(url).raise_for_status().json() for name, url in urls.items()}
        assert all(answer == answers["ours"] for answer in answers.values()), answers
        yield urls


@contextmanager
def served(folder: Path) -> Iterator[tuple[Database, dict[str, Served]]]:
    """Serve all services on one PostgreSQL server with 1,000 users and 5,000 posts, and check their responses.

    Yields "ours", "by hand" and each peer under its name. Our project and the peers also run as their READMEs start them.
    A peer that is not available is left out, and the reason is printed.
    """
    with ExitStack() as stack:
        with on(OTHERS):
            database = stack.enter_context(postgresql())
        url = database.url()
        project = Rendered(folder / "ours", {"DATABASE_URL": url, **POOL})
        add_routes(project)
        project.python("-m", "alembic", "upgrade", "head")
        fill(database)
        sides: dict[str, Served] = {}

        def add(name: str, url: str, routes: Routes, versions: dict[str, str], *, by_readme: bool = False) -> None:
            check(url, routes, database)
            print(f"  {name}: {' '.join(f'{package} {version}' for package, version in versions.items())}", flush=True)
            sides[name] = Served(url, routes, by_readme)

        versions = project.versions()
        with on(MEASURED):
            add("ours", stack.enter_context(project.served(*FLAGS)), OURS, versions)
            readme = stack.enter_context(project.served())
            add("ours, as its README starts it", readme, OURS, versions, by_readme=True)
            port = free_port()
            command = [str(project.path / ".venv/bin/uvicorn"), "baselines.postgresql:app", f"--port={port}", *FLAGS]
            environment = project.environment | {"PYTHONPATH": str(BENCHMARKS)}
            add("by hand", stack.enter_context(serving(command, port, BENCHMARKS, environment)), BY_HAND, versions)
        for peer in PEERS:
            try:
                versions = peer.make()
                with on(MEASURED):
                    add(peer.name, stack.enter_context(peer.served(database, *FLAGS)), peer.routes, versions)
                    readme = stack.enter_context(peer.served_by_readme(database))
                    add(f"{peer.name}, as its README starts it", readme, peer.routes, versions, by_readme=True)
            except UnavailableError as error:
                print(f"  {error}")
        for name, why in NOT_HAD.items():
            print(f"  {name}: no peer, {why}")
        yield database, sides
