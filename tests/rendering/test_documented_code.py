"""Run the examples of a project's docs: those of database.md as tests, and the tutorial command by command."""

import ast
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..harness import Project, free_port, render, set_up

MOST_LINES = 620  # of all pages together, in a default project
HEAD = """
import pytest
import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from my_service.core.database import get_read_db
"""
TAIL = """
    assert planet is mars and venus.radius_km == 6052
    assert (await planet_as_dicts(await get_read_db(), venus.id)) == [{"id": venus.id, "name": "Venus"}]
    assert (await planet_as_dicts(await get_read_db(), 10**9)) == []
    await hide_planet(venus.id)
    await db.refresh(venus)
    assert venus.is_visible is False
    assert ("Mars", 2) in [tuple(row) for row in counts]
    assert [each.name for each in found] == ["Mars"]
    probe = Probe(name="Voyager", planets=[venus])
    async with transaction(db):
        db.add(probe)
    assert await db.scalar(select(func.count()).select_from(Visit)) == 1


@pytest.fixture(autouse=True)
async def tables(connection: AsyncConnection) -> None:
    await connection.run_sync(Base.metadata.create_all)


async def test_migration(connection: AsyncConnection) -> None:
    def run(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            for step in (upgrade, downgrade, upgrade):
                step()

    await connection.run_sync(run)
"""
SOFT_DELETE_TAIL = """
async def test_association_rows_survive_soft_delete(db_session: AsyncSession) -> None:
    venus = Planet(name="Venus", radius_km=6052)
    probe = Probe(name="Voyager", planets=[venus])
    async with transaction(db_session):
        db_session.add(probe)
    async with transaction(db_session):
        venus.soft_delete()
    visits = select(func.count()).select_from(Visit)
    live = visits.join(Planet).where(Planet.deleted_at.is_(None))
    assert (await db_session.scalar(visits), await db_session.scalar(live)) == (1, 0)
    await db_session.refresh(probe, ["planets"])
    assert probe.planets == []
"""
COPY = """
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from my_service.core.database import AsyncSessionLocal, transaction
from my_service.models.base import Base

from .test_database_page import Planet


async def copy_planets(db: AsyncSession, rows: list[tuple[str, int]]) -> None:
    async with transaction(db):
        await db.scalar(select(1))
        driver = (await (await db.connection()).get_raw_connection()).driver_connection
        assert driver is not None
        await driver.copy_records_to_table("planets", columns=["name", "radius_km"], records=rows)


async def test_copied_rows_are_part_of_the_transaction(engine: AsyncEngine) -> None:
    if engine.dialect.name != "postgresql":
        return
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    try:
        async with AsyncSessionLocal() as db:
            with pytest.raises(RuntimeError):
                async with transaction(db):
                    await copy_planets(db, [("Mars", 3390)])
                    raise RuntimeError
            await copy_planets(db, [("Venus", 6052), ("Earth", 6371)])
        async with AsyncSessionLocal() as db:
            planets = (await db.scalars(select(Planet).order_by(Planet.name))).all()
        assert [(planet.name, planet.is_visible) for planet in planets] == [("Earth", True), ("Venus", True)]
    finally:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
"""


