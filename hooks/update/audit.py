"""Check that a merge kept the owner's edits.

Git can reject a whole patch without an error message, and Copier does not check the result. With
apply.whitespace=error, for example, one line with trailing blanks is enough.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path


def lost_edit(template: bytes, owner: bytes, merged: bytes) -> str | None:
    """Return a line by which the owner's file differs from the template's, and which the merged file lacks.

    A line within a conflict counts as present.
    """
    rendered, owned = Counter(template.splitlines()), Counter(owner.splitlines())
    found = {line.strip() for line in merged.splitlines()}
    added = [line for line in owned - rendered if line.strip()]
    removed = [line for line in rendered if line.strip() and line not in owned]
    missing = next((line for line in added if line.strip() not in found), None)
    if missing is not None:
        return missing.decode(errors="replace").strip()
    if removed and not added and all(line.strip() in found for line in removed) and b"<<<<<<<" not in merged:
        return f"(deleted) {removed[0].decode(errors='replace').strip()}"
    return None


def lost_edits(files: Iterable[tuple[str, bytes, bytes]], moves: Mapping[str, str | None]) -> list[str]:
    """Return the path and a line of each lost edit; the files are path, the template's content and the owner's."""
    lost = []
    for path, template, owner in files:
        now = Path(moves.get(path) or path)
        if template == owner or not now.is_file():  # deleted files are listed on their own
            continue
        rejected = Path(f"{now}.rej")
        merged = now.read_bytes()
        if rejected.is_file():
            merged += b"\n".join([b"", *(line[1:] for line in rejected.read_bytes().splitlines())])
        if line := lost_edit(template, owner, merged):
            lost.append(f"{path}: {line}")
    return lost
