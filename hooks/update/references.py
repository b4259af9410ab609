"""Find the owner's code that uses what an update removes: tables, and the columns of soft delete."""

import re
from collections.abc import Iterator
from pathlib import Path

from renders import Render, read_committed
from repository import UpdateBlocked, list_paths

TABLE = re.compile(r"""(?:__tablename__.*?=|\bTable\()\s*["'](\w+)["']""")
FOREIGN_KEY = re.compile(r"""\bForeignKey\(\s*["'](?:\w+\.)?(\w+)\.\w+["']""")
SOFT_DELETE = re.compile(r"\b(?:deleted_at|is_deleted|with_deleted)\b|\.(?:soft_delete|restore)\(")


def modules() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each module of the project, except its migrations."""
    for path in list_paths("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "*.py"):
        if Path(path).is_file() and not path.startswith("alembic/"):
            yield path, Path(path).read_text(encoding="utf-8", errors="replace")


def refuse_lost_tables() -> None:
    """Check that no foreign key refers to a table that the update removes.

    Raises:
        UpdateBlocked: a foreign key refers to a removed table. The message names file and line.
    """
    changed = list_paths("diff", "--name-only", "--no-renames", "--relative", "-z", "HEAD", "--", "src/*.py")
    texts = [(read_committed(path) or b"").decode(errors="replace") for path in changed]
    before = {name for text in texts for name in TABLE.findall(text)}
    removed = before - {name for _, text in modules() for name in TABLE.findall(text)}
    lost = [
        f"{path}:{text.count(chr(10), 0, found.start(1)) + 1}: refers to {found[1]}"
        for path, text in modules()
        for found in FOREIGN_KEY.finditer(text)
        if found[1] in removed
    ]
    if lost:
        first = "Your models refer to tables that this update removes. Remove these foreign keys first:"
        raise UpdateBlocked("\n  ".join([first, *lost]))


def tell_uses_of_soft_delete(new: Render) -> None:
    """Print the owner's lines that still use soft delete."""
    uses = []
    for path, text in modules():
        rendered = (new.file(path) or b"").decode(errors="replace").splitlines()
        for number, line in enumerate(text.splitlines(), 1):
            if SOFT_DELETE.search(line) and line not in rendered:
                uses.append(f"{path}:{number}: {line.strip()}")
    if uses:
        print("Soft delete is removed. These lines of yours still use it:", *uses, sep="\n  ")
