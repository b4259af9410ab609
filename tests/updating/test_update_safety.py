"""Updates that must not lose anything: hostile settings of git, kills, files in the way, and taking an update back."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..harness import commit, git
from .aged_project import DATABASES
from .owner import Owner, State, begin, news, state
from .releases import Releases

PAGE = "docs/promises.md"
OLD, NEW = "What this service guarantees", "What this service promises"
# Settings with which Copier's own merge loses edits, fails, or sees no files.
HOSTILE = """
[apply]
    whitespace = error
[core]
    whitespace = tab-in-indent,blank-at-eol
    attributesFile = {home}/attributes
    excludesFile = {home}/ignore
    hooksPath = {home}/hooks
    autocrlf = {autocrlf}
    safecrlf = {autocrlf}
    quotePath = true
[status]
    showUntrackedFiles = no
[commit]
    gpgSign = true
[user]
    signingKey = nobody
[diff]
    noprefix = true
    mnemonicPrefix = true
    external = false
    renames = false
[merge]
    conflictStyle = zdiff3
[color]
    ui = always
[fetch]
    prune = true
[init]
    templateDir = {home}/nowhere
"""


@pytest.fixture(params=DATABASES)
def owner(request: pytest.FixtureRequest, releases: Releases, tmp_path: Path) -> Owner:
    """Return a project of each database, made of the newest release."""
    return begin(releases, tmp_path, request.param)


def make_hostile(owner: Owner, autocrlf: str = "false") -> None:
    """Give the owner settings of git that are in the way."""
    home = Path(owner.variables["HOME"])
    (home / "hooks").mkdir(parents=True)
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        hook = home / "hooks" / name
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    (home / "attributes").write_text("* -diff -merge filter=nothing\n")
    (home / "ignore").write_text("*.md\n*.rej\n")
    (home / ".gitconfig").write_text(HOSTILE.format(home=home, autocrlf=autocrlf))
    owner.variables |= {"LANG": "de_DE.UTF-8", "LANGUAGE": "de"}


def edit(owner: Owner) -> str:
    """Write lines as editors leave them, with blanks at their ends; return the file."""
    path = owner.path / PAGE
    text = path.read_text() + "\n\nOURS = 1  \n\tTABBED = 2 \n"
    path.write_text(text)
    commit(owner.path, "Ours")
    return text


def release(releases: Releases) -> None:
    """Change what the owner has edited, and add a file."""
    releases.replace(f"template/{PAGE}.jinja", OLD, NEW)
    news(releases, "v0.2.0")


def meet(owner: Owner, releases: Releases) -> None:
    """Have the owner and a release change the same line."""
    path = owner.path / PAGE
    path.write_text(path.read_text().replace(OLD, "Ours"))
    commit(owner.path, "Ours")
    release(releases)


@pytest.mark.parametrize("autocrlf", ["false", "true"])
def test_settings_of_git_change_nothing(owner: Owner, releases: Releases, autocrlf: str) -> None:
    (owner.path / ".gitattributes").unlink()
    text = edit(owner)
    make_hostile(owner, autocrlf)
    if autocrlf == "true":  # as in projects without .gitattributes
        git("rm", "--cached", "-r", "--quiet", ".", cwd=owner.path)
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=owner.path, env=owner.variables, check=False)  # noqa: S607
        assert b"\r\n" in (owner.path / PAGE).read_bytes()
    release(releases)
    done = owner.update()
    assert done.returncode == 0, done.stdout + done.stderr
    merged = (owner.path / PAGE).read_bytes().replace(b"\r\n", b"\n").decode()
    assert merged == text.replace(OLD, NEW)
    assert (owner.path / "NEWS.md").read_text() == "v0.2.0\n"
    assert "_commit: v0.2.0\n" in owner.answers()
    assert f"_src_path: {releases.path}\n" in owner.answers()


def test_copier_alone_says_which_edits_it_lost(owner: Owner, releases: Releases) -> None:
    edit(owner)
    before = state(owner.path)
    home = Path(owner.variables["HOME"])
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[apply]\n\twhitespace = error\n")
    release(releases)
    done = owner.copier("update", "--trust", "--defaults")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"The merge lost these edits of yours:\n  {PAGE}: OURS = 1\n" in done.stderr
    assert "No migration was written. make update-undo reverts the update." in done.stderr
    undo(owner)
    assert state(owner.path) == before


@pytest.mark.parametrize("removed", [False, True])
def test_an_edit_that_the_merge_kept_is_no_loss(owner: Owner, releases: Releases, removed: bool) -> None:
    path = owner.path / PAGE
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("| area "))
    path.write_text(text.replace(f"{line}\n", "") if removed else text.replace(line, f"{line}  ours"))
    commit(owner.path, "Ours")
    release(releases)
    done = owner.update()
    assert done.returncode == 0, done.stderr
    assert (line in path.read_text()) is not removed


def undo(owner: Owner) -> str:
    """Run `make update-undo`, and return what it says."""
    done = owner.make("update-undo")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_update_is_taken_back(owner: Owner, releases: Releases) -> None:
    before = state(owner.path)
    release(releases)
    assert owner.update().returncode == 0
    (owner.path / "later.txt").write_text("ours\n")
    (owner.path / PAGE).write_text("edited since\n")
    kept = undo(owner).split()[-1]
    assert git("show", f"{kept}:{PAGE}", cwd=owner.path) == "edited since"
    assert (owner.path / "later.txt").read_text() == "ours\n"
    (owner.path / "later.txt").unlink()
    assert state(owner.path) == before
    owner.is_refused("No update is under way. Start one with make update.", target="update-undo")
    assert owner.update().returncode == 0
    commit(owner.path, "Update")
    owner.is_refused("There are commits since the last update: git revert takes them back.", target="update-undo")


def test_conflicts_are_taken_back(owner: Owner, releases: Releases) -> None:
    path = owner.path / PAGE
    path.write_text(path.read_text().replace(OLD, "Ours"))
    commit(owner.path, "Ours")
    before = state(owner.path)
    release(releases)
    assert owner.update().returncode == 2
    assert f"UU {PAGE}" in owner.status()
    undo(owner)
    assert state(owner.path) == before


def test_an_unfinished_update_comes_first(owner: Owner, releases: Releases) -> None:
    meet(owner, releases)
    owner.update()
    git("checkout", "--ours", PAGE, cwd=owner.path)
    commit(owner.path, "Resolve, and forget the rest")
    releases.tag("v0.3.0")
    owner.is_refused(
        "^The last update has not written its migration yet. make update-continue writes it, and make update-undo"
    )


def test_files_that_git_ignores_are_kept(owner: Owner, releases: Releases) -> None:
    (owner.path / ".gitignore").write_text((owner.path / ".gitignore").read_text() + "NEWS.md\n")
    commit(owner.path, "Ignore our news")
    (owner.path / "NEWS.md").write_text("ours\n")
    release(releases)
    done = owner.update()
    assert (owner.path / "NEWS.md").read_text() == "ours\n"
    assert done.returncode == 0, done.stderr
    assert "NEWS.md" in done.stdout


def test_files_of_the_owners_own_machine_are_kept(owner: Owner, releases: Releases) -> None:
    (owner.path / ".git" / "info" / "exclude").write_text("NEWS.md\n")
    (owner.path / "NEWS.md").write_text("ours\n")
    release(releases)
    owner.is_refused(
        "The release adds files where you have files that git ignores. Move these, then update:\n  NEWS.md\n"
    )


@pytest.mark.parametrize("linked", [False, True])
def test_what_git_ignores_above_a_new_file_is_kept(owner: Owner, releases: Releases, linked: bool) -> None:
    (owner.path / ".git" / "info" / "exclude").write_text("docs/extra\n")
    path = owner.path / "docs" / "extra"
    if linked:
        path.symlink_to("../tests")
    else:
        path.write_text("ours\n")
    releases.write("template/docs/extra/new.md", "New.\n")
    releases.tag("v0.2.0")
    owner.is_refused("Move these, then update:\n  docs/extra\n")
    assert path.is_symlink() if linked else path.read_text() == "ours\n"


def test_new_files_that_git_ignores_are_named_and_taken_back(owner: Owner, releases: Releases) -> None:
    (owner.path / ".git" / "info" / "exclude").write_text("NEWS.md\n")
    before = state(owner.path)
    release(releases)
    done = owner.update()
    assert done.returncode == 0, done.stderr
    assert "git ignores these new files. To commit them: git add --force FILE\n  NEWS.md\n" in done.stdout
    kept = undo(owner).split()[-1]
    assert state(owner.path) == before
    assert git("show", f"{kept}:NEWS.md", cwd=owner.path) == "v0.2.0"
    assert owner.update().returncode == 0


def test_edits_during_an_update_are_kept(owner: Owner, releases: Releases) -> None:
    """A release's own command edits the project, as its owner might meanwhile."""
    releases.run_before("v0.2.0", "sh", "-c", f"echo precious >> '{owner.path}/README.md'")
    release(releases)
    done = owner.update()
    assert done.returncode == 2
    assert "These files changed during the update. Nothing was changed: commit or stash them, then" in done.stderr
    assert owner.status() == ["M README.md"]
    owner.is_refused("No update is under way. Start one with make update.", target="update-undo")
    assert (owner.path / "README.md").read_text().endswith("precious\n")


