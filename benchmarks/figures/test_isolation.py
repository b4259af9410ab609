"""Compare the generated tests in savepoints with the same tests with create_all and drop_all around each."""

import tempfile
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

from ..harness.postgresql import postgresql
from ..harness.ratio import Figure, compare, interleaved
from ..harness.rendered import Rendered

TESTS = ["tests/test_users.py", "tests/test_posts.py", "tests/test_services.py"]

# Lines of the fixture `connection`, and their replacements: a new engine and new tables for each test, as many
# projects do it.
RECIPES = {
    """    async with engine.connect() as connection:
        transaction = await connection.begin()
""": """    from sqlalchemy.ext.asyncio import create_async_engine
    from my_service.models import Base

    own = create_async_engine(engine.url)
    async with own.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with own.connect() as connection:
""",
    """        await transaction.rollback()
""": """    async with own.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await own.dispose()
""",
    'command.upgrade(alembic_config(connection), "head")': "None",
}


def measure(runs: int = 5) -> Figure:
    """Measure on PostgreSQL. The first test of a run does not count, because it includes the set-up of the session."""
    with tempfile.TemporaryDirectory() as name, postgresql() as database:
        url = replace(database, name="isolation_test").url()
        project = Rendered(Path(name) / "project", {"TEST_DATABASE_URL": url})
        conftest = project.path / "tests/conftest.py"
        savepoint = conftest.read_text()
        create_all = savepoint
        for ours, theirs in RECIPES.items():
            assert ours in savepoint
            create_all = create_all.replace(ours, theirs)

        def per_test(text: str) -> float:
            conftest.write_text(text)
            report = project.path / "report.xml"
            project.python("-m", "pytest", "-q", *TESTS, f"--junitxml={report}")
            cases = list(ElementTree.parse(report).iter("testcase"))[1:]  # noqa: S314 - pytest's own
            return sum(float(case.get("time", "nan")) for case in cases) / len(cases)

        sides = {"create_all": lambda: per_test(create_all), "savepoint": lambda: per_test(savepoint)}
        measured = interleaved(sides, runs)
    return compare("a test in tables of its own, to one in a savepoint", measured, *sides, limit=4)


if __name__ == "__main__":
    print(measure())
