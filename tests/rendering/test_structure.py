"""What a project holds: what was asked for, and nothing else."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from ..harness import render
from ..variants import VARIANTS, describe

PACKAGE = "src/my_service"
ALWAYS = [
    ".copier-answers.yml",
    ".env.example",
    ".gitignore",
    "Makefile",
    "README.md",
    "alembic/env.py",
    "alembic/script.py.mako",
    "docs/database.md",
    "docs/promises.md",
    "pyproject.toml",
    "scripts/dev_database.py",
    "scripts/revision.py",
    "scripts/setup.py",
    f"{PACKAGE}/__init__.py",
    f"{PACKAGE}/api/auth.py",
    f"{PACKAGE}/api/dependencies.py",
    f"{PACKAGE}/api/errors.py",
    f"{PACKAGE}/api/health.py",
    f"{PACKAGE}/api/middleware.py",
    f"{PACKAGE}/api/router.py",
    f"{PACKAGE}/core/config.py",
    f"{PACKAGE}/core/database.py",
    f"{PACKAGE}/core/pagination.py",
    f"{PACKAGE}/core/project_settings.py",
    f"{PACKAGE}/core/security.py",
    f"{PACKAGE}/db/columns.py",
    f"{PACKAGE}/db/engine.py",
    f"{PACKAGE}/db/migrations/autogenerate.py",
    f"{PACKAGE}/db/migrations/environment.py",
    f"{PACKAGE}/db/session.py",
    f"{PACKAGE}/db/settings.py",
    f"{PACKAGE}/main.py",
    f"{PACKAGE}/models/base.py",
    f"{PACKAGE}/schemas/base.py",
    "tests/conftest.py",
    "tests/test_migrations.py",
]
USER = [
    f"{PACKAGE}/api/users.py",
    f"{PACKAGE}/models/user.py",
    f"{PACKAGE}/schemas/user.py",
    f"{PACKAGE}/services/user_service.py",
    "tests/factories.py",
    "tests/test_users.py",
]
POST = [
    f"{PACKAGE}/api/posts.py",
    f"{PACKAGE}/models/post.py",
    f"{PACKAGE}/schemas/post.py",
    f"{PACKAGE}/services/post_service.py",
    "tests/test_posts.py",
]
POSTGRESQL = [f"{PACKAGE}/db/postgresql.py", "scripts/postgresql_databases.py"]
SQLITE = [f"{PACKAGE}/db/sqlite.py", f"{PACKAGE}/db/sqlite_driver.py", "scripts/sqlite_files.py"]
EMBEDDED = ["scripts/embedded_postgresql.py"]
SOFT_DELETE = [f"{PACKAGE}/db/soft_delete.py", f"{PACKAGE}/db/soft_delete_cascade.py"]
AUTOMATIC = [f"{PACKAGE}/db/soft_delete_filter.py"]
MIXINS = [f"{PACKAGE}/models/mixins.py"]
DOCKER = ["Dockerfile", "compose.yaml", ".dockerignore"]
CI = [".github/workflows/ci.yml"]


@pytest.mark.parametrize(
    ("answers", "present", "absent"),
    [
        (
            {},
            USER + POST + POSTGRESQL + EMBEDDED + SOFT_DELETE + MIXINS + DOCKER + CI,
            [*AUTOMATIC, *SQLITE, "LICENSE", "alembic/versions"],
        ),
        ({"example_models": "user"}, USER, POST),
        ({"example_models": "none"}, SOFT_DELETE + MIXINS, USER + POST),
        ({"soft_delete": "automatic"}, SOFT_DELETE + AUTOMATIC, []),
        ({"soft_delete": "none"}, USER + POST, SOFT_DELETE + AUTOMATIC),
        ({"mixins": []}, USER + POST, MIXINS),
        ({"docker": False}, CI, DOCKER),
        ({"ci": "none"}, DOCKER, [".github"]),
        ({"license": "MIT"}, ["LICENSE"], []),
        ({"license": "Apache-2.0"}, ["LICENSE"], []),
        ({"database": "sqlite"}, SQLITE, POSTGRESQL + EMBEDDED),
        ({"database": "both"}, POSTGRESQL + SQLITE, EMBEDDED),
        ({"package_name": "other"}, ["src/other/main.py"], [PACKAGE]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_files_follow_the_answers(
    template: Path, tmp_path: Path, answers: dict[str, Any], present: list[str], absent: list[str]
) -> None:
    project = render(template, tmp_path / "project", **answers)
    always = [name.replace("my_service", answers.get("package_name", "my_service")) for name in ALWAYS]
    assert [name for name in [*always, *present] if not (project / name).exists()] == []
    assert [name for name in absent if (project / name).exists()] == []


# What each answer leaves out altogether: not a line, not a comment.
FOREIGN = {
    "postgresql": r"aiosqlite|PRAGMA",
    "sqlite": r"asyncpg|embedded|pgserver|statement_timeout",
}


@pytest.mark.parametrize("answers", VARIANTS, ids=describe)
def test_a_project_is_whole_and_bare(template: Path, tmp_path: Path, answers: dict[str, Any]) -> None:
    project = render(template, tmp_path / "project", **answers)
    files = {str(path.relative_to(project)): path for path in project.rglob("*") if path.is_file()}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    for name, text in texts.items():
        assert not re.search(r'["|<>:?*{}%]', name), f"{name} cannot be checked out everywhere"
        assert len(name) < 100, name
        assert text or name.endswith("__init__.py"), f"{name} is empty"
        if not name.startswith(".github/") and not name.endswith(".mako"):
            assert not re.search(r"\{%|%\}|\{#|#\}", text), f"{name} holds template syntax"
        assert "\n\n\n\n" not in text, f"{name} has holes"
        assert not text or text.endswith("\n"), f"{name} has no end of line"
        assert not text.endswith("\n\n"), f"{name} ends with empty lines"
        assert not re.search(r"[ \t]\n", text.replace("  \n", "")), f"{name} has spaces at the end of lines"
        assert not re.search(r"\b20(2[4-9]|3\d)\b", text), f"{name} holds a date"
    source = {name: text for name, text in texts.items() if name.startswith("src/")}
    code = "\n".join(source.values())
    assert not re.search(r"^(from|import) my_service", code, re.MULTILINE), "src/ imports itself by name"
    wanted = "\n".join(text for name, text in source.items() if not name.endswith(("columns.py", "soft_delete.py")))
    if answers["database"] in FOREIGN:
        assert not re.search(FOREIGN[answers["database"]], wanted), "of the other database"
    if answers["soft_delete"] == "none":
        # db/migrations/ handles the column of a project that had soft delete before.
        rest = "\n".join(text for name, text in source.items() if "/db/migrations/" not in name)
        assert not re.search(r"delet\w+_at|is_deleted|soft.?delete|restore", rest, re.IGNORECASE)
    others = "\n".join(text for name, text in texts.items() if name != "alembic/script.py.mako")
    if answers["example_models"] != "user_and_post":
        assert not re.search(r"\b(Post|PostService)\b", others)
    if answers["example_models"] == "none":
        assert not re.search(r"\b(User|UserService)\b", others)
    for mixin in {"title", "description", "slug"} - set(answers["mixins"]):
        assert f"{mixin.capitalize()}Mixin" not in "\n".join(texts.values())


# Each house, and the houses that it may import. Nothing imports main.py or, but for main.py, api/.
MAY_IMPORT = {
    "main": {"api", "core", "db"},
    "api": {"api", "services", "schemas", "models", "core", "db"},
    "services": {"services", "schemas", "models", "core", "db"},
    "schemas": {"schemas", "models", "core", "db"},
    "models": {"schemas", "models", "core", "db"},
    "core": {"schemas", "models", "core", "db"},
    "db": {"db"},
}


def house_of(module: Path, source: Path) -> str:
    """Return the folder of the package that a module is in, or main."""
    return module.relative_to(source).parts[0].removesuffix(".py")


def imported_houses(module: Path, source: Path) -> set[str]:
    """Return the houses that a module imports."""
    houses = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = module.parents[node.level - 1]
            parts = [*folder.relative_to(source).parts, *(node.module or "").split(".")]
            names = [parts[0]] if parts[0] else [alias.name for alias in node.names]
            houses |= set(names)
    return houses - {"__init__"}


def wrong_imports(source: Path) -> list[str]:
    """Return each import against the direction api, services, models and schemas and core, db."""
    modules = [module for module in source.rglob("*.py") if module.parent != source or module.name == "main.py"]
    return [
        f"{module.relative_to(source)} imports {house}"
        for module in modules
        for house in imported_houses(module, source) - MAY_IMPORT[house_of(module, source)]
    ]


@pytest.mark.parametrize("database", ["postgresql", "sqlite", "both"])
def test_imports_follow_the_wall(template: Path, tmp_path: Path, database: str) -> None:
    project = render(template, tmp_path / "project", database=database, soft_delete="automatic")
    assert wrong_imports(project / PACKAGE) == []
    # The check finds the engine room looking into the owner's house, and a service that knows its routes.
    (project / PACKAGE / "db" / "pool.py").write_text("from ..core.config import settings\n")
    (project / PACKAGE / "services" / "user_service.py").write_text("from ..api import users\n")
    assert sorted(wrong_imports(project / PACKAGE)) == [
        "db/pool.py imports core",
        "services/user_service.py imports api",
    ]


# Files and lines that an owner carries, uv.lock aside: no more than these.
BUDGETS: list[tuple[dict[str, Any], int, int]] = [
    ({}, 86, 6395),
    ({"database": "sqlite", "soft_delete": "automatic"}, 86, 6085),
    ({"example_models": "none"}, 74, 5525),
]
OWNED = [f"{PACKAGE}/{folder}" for folder in ("api", "core", "models", "schemas", "services")] + ["tests"]


@pytest.mark.parametrize(("answers", "files", "lines"), BUDGETS, ids=str)
def test_project_stays_within_its_budget(
    template: Path, tmp_path: Path, answers: dict[str, Any], files: int, lines: int
) -> None:
    project = render(template, tmp_path / "project", **answers)
    counts = {
        path.relative_to(project): len(path.read_text().splitlines()) for path in project.rglob("*") if path.is_file()
    }
    assert len(counts) <= files
    assert sum(counts.values()) <= lines
    owned = {path: count for path, count in counts.items() if any(map(path.is_relative_to, OWNED))}
    assert {path: count for path, count in owned.items() if count > 150} == {}