def test_an_update_that_was_reverted_by_hand_is_none(owner: Owner, releases: Releases) -> None:
    release(releases)
    assert owner.update().returncode == 0
    git("checkout", "--quiet", ".", cwd=owner.path)
    git("clean", "-fdq", cwd=owner.path)
    (owner.path / "README.md").write_text("ours\n")
    owner.is_refused("There is no uncommitted update.", target="update-undo")
    commit(owner.path, "Ours")
    owner.is_refused("No update is unfinished: make update starts one.", target="update-continue")
    assert owner.update().returncode == 0


def test_two_updates_at_once_are_one(owner: Owner, releases: Releases) -> None:
    release(releases)
    folder = owner.path / ".git" / "template-update"
    folder.mkdir()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        owner.is_refused("Another update of this project is running: wait until it ends.")
    assert owner.update().returncode == 0


def test_files_outside_a_sparse_checkout_are_not_left_behind(owner: Owner, releases: Releases) -> None:
    git("sparse-checkout", "set", "--no-cone", "/*", "!/docs/", cwd=owner.path)
    releases.write("template/docs/new.md", "New.\n")
    releases.tag("v0.1.1")
    assert owner.update().returncode == 0
    assert (owner.path / "docs" / "new.md").read_text() == "New.\n"
    git("add", "--all", "--sparse", cwd=owner.path)
    git("commit", "--quiet", "--message", "Update", cwd=owner.path)
    release(releases)
    owner.is_refused(rf"Show it with git sparse-checkout disable or .*FILE:\n  {PAGE}\n")


