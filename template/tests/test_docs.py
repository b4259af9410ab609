"""Check that the files, links, make targets and settings that README.md and docs/ name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    return page.name


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def code_spans(page: Path) -> list[str]:
    """Return the text between backticks, outside of code blocks."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = target.partition("#")
        if path.startswith("https://"):
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8") if anchor else "", re.MULTILINE)
        anchors = {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_files_exist(page: Path) -> None:
    paths = [span for span in code_spans(page) if re.fullmatch(r"(src|alembic|scripts|tests|docs)/[\w./-]*", span)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_make_targets_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE)
    named = re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(code_spans(page)))
    named += re.findall(r"^(?:\$ )?make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(set(named) - set(targets)) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_settings_and_constants_exist(page: Path) -> None:
    known = re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE)
    for file in (*ROOT.glob("src/**/*.py"), *ROOT.glob("alembic/*.py")):
        known += re.findall(r"^([A-Z_]+)\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    named = {span.partition("=")[0] for span in code_spans(page) if re.fullmatch(r"[A-Z]+_[A-Z_]+(=.*)?", span)}
    assert sorted(named - set(known)) == []
