"""`copier update` in projects that have an owner and a history: edits, a model, routes, migrations and rows of their owner's."""

from collections.abc import Callable

import pytest

from .aged_project import DATABASES, AgedProject, assert_owned, scratch_databases
from .releases import Releases

STEPS: list[tuple[str, list[str], list[str], list[str]]] = [
    # release, what it changes, what its migration holds, what the message names
    ("v0.2.0", ["change_code"], [], []),
    ("v0.3.0", ["add_column"], ['batch_op.add_column(sa.Column("phone", sa.String(length=50), nullable=True))'], []),
    (
        "v0.4.0",
        ["add_mixin"],
        ["UPDATE posts SET language = 'en' WHERE language IS NULL", "nullable=False"],
        ["BACKFILLS: posts.language of existing rows becomes 'en'."],
    ),
    (
        "v0.5.0",
        ["remove_column", "rename_column"],
        [
            'op.execute("ALTER TABLE users RENAME COLUMN full_name TO display_name")',
            'op.execute("ALTER TABLE users RENAME COLUMN display_name TO full_name")',
            "# DESTRUCTIVE: drops users.phone and its values.",
            'batch_op.drop_column("phone")',
        ],
        ["DESTRUCTIVE: drops users.phone and its values."],
    ),
    ("v0.6.0", ["add_model"], ['op.create_table(\n        "tags"'], []),
]


def make_release(releases: Releases, version: str, changes: list[str]) -> None:
    """Change the template, and tag it."""
    for change in changes:
        getattr(releases, change)(*([version] if change == "rename_column" else []))
    releases.tag(version)


@pytest.mark.parametrize("database", DATABASES)
def test_a_project_follows_five_releases(
    make_aged_project: Callable[..., AgedProject], releases: Releases, database: str
) -> None:
    aged = make_aged_project(database=database)
    aged.check()
    version_before = "v0.1.0"
    for version, changes, holds, says in STEPS:
        make_release(releases, version, changes)
        rows, revisions = aged.rows(), aged.revisions()

        said = aged.update()

        assert f"Updating from {version_before} to {version} of the template" in said
        assert all(text in said for text in says), said
        assert not [line for line in aged.status() if line.startswith(("U", "AA", "DD"))]
        assert_owned(aged)
        assert aged.rows() == rows, "an update touches no database but scratch ones"
        assert scratch_databases(aged) == []
        new = [path for path in aged.revisions() if path not in revisions]
        assert len(new) == (1 if holds else 0), said
        for path in new:
            text = path.read_text()
            assert all(part in text for part in holds), text
            assert "orders" not in text
            assert "audit_log" not in text
            assert f"Wrote {path.relative_to(aged.path)}. " in said
            assert f"_template_{version.replace('.', '_')}" in path.name
        aged.commit(f"Update to {version}")
        aged.check()
        kept = aged.rows()
        assert {name: len(kept[name]) for name in rows} == {name: len(rows[name]) for name in rows}
        assert [row["number"] for row in kept["orders"]] == ["A-1", "A-2"]
        assert kept["users"][0].get("full_name", kept["users"][0].get("display_name")) == "Ada L"
        assert kept["audit_log"] == rows["audit_log"]

        version_before = version

    again = aged.update()

    assert aged.status() == []
    assert "there is no migration to write" in again


@pytest.mark.parametrize("database", DATABASES)
def test_several_releases_behind_is_one_step(
    make_aged_project: Callable[..., AgedProject], releases: Releases, database: str
) -> None:
    aged = make_aged_project(database=database)
    for version, changes, _, _ in STEPS:
        make_release(releases, version, changes)
    revisions, rows = aged.revisions(), aged.rows()
    said = aged.update()
    assert "Updating from v0.1.0 to v0.6.0 of the template" in said
    assert_owned(aged)
    assert len(aged.revisions()) == len(revisions) + 1
    aged.commit("Update")
    aged.check()
    kept = aged.rows()
    assert {name: len(kept[name]) for name in rows} == {name: len(rows[name]) for name in rows}
    assert [row["display_name"] for row in kept["users"]] == ["Ada L", "None"]