def test_undo_leaves_what_the_owner_staged_and_wrote(owner: Owner, releases: Releases) -> None:
    meet(owner, releases)
    assert owner.update().returncode == 2
    (owner.path / "own.py").write_text("FIRST = 1\n")
    git("add", "own.py", cwd=owner.path)
    (owner.path / "own.py").write_text("SECOND = 2\n")
    (owner.path / "alembic/versions").mkdir(exist_ok=True)
    (owner.path / "alembic/versions/20260101000000_ours.py").write_text('"""ours"""\n')
    undo(owner)
    assert owner.status() == ["AM own.py", "?? alembic/versions/20260101000000_ours.py"]
    assert git("show", ":own.py", cwd=owner.path) == "FIRST = 1"


def test_committed_conflict_markers_are_noticed(owner: Owner, releases: Releases) -> None:
    meet(owner, releases)
    assert owner.update().returncode == 2
    commit(owner.path, "Resolve nothing")
    owner.is_refused(f"These files still contain conflict markers. Resolve them:\n  {PAGE}\n", target="update-continue")


@pytest.mark.parametrize("database", DATABASES)
def test_what_git_archive_leaves_out_is_compared_too(
    make_aged: Callable[..., Owner], releases: Releases, database: str
) -> None:
    aged = make_aged(edited=False, database=database)
    (aged.path / "notes").symlink_to("/usr/share/doc")
    (aged.path / ".gitattributes").write_text("* text=auto eol=lf\nscripts export-ignore\n")
    part = aged.path.parent / "part"
    part.mkdir()
    git("init", "--quiet", cwd=part)
    (part / "__init__.py").write_text("LENGTH = 20\n")
    commit(part, "A part")
    allowed = ("-c", "protocol.file.allow=always")
    git(*allowed, "submodule", "--quiet", "add", str(part), "src/my_service/part", cwd=aged.path)
    model = aged.path / "src/my_service/models/user.py"
    model.write_text(model.read_text() + "\nfrom ..part import LENGTH as LENGTH\n")
    commit(aged.path, "Ours")
    releases.add_column()
    releases.tag("v0.2.0")
    done = aged.update()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Wrote alembic/versions/" in done.stdout


