"""What a project holds: what was asked for, and nothing else."""

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
    "docs/operations.md",
    "docs/promises.md",
    "docs/tutorial.md",
    "pyproject.toml",
    "scripts/setup.py",
    f"{PACKAGE}/__init__.py",
    f"{PACKAGE}/api/health.py",
    f"{PACKAGE}/core/bulk.py",
    f"{PACKAGE}/core/config.py",
    f"{PACKAGE}/core/database.py",
    f"{PACKAGE}/core/dialect.py",
    f"{PACKAGE}/core/engines.py",
    f"{PACKAGE}/core/pool.py",
    f"{PACKAGE}/core/records.py",
    f"{PACKAGE}/main.py",
    f"{PACKAGE}/models/base.py",
    f"{PACKAGE}/models/columns.py",
    f"{PACKAGE}/py.typed",
    "tests/conftest.py",
    "tests/migration_rows.py",
    "tests/query_plans.py",
    "tests/test_health.py",
    "tests/test_migrations.py",
    "tests/test_models.py",
    "tests/test_settings.py",
]
EXAMPLES = [
    f"{PACKAGE}/api/auth.py",
    f"{PACKAGE}/api/posts.py",
    f"{PACKAGE}/api/users.py",
    f"{PACKAGE}/core/security.py",
    f"{PACKAGE}/models/post.py",
    f"{PACKAGE}/models/user.py",
    f"{PACKAGE}/schemas/user.py",
    f"{PACKAGE}/services/user_service.py",
    "tests/factories.py",
    "tests/test_posts.py",
    "tests/test_services.py",
    "tests/test_users.py",
]
SOFT_DELETE = [f"{PACKAGE}/models/soft_delete.py", f"{PACKAGE}/models/cascade.py"]
AUTOMATIC = [f"{PACKAGE}/models/live_only.py"]
MIXINS = [f"{PACKAGE}/models/mixins.py"]
DOCKER = ["Dockerfile", "compose.yaml", ".dockerignore"]
CI = [".github/workflows/ci.yml"]


@pytest.mark.parametrize(
    ("answers", "present", "absent"),
    [
        ({}, EXAMPLES + SOFT_DELETE + MIXINS + DOCKER + CI, [*AUTOMATIC, "LICENSE", "alembic/versions"]),
        ({"example_models": False}, SOFT_DELETE + MIXINS, [*EXAMPLES, f"{PACKAGE}/schemas", f"{PACKAGE}/services"]),
        ({"soft_delete": "automatic"}, SOFT_DELETE + AUTOMATIC, []),
        ({"soft_delete": "none"}, EXAMPLES, SOFT_DELETE + AUTOMATIC),
        ({"mixins": []}, EXAMPLES, MIXINS),
        ({"docker": False}, CI, DOCKER),
        ({"ci": "none"}, DOCKER, [".github"]),
        ({"license": "MIT"}, ["LICENSE"], []),
        ({"license": "Apache-2.0"}, ["LICENSE"], []),
        ({"database": "sqlite"}, [f"{PACKAGE}/core/driver.py"], []),
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
        assert text or name.endswith(("__init__.py", "py.typed")), f"{name} is empty"
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
    wanted = "\n".join(
        text for name, text in source.items() if not name.endswith(("urls.py", "columns.py", "soft_delete.py"))
    )
    assert not re.search(FOREIGN[answers["database"]], wanted.replace("postgresql+asyncpg", "")), (
        "of the other database"
    )
    if answers["soft_delete"] == "none":
        assert not re.search(r"delet\w+_at|is_deleted|soft.?delete|restore", code, re.IGNORECASE)
    if not answers["example_models"]:
        others = "\n".join(text for name, text in texts.items() if name != "alembic/script.py.mako")
        assert not re.search(r"\b(User|Post|UserService|argon2)\b", others)
    for mixin in {"title", "description", "slug"} - set(answers["mixins"]):
        assert f"{mixin.capitalize()}Mixin" not in "\n".join(texts.values())


def test_promised_names_are_there(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project")
    promised = {
        "core/config.py": ["class Settings", "settings =", "DATABASE_URL", "TEST_DATABASE_URL", "ENVIRONMENT", "DEBUG"],
        "core/database.py": [
            "engine =",
            "AsyncSessionLocal",
            "get_db",
            "get_read_db",
            "class ReadSession",
            "transaction",
        ],
        "core/bulk.py": ["def insert_rows"],
        "core/dialect.py": ["POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB"],
        "models/base.py": ["class Base(", "class BaseModel("],
        "models/soft_delete.py": ["deleted_at", "is_deleted", "def soft_delete", "def restore"],
        "models/mixins.py": ["class TitleMixin", "class DescriptionMixin", "class SlugMixin"],
        "schemas/user.py": ["class UserCreate", "class UserUpdate", "class UserRead"],
        "services/user_service.py": [
            "class UserService",
            *(f"def {verb}_user" for verb in ("create", "get", "update", "delete", "restore")),
            "def get_users",
        ],
    }
    for name, words in promised.items():
        text = (project / PACKAGE / name).read_text()
        assert [word for word in words if word not in text] == [], name
    makefile = (project / "Makefile").read_text()
    targets = "setup dev test lint db-migrate db-upgrade db-downgrade db-history db-current db-check db-reset update update-continue help"
    assert [target for target in targets.split() if f"\n{target}:" not in makefile] == []
