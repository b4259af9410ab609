"""The names that owners' code may rely on; docs/update-contract.md says what a release may do to them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..harness import render
from ..variants import SOFT_DELETE

PACKAGE = "src/my_service"
# What owners copy when they copy an example, by module.
COPIED = {
    "api.dependencies": {"Cursor", "Limit", "ReadDB", "RowId", "Skip", "WriteDB"},
    "api.errors": {"CONFLICT", "NOT_FOUND"},
    "core.database": {"AnySession", "for_update", "get_read_db", "transaction"},
    "core.pagination": {"cursor_of", "paginate"},
    "core.security": {"hash_password_in_thread", "verify_password_in_thread"},
    "db.columns": {"unique_column"},
    "db.session": {"Conflict", "retry_on_conflict"},
    "db.soft_delete": {"with_deleted"},
    "db.types": {"Normalized", "normalize"},
    "models.base": {"BaseModel"},
    "models.mixins": {"DescriptionMixin", "SlugMixin", "TitleMixin"},
    "schemas.base": {"Omittable", "Page", "ReadSchema", "RequestSchema", "StorableText", "VisibleText"},
}
EXAMPLE = re.compile(r"(user|post)s?(_service)?|test_(users|posts)|factories")


def imported_names(module: Path, source: Path) -> Iterator[tuple[str, str]]:
    """Yield the names that a module imports from the package, each with its module below the package."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.level and module.is_relative_to(source):
                home = ".".join([*module.parents[node.level - 1].relative_to(source).parts, node.module])
            elif node.module.startswith(f"{source.name}."):
                home = node.module.removeprefix(f"{source.name}.")
            else:
                continue
            yield from ((home, alias.name) for alias in node.names)


def bound_names(module: Path) -> set[str]:
    """Return the names that a module defines or imports at its top level."""
    names: set[str] = set()
    for node in ast.parse(module.read_text()).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


@pytest.mark.parametrize("soft_delete", SOFT_DELETE)
def test_names_that_examples_import_are_promised(template: Path, tmp_path: Path, soft_delete: str) -> None:
    project = render(template, tmp_path / "project", soft_delete=soft_delete)
    source = project / PACKAGE
    examples = [path for path in project.rglob("*.py") if EXAMPLE.fullmatch(path.stem)]
    assert len(examples) == 11
    imported = {found for path in examples for found in imported_names(path, source)}
    unpromised = {
        (module, name)
        for module, name in imported
        if not EXAMPLE.fullmatch(module.split(".")[-1]) and name not in COPIED.get(module, ())
    }
    assert unpromised == set()
    for module, names in COPIED.items():
        if module != "db.soft_delete" or soft_delete != "none":
            assert names - bound_names(source / f"{module.replace('.', '/')}.py") == set(), module


def test_promised_names_are_there(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project")
    promised = {
        "core/config.py": [
            "class Settings",
            "settings =",
            "ENVIRONMENT",
            "DEBUG",
            "DATABASE_URL",
            "TEST_DATABASE_URL",
            *(f"POSTGRES_{part}" for part in ("USER", "PASSWORD", "HOST", "PORT", "DB")),
        ],
        "core/database.py": [
            "engine =",
            "AsyncSessionLocal",
            "get_db",
            "get_read_db",
            '"ReadSession"',
            '"transaction"',
        ],
        "models/base.py": ["class Base(", "class BaseModel("],
        "db/soft_delete.py": ["deleted_at", "is_deleted", "def soft_delete", "def restore"],
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
    targets = (
        "setup dev test lint format db-migrate db-upgrade db-downgrade db-history db-current db-check db-reset db-shell run"
        " update update-continue update-undo help"
    )
    assert [target for target in targets.split() if f"\n{target}:" not in makefile] == []
