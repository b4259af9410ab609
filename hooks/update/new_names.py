"""Add the new name to an error about a missing module or name."""

import re
from collections.abc import Mapping
from pathlib import Path

# Messages of ImportError, AttributeError, ModuleNotFoundError and of ruff's F821, each with module and name or one of them.
MISSING = [
    re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"),
    re.compile(r"module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    re.compile(r"No module named '(?P<module>[\w.]+)'"),
    re.compile(r"Undefined name `(?P<name>\w+)`"),
]


def add_new_name(error: str, names: Mapping[str, str]) -> str:
    """Return an error with the new name of what is missing, if it has one.

    Args:
        error: one line.
        names: the declarations of the releases: old dotted names below the package, and new ones.
    """
    found = next(filter(None, (pattern.search(error) for pattern in MISSING)), None)
    if found is None:
        return error
    parts: dict[str, str] = found.groupdict()
    name = parts.get("name")
    missing = [*parts.get("module", "").split(".")[1:], *([name] if name else [])]
    inside = "module" in parts
    if (inside and not Path("src", parts["module"].split(".")[0]).is_dir()) or not missing:
        return error
    news = [
        f"{old} is now {new}"
        for old, new in names.items()
        if (old.split(".")[: len(missing)] if inside else old.split(".")[-1:]) == missing
    ]
    if name and not news:
        news = [f"{name} is now in {module}" for module in modules_that_define(name)]
    return f"{error} ({', '.join(news)})" if news else error


def modules_that_define(name: str) -> list[str]:
    """Return the modules of the project's package that define a name at their top level."""
    definition = re.compile(rf"^(?:(?:async )?def |class ){name}\b|^{name}(?:: [^=\n]+)? = ", re.MULTILINE)
    modules = [
        path for path in sorted(Path("src").rglob("*.py")) if definition.search(path.read_text(encoding="utf-8"))
    ]
    return [".".join(path.relative_to("src").with_suffix("").parts).removesuffix(".__init__") for path in modules]
