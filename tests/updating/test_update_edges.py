"""Updates that meet something in the way: conflicts, files that moved, histories that do not fit, no network."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import Project, clean_environment, git, render, set_up
from .aged_project import DATABASES, UV_CACHE, AgedProject
from .releases import HOOK, MODELS, USER, Releases

PENDING = "    number: Mapped[str] = mapped_column(String(20), index=True)\n"
FULL_NAME = "    full_name: Mapped[str | None] = mapped_column(String(255))\n"


def conflict(aged: AgedProject, releases: Releases) -> None:
    """Have the owner and a release, which adds a column too, change the same line."""
    aged.replace("src/my_service/models/user.py", FULL_NAME, FULL_NAME.replace("255", "300"))
    aged.run("make", "db-migrate", "msg=Longer names")
    aged.commit("Longer names")
    releases.add_column()
    releases.replace(USER, FULL_NAME, FULL_NAME.replace("255", "200"))
    releases.tag("v0.2.0")


@pytest.mark.parametrize("style", ["inline", "rej"])
def test_a_conflict_waits_for_the_owner(
    make_aged_project: Callable[..., AgedProject], releases: Releases, style: str
) -> None:
    aged = make_aged_project(database="sqlite")
    conflict(aged, releases)
    revisions = aged.revisions()
    said = aged.update("--conflict", style)
    file = "src/my_service/models/user.py"
    assert f"  {file}{'' if style == 'inline' else '.rej'}\n" in said
    assert "These files have conflicts." in said
    assert "run make update-continue" in said
    assert "make db-upgrade" not in said
    assert aged.revisions() == revisions
    again = aged.run("make", "update-continue", check=False)
    assert again.returncode != 0
    assert file in again.stderr
    # The owner's line, and the release's new one.
    text = (aged.path / file).read_text()
    if style == "inline":
        before, _, rest = text.partition("<<<<<<< before updating\n")
        _, _, after = rest.partition(">>>>>>> after updating\n")
        phone = "    phone: Mapped[str | None] = mapped_column(String(50))\n"
        (aged.path / file).write_text(before + FULL_NAME.replace("255", "300") + phone + after)
        git("add", file, cwd=aged.path)
    else:
        aged.replace(file, FULL_NAME.replace("255", "200"), FULL_NAME.replace("255", "300"))
        (aged.path / f"{file}.rej").unlink()
        aged.commit("Resolve, and commit at once")
    done = aged.run("make", "update-continue")
    assert "Wrote alembic/versions/" in done.stdout
    new = [path for path in aged.revisions() if path not in revisions]
    assert len(new) == 1
    assert '"phone"' in new[0].read_text()
    assert "full_name" not in new[0].read_text()
    aged.commit("Update")
    aged.check()


@pytest.mark.parametrize("place", ["worktree", "submodule", "folder"])
def test_an_update_is_finished_without_the_template(
    make_aged_project: Callable[..., AgedProject], releases: Releases, tmp_path: Path, place: str
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    if place == "worktree":
        git("worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "tree", cwd=aged.path)
        aged.path = tmp_path / "tree"
    else:
        outer = tmp_path / "our monorepo"
        outer.mkdir()
        git("init", "--quiet", cwd=outer)
        destination = outer / "services" / "shop"
        if place == "submodule":
            allowed = ["-c", "protocol.file.allow=always"]
            git(*allowed, "submodule", "--quiet", "add", str(aged.path), "services/shop", cwd=outer)
            aged.path = destination
        else:
            (aged.path / ".git").rename(tmp_path / "old.git")
            aged.move(destination)
    aged.project = set_up(Project(aged.path, aged.project.environment, aged.project.variables))
    aged.commit("Start here")
    conflict(aged, releases)
    revisions = aged.revisions()
    assert "run make update-continue" in aged.update()
    assert list(aged.path.rglob("template-update")) == [], "the tooling is within .git"
    releases.path.rename(tmp_path / "gone")
    git("checkout", "--theirs", "src/my_service/models/user.py", cwd=aged.path)
    git("add", "src/my_service/models/user.py", cwd=aged.path)
    done = aged.run("make", "update-continue")
    assert "Wrote alembic/versions/" in done.stdout
    assert 'git add --all . && git commit -m "Update the template to v0.2.0"' in done.stdout
    assert len(aged.revisions()) == len(revisions) + 1
    again = aged.run("make", "update-continue", check=False)
    assert again.returncode != 0
    assert "No update is unfinished: make update starts one." in again.stderr


def test_two_projects_of_a_repository_are_updated_at_once(
    make_aged_project: Callable[..., AgedProject], releases: Releases, tmp_path: Path
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    outer = tmp_path / "outer"
    outer.mkdir()
    git("init", "--quiet", cwd=outer)
    (aged.path / ".git").rename(tmp_path / "old.git")
    aged.move(outer / "one")
    path = render(releases.path, outer / "two", database="sqlite")
    variables = {**aged.project.variables, "PYTHONPATH": str(path / "src")}
    two = AgedProject(
        set_up(Project(path, aged.project.environment, variables)),
        releases,
        None,
        aged.environment_for,
    )
    aged.commit("Start")
    conflict(aged, releases)
    assert "run make update-continue" in aged.update()
    with_copier = f"{Path(sys.executable).parent}:{two.project.variables['PATH']}"
    refused = two.run("make", "update", check=False, PATH=with_copier).stderr
    assert "These files have conflicts. Resolve them, git add them:\n  one/src/my_service/models/user.py\n" in refused
    git("checkout", "--theirs", "src/my_service/models/user.py", cwd=aged.path)
    git("add", "src/my_service/models/user.py", cwd=aged.path)
    assert "Wrote alembic/versions/" in two.update()
    assert "Wrote alembic/versions/" in aged.run("make", "update-continue").stdout


@pytest.mark.parametrize("database", DATABASES)
def test_what_the_owner_has_not_migrated_stays_theirs(
    make_aged_project: Callable[..., AgedProject], releases: Releases, database: str
) -> None:
    aged = make_aged_project(database=database)
    aged.replace(
        "src/my_service/models/order.py",
        PENDING,
        f"{PENDING}    remark: Mapped[str | None] = mapped_column(String(99))\n",
    )
    aged.replace("alembic/env.py", '= frozenset({"audit_log"})', "= frozenset()")
    aged.commit("To be migrated")
    releases.add_column()
    releases.tag("v0.2.0")
    revisions = aged.revisions()
    said = aged.update()
    (new,) = [path for path in aged.revisions() if path not in revisions]
    assert '"phone"' in new.read_text()
    assert "remark" not in new.read_text()
    assert "audit_log" not in new.read_text()
    assert "The models have other changes that no migration makes: make db-check shows them." in said
    aged.replace("alembic/env.py", "= frozenset()", '= frozenset({"audit_log"})')
    aged.run("make", "db-migrate", "msg=Remarks")
    aged.commit("Update, and remarks")
    aged.check()


def test_what_the_owners_migrations_make_already_is_left_out(
    make_aged_project: Callable[..., AgedProject], releases: Releases
) -> None:
    aged = make_aged_project(database="sqlite")
    aged.replace(
        "src/my_service/models/user.py",
        FULL_NAME,
        f"{FULL_NAME}    phone: Mapped[str | None] = mapped_column(String(50))\n",
    )
    aged.run("make", "db-migrate", "msg=Phones")
    aged.replace("src/my_service/models/user.py", "    phone: Mapped[str | None] = mapped_column(String(50))\n", "")
    aged.commit("Phones, but not in the model")
    releases.add_column()
    releases.tag("v0.2.0")
    revisions = aged.revisions()
    said = aged.update()
    assert "The template changed nothing in the schema" in said
    assert aged.revisions() == revisions
    aged.commit("Update")
    aged.check()


RAISES = "    raise RuntimeError('needs the rows of 2024')\n"


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("migration", "The migrations do not run on an empty database: needs the rows of 2024"),
        ("heads", "The migrations have 2 heads"),
        ("model", "The models do not import: "),
        ("history", "A migration follows revision 0"),
    ],
)
def test_a_history_that_does_not_fit_is_said_and_nothing_is_lost(
    make_aged_project: Callable[..., AgedProject], releases: Releases, trouble: str, sentence: str
) -> None:
    aged = make_aged_project(database="sqlite")
    log = aged.path / "alembic/versions/299901010000_add_a_log.py"
    good = log.read_text()
    bad = good
    if trouble == "migration":
        bad = good.replace('    op.execute("CREATE', f'{RAISES}    op.execute("CREATE')
    elif trouble == "heads":
        first = next(path for path in aged.revisions() if path.name.startswith("0001"))
        down = first.read_text().split('revision: str = "')[1].split('"')[0]
        bad = (
            good.split("down_revision = ")[0]
            + f'down_revision = "{down}"\n'
            + good.split("\n", good[: good.index("down_revision = ")].count("\n") + 1)[-1]
        )
    elif trouble == "history":
        bad = good.replace('down_revision = "', 'down_revision = "0')
    assert trouble == "model" or bad != good
    log.write_text(bad)
    aged.commit("Trouble")
    if trouble == "model":
        releases.write(f"{MODELS}/thing.py", "from . import nothing_there\n")
    else:
        releases.add_column()
    releases.tag("v0.2.0")
    revisions = aged.revisions()
    aged.replace("src/my_service/models/order.py", '"""An order."""', '"""An order, in short."""')
    aged.commit("Order")
    said = aged.update()
    assert sentence in said
    assert "No migration was written. Settle that, then run make update-continue." in said
    assert aged.revisions() == revisions
    assert '"""An order, in short."""' in (aged.path / "src/my_service/models/order.py").read_text()
    if trouble == "model":
        return
    log.write_text(good)
    assert "Wrote alembic/versions/" in aged.run("make", "update-continue").stdout
    aged.commit("Update")
    aged.check()


def test_models_that_refer_to_examples_which_go_are_said(make_aged_project: Callable[..., AgedProject]) -> None:
    aged = make_aged_project(database="sqlite")
    git("checkout", "HEAD~1", "--", "README.md", "src/my_service/api/router.py", cwd=aged.path)
    aged.commit("Without the edits that lie beside the examples")
    revisions = aged.revisions()
    said = aged.update("-d", "example_models=none")
    assert "  src/my_service/models/user.py  (you had changed it)\n" in said
    assert "The models do not fit together: " in said
    assert "'orders.user_id' could not find table 'users'" in said
    assert "No migration was written." in said
    assert (aged.path / "src/my_service/models/order.py").exists()
    assert aged.revisions() == revisions


VIEW = """
revision, down_revision, branch_labels, depends_on = "0123456789ab", "{head}", None, None
from alembic import op
def upgrade(): op.execute("CREATE VIEW phones AS SELECT phone FROM users")
def downgrade(): op.execute("DROP VIEW phones")
"""


def test_a_migration_that_would_not_run_is_not_kept(
    make_aged_project: Callable[..., AgedProject], releases: Releases
) -> None:
    aged = make_aged_project(database="postgresql", edited=False)
    releases.add_column()
    releases.tag("v0.2.0")
    aged.update()
    head = aged.alembic("heads").split()[0]
    (aged.path / "alembic/versions/299901010000_view.py").write_text(VIEW.format(head=head))
    aged.commit("Update, and look at phones")
    releases.remove_column()
    releases.tag("v0.3.0")
    revisions = aged.revisions()
    said = aged.update()
    assert "The migration with the template's changes does not run" in said
    assert "cannot drop column phone of table users because other objects depend on it" in said
    assert "No migration was written." in said
    assert aged.revisions() == revisions


OLD, NEW = "src/{package_name}/db/slow_query_log.py", "src/{package_name}/db/statement_log.py"


def move(releases: Releases) -> None:
    """Move a file in a release, and change it too."""
    old, new = (f"template/{path}".replace("{package_name}", "{{ package_name }}") for path in (OLD, NEW))
    git("mv", old, new, cwd=releases.path)
    releases.replace(new, '"""Log slow statements', '"""Write slow statements to the log')
    releases.replace("template/src/{{ package_name }}/db/engine.py", "from .slow_query_log", "from .statement_log")
    releases.declare("v0.2.0", "moved", OLD, NEW)
    releases.tag("v0.2.0")


@pytest.mark.parametrize("owner", ["edits", "leaves", "deletes", "meets"])
def test_a_file_that_moves_takes_its_edits_along(
    make_aged_project: Callable[..., AgedProject], releases: Releases, owner: str
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    old, new = (aged.path / path.format(package_name="my_service") for path in (OLD, NEW))
    text = old.read_text()
    if owner == "edits":
        old.write_text(f"{text}\n\nOURS = True\n")
    elif owner == "deletes":
        old.unlink()
        aged.replace("src/my_service/db/engine.py", "from .slow_query_log import", "# from .slow_query_log import")
    elif owner == "meets":
        old.write_text(text.replace('"""Log slow', '"""Log our slow'))
    aged.commit("Owned")
    move(releases)
    said = aged.update()
    assert not old.exists()
    relative = [str(path.relative_to(aged.path)) for path in (old, new)]
    if owner == "deletes":
        assert not new.exists()
        return
    if owner == "meets":
        assert f"{relative[0]} is now {relative[1]}: resolve its conflicts" in said
        assert f"  {relative[1]}\n" in said.split("These files have conflicts.")[1]
        assert "<<<<<<< before updating" in new.read_text()
        return
    assert ("OURS = True" in new.read_text()) is (owner == "edits")
    assert f"{relative[0]} is now {relative[1]}{', with your changes' if owner == 'edits' else ''}\n" in said
    assert "restore one" not in said
    aged.commit("Update")
    if owner == "edits":
        aged.check()


def test_a_file_that_moves_stays_if_nothing_can_be_compared(
    make_aged_project: Callable[..., AgedProject], releases: Releases
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    old = aged.path / OLD.format(package_name="my_service")
    old.write_text(f"{old.read_text()}\n\nOURS = True\n")
    aged.commit("Ours")
    # The template is out of reach from the moment that Copier has merged.
    releases.replace("copier.yml", HOOK, f"  - command: [mv, {releases.path}, {releases.path}-gone]\n{HOOK}")
    move(releases)
    said = aged.update()
    assert "kept, because the template's last version cannot be rendered to merge with" in said
    assert old.read_text().endswith("OURS = True\n")


@pytest.mark.parametrize("edited", [True, False])
def test_a_file_that_is_removed_stays_if_it_was_edited(
    make_aged_project: Callable[..., AgedProject], releases: Releases, edited: bool
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    path = aged.path / "src/my_service/db/slow_query_log.py"
    if edited:
        path.write_text(f"{path.read_text()}\n# ours\n")
        aged.commit("Ours")
    git("rm", "--quiet", "template/src/{{ package_name }}/db/slow_query_log.py", cwd=releases.path)
    releases.declare("v0.2.0", "removed", OLD)
    releases.tag("v0.2.0")
    said = aged.update()
    assert path.exists() is edited
    assert ("kept with your changes" in said) is edited
    assert ("To restore one: git checkout HEAD -- FILE\n  src/my_service/db/slow_query_log.py\n" in said) is not edited
    if edited:
        assert path.read_text().endswith("# ours\n")


def test_two_moves_on_the_way_are_one(make_aged_project: Callable[..., AgedProject], releases: Releases) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    guide = aged.path / "docs/database.md"
    guide.write_text(guide.read_text() + "\nOurs.\n")
    aged.commit("Ours")
    git("mv", "template/docs/database.md.jinja", "template/docs/tables.md.jinja", cwd=releases.path)
    releases.declare("v0.2.0", "moved", "docs/database.md", "docs/tables.md")
    releases.tag("v0.2.0")
    git("mv", "template/docs/tables.md.jinja", "template/docs/schema.md.jinja", cwd=releases.path)
    releases.declare("v0.3.0", "moved", "docs/tables.md", "docs/schema.md")
    releases.tag("v0.3.0")
    said = aged.update()
    assert "docs/database.md is now docs/schema.md, with your changes" in said
    assert (aged.path / "docs/schema.md").read_text().endswith("\nOurs.\n")
    assert not guide.exists()


def test_a_new_question_changes_nothing_by_its_default(
    make_aged_project: Callable[..., AgedProject], releases: Releases
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    question = "greeting:\n  type: bool\n  help: Say hello?\n  default: false\n\n# Computed\n"
    releases.replace("copier.yml", "# Computed\n", question)
    releases.write("template/{% if greeting %}HELLO.md{% endif %}", "Hello.\n")
    releases.tag("v0.2.0")
    said = aged.update()
    assert "Nothing under src/ changed" in said
    assert [line.strip() for line in aged.status()] == ["M .copier-answers.yml"]
    assert "greeting: false" in (aged.path / ".copier-answers.yml").read_text()
    aged.commit("Update")
    aged.update("-d", "greeting=true")
    assert (aged.path / "HELLO.md").exists()


def test_an_answers_file_that_was_edited_stops_the_update(
    make_aged_project: Callable[..., AgedProject], releases: Releases
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    aged.replace(".copier-answers.yml", "soft_delete: explicit", "soft_delete: none")
    aged.commit("Edit the answers")
    releases.add_column()
    releases.tag("v0.2.0")
    done = aged.copier("update", "--defaults", "--trust")
    assert done.returncode != 0
    assert "The answers in .copier-answers.yml were edited since Copier wrote them" in done.stderr
    assert "Traceback" not in done.stderr
    assert aged.status() == []
    # The template may have moved.
    aged.replace(".copier-answers.yml", "soft_delete: none", "soft_delete: explicit")
    aged.replace(".copier-answers.yml", f"_src_path: {releases.path}", f"_src_path: {releases.path}/")
    aged.commit("Take it back")
    assert "The template went from v0.1.0 to v0.2.0." in aged.update()


# Nothing beyond this machine can be reached.
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")


@pytest.mark.parametrize("database", DATABASES)
def test_neither_a_server_nor_the_network_is_needed(
    make_aged_project: Callable[..., AgedProject], releases: Releases, tmp_path: Path, database: str
) -> None:
    aged = make_aged_project(database=database, edited=False)
    (aged.path / ".env").write_text(
        "DATABASE_URL=postgresql://nobody:secret@127.0.0.1:9/none\n" if database == "postgresql" else ""
    )
    releases.add_column()
    releases.tag("v0.2.0")
    said = aged.update(UV_CACHE_DIR=str(tmp_path / "empty"), **OFFLINE)
    assert "Wrote alembic/versions/" in said
    assert "secret" not in said


def test_new_packages_need_the_network_and_that_is_said(
    make_aged_project: Callable[..., AgedProject], releases: Releases, tmp_path: Path
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    releases.add_column()
    releases.replace(
        "template/pyproject.toml.jinja", '    "fastapi>=0.165",\n', '    "fastapi>=0.165",\n    "isodate>=0.7",\n'
    )
    releases.tag("v0.2.0")
    said = aged.update(UV_CACHE_DIR=str(tmp_path / "empty"), **OFFLINE)
    assert "uv sync" in said
    assert "No migration was written. Settle that, then run make update-continue." in said
    assert len(aged.revisions()) == 1
    done = aged.run("make", "update-continue", **clean_environment(tmp_path / "home", UV_CACHE_DIR=UV_CACHE))
    assert "Wrote alembic/versions/" in done.stdout


def test_a_project_without_its_environment_is_updated(
    make_aged_project: Callable[..., AgedProject], releases: Releases
) -> None:
    aged = make_aged_project(database="sqlite")
    for path in (aged.path / ".venv").iterdir():
        path.unlink()
    (aged.path / ".venv").rmdir()
    releases.add_column()
    releases.tag("v0.2.0")
    done = aged.copier("update", "--defaults", "--trust")
    assert "Wrote alembic/versions/" in done.stdout, done.stdout + done.stderr
    assert not (aged.path / ".venv").exists()
    assert not (aged.path / "uv.lock").exists()


def test_a_project_within_a_larger_repository(
    make_aged_project: Callable[..., AgedProject], releases: Releases, tmp_path: Path
) -> None:
    aged = make_aged_project(database="sqlite", edited=False)
    outer = tmp_path / "outer"
    outer.mkdir()
    git("init", "--quiet", "--initial-branch=main", cwd=outer)
    (aged.path / ".git").rename(tmp_path / "old.git")
    (outer / "notes.txt").write_text("ours\n")
    aged.move(outer / "services" / "shop")
    aged.commit("All of it")
    releases.add_column()
    move(releases)
    said = aged.update()
    assert "Wrote alembic/versions/" in said
    aged.commit("Update")
    aged.check()
    assert git("status", "--porcelain", cwd=outer) == ""
