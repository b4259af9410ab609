"""Check that the files, links, make targets and settings that a project's README.md and docs/ name exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..harness import render
from ..variants import PAIRWISE, describe

BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("answers", PAIRWISE, ids=describe)
def test_docs_name_what_exists(template: Path, tmp_path: Path, answers: dict[str, Any]) -> None:
    project = render(template, tmp_path / "project", **answers)
    (project / "alembic" / "versions").mkdir()  # the first revision makes it
    targets = set(re.findall(r"^([a-z][a-z-]*):", (project / "Makefile").read_text(), re.MULTILINE))
    constants = known_constants(project)
    for page in (project / "README.md", *project.glob("docs/*.md")):
        text = page.read_text(encoding="utf-8")
        prose = BLOCK.sub("", text)
        spans = re.findall(r"`([^`\n]+)`", prose)
        paths = [span for span in spans if re.fullmatch(r"(src|alembic|scripts|tests|docs)/[\w./-]*", span)]
        assert [path for path in paths if not (project / path).exists()] == [], page.name
        named = set(re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(spans)))
        named |= set(re.findall(r"^(?:\$ )?make ([a-z][a-z-]*)", text, re.MULTILINE))
        assert named - targets == set(), page.name
        settings = {span.partition("=")[0] for span in spans if re.fullmatch(r"[A-Z]+_[A-Z_]+(=.*)?", span)}
        assert settings - constants == set(), page.name
        assert list(broken_links(page, prose)) == [], page.name


def known_constants(project: Path) -> set[str]:
    """Return the settings of .env.example, and the constants of the code."""
    known = ["FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY"]  # of uvicorn
    known += re.findall(r"^#?([A-Z_]+)=", (project / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    for file in (*project.glob("src/**/*.py"), *project.glob("alembic/*.py")):
        known += re.findall(r"^([A-Z_]+)\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    return set(known)


def broken_links(page: Path, prose: str) -> Iterator[str]:
    """Yield each link to a file or a heading that does not exist."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        linked = page.parent / path if path else page
        if not linked.exists():
            yield target
        elif anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            if anchor not in {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}:
                yield target