class Block(NamedTuple):
    """Code between two fences: the line of the first one, what follows its backticks, and the code."""

    line: int
    info: str
    code: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page."""
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(.+)\n((?s:.*?))^```$", text, re.MULTILINE):
        yield Block(text.count("\n", 0, found.start()) + 1, found[1], found[2])


def as_test_module(page: Path) -> str:
    """Return the Python of a page as a module: imports, definitions and constants, then one test with the other lines."""
    module, test = [HEAD], ["\n\nasync def test_examples(db_session: AsyncSession) -> None:\n    db = db_session\n"]
    for block in blocks(page):
        if not block.info.startswith("python"):
            continue
        lines = block.code.splitlines()
        place = f"# {page.name}:{block.line}"
        start = 0
        for statement in ast.parse(block.code).body:
            source = lines[start : statement.end_lineno]
            start = statement.end_lineno or 0
            if _is_definition(statement):
                module += [place, *source]
            else:
                test += [f"    {line}" for line in (place, *source)]
    return "\n".join([*module, *test])


def _is_definition(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name.isupper()
    return False


@pytest.mark.parametrize("soft_delete", ["explicit", "automatic", "none"])
@pytest.mark.parametrize("database", ["postgresql", "sqlite", "both"])
def test_examples_of_the_database_page_run(
    make_project: Callable[..., Project], postgresql_server: str, database: str, soft_delete: str
) -> None:
    project = make_project(database=database, soft_delete=soft_delete, example_models="none")
    project.make_first_revision()
    code = as_test_module(project.path / "docs" / "database.md") + TAIL
    code += SOFT_DELETE_TAIL if soft_delete != "none" else ""
    (project.path / "tests" / "test_database_page.py").write_text(code)
    tests = ["tests/test_database_page.py"]
    if database != "sqlite":
        (project.path / "tests" / "test_copy.py").write_text(COPY)
        tests.append("tests/test_copy.py")
    project.run("mypy", *tests)
    urls = [{}, {"TEST_DATABASE_URL": postgresql_server.format(database="both_test")}][: 1 + (database == "both")]
    for variables in urls:
        tested = project.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, check=True, **variables)
        assert " passed" in tested.stdout


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"database": "sqlite", "soft_delete": "automatic"},
        {"database": "both", "soft_delete": "none", "example_models": "none", "mixins": []},
    ],
    ids=str,
)
def test_tutorial_prints_what_it_says(make_project: Callable[..., Project], answers: dict[str, Any]) -> None:
    project = set_up(make_project(**answers))
    router = project.path / "src" / "my_service" / "api" / "router.py"
    port = str(free_port())
    environment = {**project.variables, "PORT": port}
    service: subprocess.Popen[str] | None = None
    try:
        for block in blocks(project.path / "docs" / "tutorial.md"):
            if titled := re.fullmatch(r'python title="(.+)"', block.info):
                (project.path / titled[1]).write_text(block.code)
                if titled[1].endswith("api/planets.py"):
                    text = router.read_text().replace("    # Your own:\n", "    # Your own:\n    planets,\n")
                    imported = "import APIRouter\n\nfrom .planets import router as planets\n"
                    router.write_text(text.replace("import APIRouter\n", imported))
                continue
            assert block.info == "console"
            for command, expected in steps(block.code):
                command = command.replace("8000", port)
                if command == "make dev":
                    service = start(project, environment)
                    continue
                done = subprocess.run(
                    ["bash", "-c", command],  # noqa: S607
                    cwd=project.path,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                printed = done.stdout + (done.stderr if done.returncode else "")
                assert masked(printed) == masked(expected), f"tutorial.md:{block.line}: {command}\n{printed}"
        for target in ("format", "lint"):
            done = subprocess.run(["make", target], cwd=project.path, env=environment, capture_output=True, text=True)  # noqa: S607
            assert done.returncode == 0, done.stdout
    finally:
        if service is not None:
            os.killpg(service.pid, signal.SIGINT)  # as Ctrl-C does
            service.communicate(timeout=60)


def steps(console: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console, and what it prints."""
    for found in re.finditer(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE):
        yield found[1], found[2]


def start(project: Project, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Run `make dev` until it serves."""
    service = subprocess.Popen(
        ["make", "dev"],  # noqa: S607
        cwd=project.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = ""
    while "Application startup complete" not in said:
        assert service.stdout is not None
        line = service.stdout.readline()
        assert line, said
        said += line
    assert f"Serving on http://127.0.0.1:{environment['PORT']}/docs - stop with Ctrl-C\n" in said
    return service


def masked(text: str) -> str:
    """Return the output without what differs from run to run: ids, times, numbers of files."""
    text = re.sub(r"\b[0-9a-f]{12}\b|\b\d{14}(?=_)", "#", text)
    text = re.sub(r"(?<=\d) source files|\d+(?= (source )?files)|\d+\.\d+(?=s)|^\d+ files? .*unchanged", "#", text)
    return text.strip()


def test_pages_are_short(template: Path, tmp_path: Path) -> None:
    pages = (render(template, tmp_path / "project") / "docs").glob("*.md")
    assert sum(page.read_text(encoding="utf-8").count("\n") for page in pages) <= MOST_LINES
