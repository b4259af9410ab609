"""Running services: the fixtures `database` and `serve`."""

from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ..harness import Project, clean_environment, render
from ..postgresql import PostgreSQL
from .service import PACKAGE, Database, PostgreSQLDatabase, Prepared, Service, SQLiteDatabase

SERVICES = pytest.StashKey[list[Service]]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run the tests on asyncio, as uvicorn does."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Yield a server for all tests that do it no harm."""
    with PostgreSQL(max_connections=200) as server:
        yield server


@pytest.fixture(scope="session")
def prepared(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    environment_for: Callable[[Path], Path],
    request: pytest.FixtureRequest,
) -> Callable[[str], Prepared]:
    """Return what gives the project of a database: rendered, its database migrated, once for all tests."""

    @cache
    def prepare(kind: str) -> Prepared:
        folder = tmp_path_factory.mktemp(kind)
        path = render(template, folder / "project", database=kind, package_name=PACKAGE, example_models="user_and_post")
        variables = clean_environment(folder / "home", PYTHONPATH=str(path / "src"))
        project = Project(path, environment_for(path), variables)
        if kind == "sqlite":
            return Prepared(project, SQLiteDatabase(folder / "migrated.db"))
        server: PostgreSQL = request.getfixturevalue("postgresql")
        server.create_database("migrated")
        return Prepared(project, PostgreSQLDatabase(server, "migrated"))

    return prepare


@pytest.fixture(params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, prepared: Callable[[str], Prepared]) -> Iterator[Database]:
    """Yield a database of the test's own, migrated and empty; each test runs on both.

    Given the parameter "own server", it is a `PostgreSQLDatabase` whose server no other test has.
    """
    if request.param != "own server":
        yield prepared(request.param).database()
        return
    with PostgreSQL(max_connections=50) as server:
        server.create_database("migrated")
        database = PostgreSQLDatabase(server, "migrated")
        prepared("postgresql").migrate(database)
        yield database


@pytest.fixture
def serve(
    prepared: Callable[[str], Prepared], database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Service]]:
    """Return what starts a service on the test's database; see `Service` for what it takes."""
    services = request.node.stash.setdefault(SERVICES, [])

    def start(**options: Any) -> Service:
        log = tmp_path / f"service-{len(services)}.log"
        service = Service(prepared(database.kind).project, database, log, **options)
        services.append(service)
        service.start()
        return service

    yield start
    for service in services:
        service.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the services of a failed test had to say."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {service.url}", service.log()) for service in item.stash.get(SERVICES, [])]
    return report
