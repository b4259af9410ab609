"""Secrets stay where they were put."""

from collections.abc import Callable

import httpx
import pytest

from ..harness import Project, git
from .service import ADA, Database, PostgreSQLDatabase, Service

pytestmark = pytest.mark.faults

# What an owner sets, as it stands in a URL, and what a user types.
OWNERS = "owners-s3cret%2F%25"
USERS = "users-s3cret-passphrase"
MARKS = ("owners-s3cret", "users-s3cret")
FAILING = {"name": "x", "author_id": 1, "fail": "after the flush"}


async def provoke(http: httpx.AsyncClient) -> list[httpx.Response]:
    """Send what succeeds, what is refused, and what fails, with a password wherever one may be."""
    user = {**ADA, "password": USERS}
    return [
        await http.post("/api/v1/users", json=user),
        await http.post("/api/v1/users", json=user),
        await http.post("/api/v1/users", json={**user, "email": "nobody"}),
        await http.post("/api/v1/users", json={**user, "password": USERS * 10}),
        await http.post("/api/v1/users", json={**user, "passwort": USERS}),
        await http.post("/api/v1/users", content=f'{{"password": "{USERS}"'),
        await http.patch("/api/v1/users/1", json={"password": USERS + "2"}),
        await http.get("/api/v1/users/1"),
        await http.get("/api/v1/users"),
        await http.post("/probe/pairs", json=FAILING),
        await http.get("/openapi.json"),
        await http.get("/health/ready"),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("database", ["own server", "sqlite"], indirect=True)
async def test_no_secret_is_seen(serve: Callable[..., Service], database: Database) -> None:
    """No log, error page, answer or message of a command repeats a password, whatever goes well or wrong."""
    seen: dict[str, str] = {}
    settings: dict[str, object] = {"SLOW_QUERY_THRESHOLD": 0}
    if isinstance(database, PostgreSQLDatabase):
        settings["DATABASE_URL"] = database.url.replace("service@", f"service:{OWNERS}@")
    service = serve(probe="failures", **settings)
    async with service.client() as http:
        answers = await provoke(http)
        if isinstance(database, PostgreSQLDatabase):
            database.server.kill()
            answers += await provoke(http)
    for answer in answers:
        seen[f"{answer.request.method} {answer.request.url}: {answer.status_code}"] = answer.text + str(answer.headers)
    assert {answer.status_code for answer in answers} >= {200, 201, 409, 422, 500}
    seen["the log"] = service.log()
    assert "Slow query" in seen["the log"]
    code = (
        "import probed.core.config as c, probed.core.database as d; print(repr(c.settings), str(c.settings), d.engine)"
    )
    for command in (
        ["alembic", "upgrade", "head"],
        ["alembic", "current"],
        ["python", "-c", code],
        ["python", "-c", "from probed.core.database import engine; engine.no_such_name"],
        ["python", "-m", "scripts.dev_database", "run", "alembic", "history"],
    ):
        if database.kind == "sqlite" and "scripts.dev_database" in command:
            continue
        done = service.project.run(*command, check=False, **service.environment())
        seen[" ".join(command)] = done.stdout + done.stderr
    for where, text in seen.items():
        assert not [mark for mark in MARKS if mark in text], f"{where}:\n{text}"
    print(f"{database.kind}: looked into {len(seen)} answers, logs and messages")


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_no_commit_contains_a_value_of_env(make_owned: Callable[..., Project], kind: str) -> None:
    """Git never takes .env, the database, or what else the commands leave beside it."""
    project = make_owned(database=kind)
    given = "DATABASE_URL=sqlite:///owners-s3cret.db" if kind == "sqlite" else ""
    (project.path / ".env").write_text(f"SOMEBODYS_TOKEN={OWNERS}\n{given}\n")
    git("init", "--quiet", cwd=project.path)
    for target in (["db-upgrade"], ["db-check"], ["test", "ARGS=-q -k models"]):
        project.run("make", *target)
    git("add", "--all", cwd=project.path)
    added = git("ls-files", cwd=project.path).splitlines()
    assert "pyproject.toml" in added
    contents = {name: name.encode() + (project.path / name).read_bytes() for name in added}
    assert not [name for name, content in contents.items() if MARKS[0].encode() in content]
    assert not [name for name in added if name.startswith((".venv", ".postgresql"))]
