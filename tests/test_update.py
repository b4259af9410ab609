"""`copier update` in projects that have been lived in: edits, a model, routes, migrations and rows of their owner's."""

from collections.abc import Callable

import pytest
from lived import DATABASES, Lived, assert_owned, scratch_databases
from releases import Releases

STEPS: list[tuple[str, list[str], list[str], list[str]]] = [
    # release, what it changes, what its migration holds, what the message names
    ("v0.2.0", ["change_code"], [], []),
    ("v0.3.0", ["add_column"], ['batch_op.add_column(sa.Column("phone", sa.String(length=50), nullable=True))'], []),
    (
        "v0.4.0",
        ["add_mixin"],
        ["UPDATE posts SET language = '' WHERE language IS NULL", "nullable=False"],
        ["FILLS: posts.language of the rows that are there with ''"],
    ),
    (
        "v0.5.0",
        ["remove_column", "rename_column"],
        [
            'op.execute("ALTER TABLE users RENAME COLUMN full_name TO display_name")',
            'op.execute("ALTER TABLE users RENAME COLUMN display_name TO full_name")',
            "# DESTRUCTIVE: drops users.phone and what is stored in it.",
            'batch_op.drop_column("phone")',
        ],
        ["DESTRUCTIVE: drops users.phone and what is stored in it."],
    ),
    ("v0.6.0", ["add_model"], ['op.create_table(\n        "tags"'], []),
]


def make_release(releases: Releases, version: str, changes: list[str]) -> None:
    """Change the template, and tag it."""
    for change in changes:
        getattr(releases, change)(*([version] if change == "rename_column" else []))
    releases.tag(version)


@pytest.mark.parametrize("database", DATABASES)
def test_a_project_follows_five_releases(make_lived: Callable[..., Lived], releases: Releases, database: str) -> None:
    lived = make_lived(database=database)
    lived.check()
    version_before = "v0.1.0"
    for version, changes, holds, says in STEPS:
        make_release(releases, version, changes)
        rows, revisions = lived.rows(), lived.revisions()

        said = lived.update()

        assert f"The template went from {version_before} to {version}." in said
        assert all(text in said for text in says), said
        assert not [line for line in lived.status() if line.startswith(("U", "AA", "DD"))]
        assert_owned(lived)
        assert lived.rows() == rows, "an update touches no database but scratch ones"
        assert scratch_databases(lived) == []
        new = [path for path in lived.revisions() if path not in revisions]
        assert len(new) == (1 if holds else 0), said
        for path in new:
            text = path.read_text()
            assert all(part in text for part in holds), text
            assert "orders" not in text
            assert "audit_log" not in text
            assert f"{path.relative_to(lived.path)} is written" in said
            assert f"_template_{version.replace('.', '_')}" in path.name
        lived.commit(f"Update to {version}")
        lived.check()
        kept = lived.rows()
        assert {name: len(kept[name]) for name in rows} == {name: len(rows[name]) for name in rows}
        assert [row["number"] for row in kept["orders"]] == ["A-1", "A-2"]
        assert kept["users"][0].get("full_name", kept["users"][0].get("display_name")) == "Ada L"
        assert kept["audit_log"] == rows["audit_log"]

        again = lived.update()

        assert lived.status() == []
        assert "Nothing under src/ changed" in again
        version_before = version


@pytest.mark.parametrize("database", DATABASES)
def test_several_releases_behind_is_one_step(
    make_lived: Callable[..., Lived], releases: Releases, database: str
) -> None:
    lived = make_lived(database=database)
    for version, changes, _, _ in STEPS:
        make_release(releases, version, changes)
    revisions, rows = lived.revisions(), lived.rows()
    said = lived.update()
    assert "The template went from v0.1.0 to v0.6.0." in said
    assert_owned(lived)
    assert len(lived.revisions()) == len(revisions) + 1
    lived.commit("Update")
    lived.check()
    kept = lived.rows()
    assert {name: len(kept[name]) for name in rows} == {name: len(rows[name]) for name in rows}
    assert [row["display_name"] for row in kept["users"]] == ["Ada L", "None"]