def test_a_file_that_the_owner_renamed_and_the_release_moved(owner: Owner, releases: Releases) -> None:
    git("mv", PAGE, "docs/pledges.md", cwd=owner.path)
    (owner.path / "README.md").rename(owner.path / "docs" / "README.md")
    (owner.path / "README.md").symlink_to("docs/README.md")
    commit(owner.path, "Rename")
    releases.replace(f"template/{PAGE}.jinja", OLD, NEW)
    (releases.path / f"template/{PAGE}.jinja").rename(releases.path / "template/docs/guarantees.md.jinja")
    readme = releases.path / "template/README.md.jinja"
    readme.write_text(readme.read_text() + "More.\n")
    releases.declare("v0.2.0", "moved", PAGE, "docs/guarantees.md")
    releases.tag("v0.2.0")
    done = owner.update()
    assert done.returncode == 0, done.stderr
    assert (
        f"docs/pledges.md, which you renamed from {PAGE}, now docs/guarantees.md in the template: merged" in done.stdout
    )
    assert NEW in (owner.path / "docs/pledges.md").read_text()
    assert "The template changed files that you have deleted or replaced:\n  README.md\n" in done.stdout
    assert not (owner.path / "docs/guarantees.md").exists()


def test_the_package_keeps_its_name(owner: Owner, releases: Releases) -> None:
    release(releases)
    sentence = "An update cannot rename the package my_service to shop, because your own files name it too."
    assert sentence in owner.is_refused("Nothing was changed.", "ARGS=-d package_name=shop")
    before = state(owner.path)
    done = owner.copier("update", "--trust", "--defaults", "-d", "package_name=shop")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert state(owner.path) == before


@pytest.mark.parametrize("meets", [False, True])
def test_renamed_files_are_followed_and_deleted_ones_named(owner: Owner, releases: Releases, meets: bool) -> None:
    git("mv", PAGE, "docs/guarantees.md", cwd=owner.path)
    git("rm", "--quiet", "docs/tutorial.md", "docs/operations.md", cwd=owner.path)
    path = owner.path / "docs/guarantees.md"
    text = path.read_text().replace("# Promises", "# Guarantees")
    path.write_text(text.replace(OLD, "Ours") if meets else text)
    commit(owner.path, "Rename and delete")
    tutorial = "template/docs/tutorial.md.jinja"
    (releases.path / tutorial).write_text((releases.path / tutorial).read_text() + "\nMore.\n")
    release(releases)
    done = owner.update()
    assert done.returncode == (2 if meets else 0), done.stderr
    result = "resolve its conflicts" if meets else "merged"
    assert f"docs/guarantees.md, which you renamed from {PAGE}: {result}\n" in done.stdout
    assert "The template changed files that you have deleted or replaced:\n  docs/tutorial.md\n" in done.stdout
    assert "operations.md" not in done.stdout
    assert not (owner.path / PAGE).exists()
    if meets:
        assert "UU docs/guarantees.md" in owner.status()
    else:
        assert path.read_text() == text.replace(OLD, NEW)


