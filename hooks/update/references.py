"""Find the owner's code that uses what an update removes: tables, and the columns of soft delete."""

import re
from collections.abc import Iterator
from pathlib import Path

from renders import Render, read_committed
from repository import UpdateBlocked, list_paths

TABLE = re.compile(r"""(?:__tablename__.*?=|\bTable\()\s*["'](\w+)["']""")
FOREIGN_KEY = re.compile(r"""ForeignKey(?:Constraint)?\(.*?["'](?:\w+\.)?(\w+)\.\w+["']""")
SOFT_DELETE = re.compile(r"\b(?:deleted_at|is_deleted|with_deleted)\b|\.(?:soft_delete|restore)\(")


def matches(pattern: re.Pattern[str]) -> Iterator[tuple[str, int, re.Match[str]]]:
    """Yield the path, the line number and the match of each line of the project's modules, except its migrations."""
    for path in list_paths("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "*.py"):
        if Path(path).is_file() and not path.startswith("alembic/"):
            for number, line in enumerate(Path(path).read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                if found := pattern.search(line):
                    yield path, number, found


def refuse_lost_tables() -> None:
    """Check that no foreign key refers to a table that the update removes.

    Raises:
        UpdateBlocked: one does; the text names its file and line.
    """
    committed = list_paths("ls-tree", "-r", "--name-only", "-z", "HEAD", "--", "src")
    texts = [(read_committed(path) or b"").decode(errors="replace") for path in committed if path.endswith(".py")]
    before = {name for text in texts for name in TABLE.findall(text)}
    removed = before - {found[1] for _, _, found in matches(TABLE)}
    lost = [f"{path}:{number}: {found[1]}" for path, number, found in matches(FOREIGN_KEY) if found[1] in removed]
    if lost:
        raise UpdateBlocked(
            "\n  ".join(
                ["Your models refer to tables that this update removes. Remove these foreign keys first:", *lost]
            )
        )


def tell_uses_of_soft_delete(new: Render) -> None:
    """Print the lines of the owner that use soft delete, which the project no longer has."""
    uses = []
    for path, number, found in matches(SOFT_DELETE):
        if found.string not in (new.file(path) or b"").decode(errors="replace").splitlines():
            uses.append(f"{path}:{number}: {found.string.strip()}")
    if uses:
        print("Soft delete is removed. These lines of yours still use it:", *uses, sep="\n  ")