@pytest.mark.parametrize("database", DATABASES)
def test_a_dry_run_shows_what_an_update_does(
    make_aged: Callable[..., Owner], releases: Releases, database: str
) -> None:
    owner = make_aged(edited=False, database=database)
    text = edit(owner)
    releases.add_column()
    changelog = releases.path / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## Unreleased", "## Unreleased\n\n- A new column.", 1))
    release(releases)
    before = state(owner.path)
    done = owner.update("DRY=1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The changelog of the template, from v0.1.0 to v0.2.0:\n\n    - A new column.\n" in done.stdout
    assert (
        f"\nThese files would change:\n\n    .copier-answers.yml\n    NEWS.md (new)\n    {PAGE}\n    src/"
        in done.stdout
    )
    assert "    def upgrade() -> None:\n" in done.stdout
    assert "batch_op.add_column(" in done.stdout
    assert done.stdout.endswith("Nothing was changed. To update, run the same command without DRY=1.\n")
    assert state(owner.path) == before

    (owner.path / PAGE).write_text(text.replace(OLD, "Ours"))
    commit(owner.path, "Meet")
    before = state(owner.path)
    done = owner.update("DRY=1")
    assert done.returncode == 0
    assert f"\nThese files would have conflicts:\n\n    {PAGE}\n\nThe migration is written after" in done.stdout
    assert state(owner.path) == before


@pytest.mark.parametrize("database", DATABASES)
def test_an_example_that_an_own_table_refers_to_stays(make_aged: Callable[..., Owner], database: str) -> None:
    aged = make_aged(database=database)
    said = aged.is_refused("Nothing was changed.", "ARGS=-d example_models=none")
    assert (
        "Your models refer to tables that this update removes. Remove these foreign keys first:\n"
        "  src/my_service/models/order.py:15: refers to users\n"
    ) in said


MOMENTS = 20


@pytest.mark.parametrize(("database", "first"), [("sqlite", 0), ("postgresql", 1)])
def test_a_kill_leaves_the_old_or_the_new(
    make_aged: Callable[..., Owner], releases: Releases, database: str, first: int
) -> None:
    """Kill an update at moments all over its run; what is half done is named, and taken back."""
    aged = make_aged(edited=False, database=database)
    before = state(aged.path)
    releases.add_column()
    release(releases)
    start = time.monotonic()
    assert aged.update().returncode == 0
    duration = time.monotonic() - start
    undo(aged)
    assert state(aged.path) == before
    ends = {"as before": 0, "finished": 0, "taken back": 0}
    migrations = {*aged.path.glob("alembic/versions/*.py")}

    def is_written() -> bool:
        return {*aged.path.glob("alembic/versions/*.py")} > migrations

    def after(seconds: float) -> Callable[[], bool]:
        return lambda: time.monotonic() - start > seconds

    for when in (is_written, *(after(duration * moment / MOMENTS) for moment in range(first, MOMENTS, 2))):
        start = time.monotonic()
        killed = kill_update(aged, when)
        ends[see_what_is_left(aged, before, killed)] += 1
        assert state(aged.path) == before
    print(ends)
    assert ends["as before"] > MOMENTS / 8
    assert ends["taken back"]


def kill_update(aged: Owner, when: Callable[[], bool]) -> bool:
    """Start an update, kill all of it at a moment, and return whether it still ran."""
    with subprocess.Popen(
        ["/usr/bin/make", "update"],
        cwd=aged.path,
        env=aged.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as make:
        while (killed := make.poll() is None) and not when():
            time.sleep(0.005)
        if killed:
            os.killpg(make.pid, signal.SIGKILL)
    return killed


def see_what_is_left(aged: Owner, before: State, killed: bool) -> str:
    """Bring the project back to what it was, as the messages say; return what was found."""
    if state(aged.path) == before and not (aged.path / ".git" / "index.lock").exists():
        return "as before"
    refused = aged.make("update")
    assert refused.returncode == 2
    finished = "These changes are not committed" in refused.stderr
    assert finished or "make update-undo re" in refused.stderr, refused.stderr
    assert finished or killed
    undo(aged)
    return "finished" if finished else "taken back"
