"""`make update`: what it says to whatever is wrong, what it brings in; and what Copier's own commands do in a project."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from copier.errors import DirtyLocalWarning

from ..harness import UV, Project, clean_environment, commit, git, render, set_up
from .owner import ANSWERS, COPIER, Owner, begin, news, state, with_programs
from .releases import HOOK, Releases

NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")


# What is wrong with the project.


def test_without_git(owner: Owner, tmp_path: Path) -> None:
    owner.variables = with_programs(tmp_path, sys.executable, "/bin/sh", "/bin/cat", COPIER, only=True)
    (tmp_path / "programs" / "python3").unlink(missing_ok=True)
    (tmp_path / "programs" / "python3").symlink_to(sys.executable)
    owner.is_refused(r"^git is not on the PATH: install it\.\n")


def test_without_a_repository_or_a_commit(owner: Owner) -> None:
    shutil.rmtree(owner.path / ".git")
    owner.is_refused("there is none. Make one: git init && git add --all && git commit")
    git("init", "--quiet", cwd=owner.path)
    owner.is_refused("there is none. Make one: git init && git add --all && git commit")


def test_of_somebody_else(owner: Owner) -> None:
    owner.variables |= {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    owner.is_refused("dubious ownership(.|\n)*git config --global --add safe.directory")


def test_with_changes_that_are_not_committed(owner: Owner) -> None:
    (owner.path / "README.md").write_text("Ours.\n")
    git("mv", ".env.example", "ours", cwd=owner.path)
    for number in range(10):
        (owner.path / f"näu {number}.txt").write_text("new\n")
    said = owner.is_refused(
        "^These changes are not committed: commit them, or git stash --include-untracked.\n   M README"
    )
    assert "\n  ?? näu 8.txt\n  and 3 more\n" in said


def test_while_a_merge_is_under_way(owner: Owner) -> None:
    git("checkout", "--quiet", "-b", "other", cwd=owner.path)
    commit(owner.path, "Other")
    git("checkout", "--quiet", "main", cwd=owner.path)
    git("merge", "--no-ff", "--no-commit", "other", cwd=owner.path)
    owner.is_refused("^A merge is under way: finish it, or undo it with git merge --abort.\n")


def test_while_commits_are_picked(owner: Owner) -> None:
    (owner.path / "README.md").write_text("Ours.\n")
    commit(owner.path, "Ours")
    with pytest.raises(subprocess.CalledProcessError):
        git("revert", "--no-edit", "HEAD~", cwd=owner.path)
    git("checkout", "--quiet", "HEAD", "--", ".", cwd=owner.path)
    owner.is_refused("^A revert is under way: finish it, or undo it with git revert --abort.\n")


def test_in_a_folder_that_git_ignores(owner: Owner) -> None:
    shutil.rmtree(owner.path / ".git")
    git("init", "--quiet", cwd=owner.path.parent)
    (owner.path.parent / ".gitignore").write_text("/project/\n")
    git("add", ".gitignore", cwd=owner.path.parent)
    git("commit", "--quiet", "--message", "Ours", cwd=owner.path.parent)
    owner.is_refused("git ignores .copier-answers.yml, and an update merges with committed files: have git track it")


def test_without_copiers_record(owner: Owner) -> None:
    record = owner.answers()

    def is_brought_back(ref: str) -> None:
        said = owner.is_refused(rf"\.copier-answers\.yml is missing.* To restore it: git checkout {ref} -- ")
        found = re.search("git checkout .*", said)
        assert found
        subprocess.run(found[0], shell=True, cwd=owner.path, check=True, capture_output=True)  # noqa: S602
        assert owner.answers() == record

    (owner.path / ANSWERS).unlink()
    is_brought_back("[0-9a-f]+")
    (owner.path / ANSWERS).unlink()
    commit(owner.path, "Delete it")
    commit(owner.path, "Go on")
    is_brought_back("[0-9a-f]+")
    shutil.rmtree(owner.path / ".git")
    (owner.path / ANSWERS).unlink()
    git("init", "--quiet", cwd=owner.path)
    commit(owner.path, "Start without it")
    owner.is_refused(
        "If Copier made this project, make another of its release and answers, and copy the file from there"
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("^_src_path: .*\n", "", "does not say _src_path: add the template's address, and commit that"),
        ("^_commit: .*\n", "", "does not say _commit: add the release that the project was made from, and commit that"),
        ("^_commit: .*", "_commit: None", "does not say _commit"),
        ("^_commit: .*", "_commit:", "does not say _commit"),
        (
            "^_commit: v0.1.0",
            "_commit: v0.1.0-1-gabcdef0",
            "has no v0.1.0-1-gabcdef0.*the closest release",
        ),
        (
            "^_src_path: .*",
            "_src_path: /gone/template",
            r"be reached at /gone/template \(.*does not exist.* has moved, change",
        ),
        ("^_src_path: .*", "_src_path: '../gone/it''s'", r"be reached at ../gone/it's \("),
        ("^_src_path: .*", "_src_path: .", r"be reached at \. \(there is no hooks/update/start_update.py\)"),
        ("^_src_path: .*", "_src_path: ~/gone", r"be reached at ~/gone \(repository '/.*/home/gone' does not exist"),
        (
            "^_src_path: .*",
            "_src_path: https://me:secret@127.0.0.1:9/template.git",
            r"be reached at https://127.0.0.1:9/template.git \(unable to access.* Check the network\.",
        ),
        (
            "^_src_path: .*",
            "_src_path: gh:me/template",
            r"be reached at gh:me/template \(.*'https://github.com/me/template.git",
        ),
        (
            "^_src_path: .*",
            "_src_path: gl:/me/template.git",
            r"be reached at gl:.* \(.*'https://gitlab.com/me/template.git",
        ),
        ("^_src_path: .*", "_src_path: git+https://127.0.0.1:9/t", r"\(.*'https://127.0.0.1:9/t/'"),
        (
            "^database: sqlite",
            "database: [sql",
            r"^\.copier-answers\.yml is not valid YAML, line 6: .*git log -p .*commit\.\n",
        ),
        (
            "^database: sqlite",
            "database: mysql",
            "stopped: ValueError: Invalid choice for 'database': 'mysql' is not in.*Noth",
        ),
    ],
)
def test_with_a_wrong_record(owner: Owner, releases: Releases, old: str, new: str, sentence: str) -> None:
    owner.variables |= NOWHERE
    owner.answer(old, new)
    releases.tag("v0.2.0")
    assert "secret" not in owner.is_refused(sentence)


def test_an_address_that_does_not_answer(owner: Owner) -> None:
    # Port 9 of a documentation network: packets to it get no answer, or an error at once.
    owner.answer("^_src_path: .*", "_src_path: https://192.0.2.1:9/template.git")
    program = "import sys; sys.path[:0] = ['scripts']; import update as t; t.TIME_LIMIT = 2; sys.exit(t.update())"
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=owner.path,
        env=owner.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The template cannot be reached at https://192.0.2.1:9/template.git (" in done.stderr
    assert time.monotonic() - start < 10


# What is wrong with what is asked for.


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "VERSION=v9",
            r"^The template has no v9 to update to. Its newest releases: v0.10.0, v0.9.0, v0.2.1, v0.2.0, v0.1.0\.\n",
        ),
        ("ARGS=-d soft_delete", "^-d soft_delete is no answer: write it as name=value.\n"),
        (
            "ARGS=-d softdelete=none",
            "^-d softdelete=none: there is no question softdelete. Choose among project_name, pack",
        ),
        ("ARGS=--data=reserved_names=x", "there is no question reserved_names"),
        (
            "ARGS=-d soft_delete=never",
            "Copier stopped: ValueError: Invalid choice for 'soft_delete'.* Nothing was changed.",
        ),
        ("ARGS=-d mixins=title", r"Copier stopped: TypeError: Not a YAML list: 'title'\. Nothing was changed\."),
        (
            "ARGS=-d package_name=json",
            "An update cannot rename the package my_service to json, because",
        ),
        (
            "ARGS=-d 'soft_delete=none",
            "^ARGS cannot be read: No closing quotation. Check its quotes: -d 'soft_delete=none\n",
        ),
        ("ARGS=--colour", "^Copier stopped. Nothing was changed."),  # and its help, with the reason, before
    ],
)
def test_with_wrong_words(owner: Owner, releases: Releases, word: str, sentence: str) -> None:
    commit(releases.path, "Go on")
    for version in ("v0.2.0", "v0.9.0", "v0.10.0", "v0.2.1", "v0.11.0-rc1", "nightly"):
        git("tag", version, cwd=releases.path)
    said = owner.is_refused(sentence, word)
    assert "reserved_names," not in said


def test_without_copier_and_without_a_network(owner: Owner, releases: Releases, tmp_path: Path) -> None:
    releases.tag("v0.2.0")
    offline = {"UV_CACHE_DIR": str(tmp_path / "cache"), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""} | NOWHERE
    for programs in ([UV], []):
        owner.variables = with_programs(tmp_path, *programs) | offline
        owner.is_refused("^Copier 9.19 is not installed, and cannot be downloaded: .+\nCheck the network")


# What breaks off.


def test_a_release_that_cannot_be_rendered(owner: Owner, releases: Releases) -> None:
    releases.change_code()
    releases.write("template/zzz.txt.jinja", "{{ misspelt }}\n")
    releases.tag("v0.2.0")
    owner.is_refused("Copier stopped: jinja2.exceptions.UndefinedError: 'misspelt' is undefined. Nothing was changed.")


def test_a_release_whose_last_step_is_broken(owner: Owner, releases: Releases) -> None:
    releases.write("hooks/update/finish_update.py", "raise RuntimeError('no')\n")
    news(releases, "v0.2.0")
    done = owner.make("update")
    assert done.returncode == 2
    assert done.stderr.count("Traceback") == 1
    assert "RuntimeError: no" in done.stderr
    assert "Copier stopped" not in done.stderr


@pytest.mark.parametrize("stage", ["before", "after"])
def test_ctrl_c(owner: Owner, releases: Releases, stage: str) -> None:
    before = state(owner.path)
    waits = f'  - command: [sh, -c, "echo waiting >&2; sleep 60"]\n    when: "{{{{ _stage == \'{stage}\' }}}}"\n'
    releases.replace("copier.yml", HOOK, waits + HOOK)
    news(releases, "v0.2.0")
    with subprocess.Popen(
        ["/usr/bin/make", "update"],
        cwd=owner.path,
        env=owner.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as make:
        assert make.stderr
        said = ""
        while "waiting" not in said:
            said += make.stderr.readline()
        time.sleep(0.5)
        os.killpg(make.pid, signal.SIGINT)  # as a terminal does
        said += make.stderr.read()
    assert make.returncode != 0
    assert "Interrupted. Nothing was changed." in said
    assert "Traceback" not in said
    assert state(owner.path) == before


# What is brought in.


def test_at_the_newest_release_nothing_runs(owner: Owner) -> None:
    for words in ([], ["VERSION=v0.1.0"]):
        before = state(owner.path)
        done = owner.update(*words)
        assert done.returncode == 0
        assert done.stdout == "Nothing to do: this project, at v0.1.0, has all of the template's v0.1.0.\n"
        assert done.stderr == ""
        assert state(owner.path) == before


def test_releases_are_brought_in(aged: Owner, releases: Releases) -> None:
    releases.change_code()
    releases.tag("v0.2.0")
    releases.add_column()
    releases.tag("v0.3.0")
    releases.add_model()
    releases.tag("v0.4.0")

    done = aged.update("VERSION=v0.2.0")
    assert done.returncode == 0, done.stderr
    assert "Updating from v0.1.0 to v0.2.0 of the template" in done.stdout
    assert len(aged.status()) == 2
    commit(aged.path, "Update")

    done = aged.update()
    assert done.returncode == 0, done.stderr
    assert "Updating from v0.2.0 to v0.4.0 of the template" in done.stdout
    assert "Next:" in done.stdout
    (written,) = [line for line in aged.status() if "alembic/versions" in line]
    assert "_template_v0_4_0.py" in written
    commit(aged.path, "Update")
    assert "at v0.4.0, has all of the template's v0.4.0" in aged.update().stdout
    aged.is_refused("from 0.4.0 to 0.2.0. Downgrades are not supported.\nCopier stopped. Nothing was", "VERSION=v0.2.0")


def test_an_answer_is_changed_at_the_same_release(aged: Owner) -> None:
    done = aged.update("ARGS=-d soft_delete=none -d 'project_description=Takes orders'")
    assert done.returncode == 0, done.stderr
    assert "Updating with other answers, at v0.1.0 of the template" in done.stdout
    assert "soft_delete: none\n" in aged.answers()
    assert "project_description: Takes orders\n" in aged.answers()
    assert [line for line in aged.status() if "alembic/versions" in line] != []


def test_a_conflict_is_left_to_resolve(aged: Owner, releases: Releases) -> None:
    health = aged.path / "src/my_service/api/health.py"
    health.write_text(health.read_text().replace('"""The probe succeeds."""', '"""Ours."""'))
    commit(aged.path, "Ours")
    releases.change_code()
    releases.add_column()
    releases.tag("v0.2.0")
    done = aged.update()
    assert done.returncode == 2
    assert "These files have conflicts. Resolve them, git add them:\n  src/my_service/api/health.py" in done.stderr
    assert "run make update-continue" in done.stderr
    assert "Copier stopped" not in done.stderr
    again = aged.is_refused(
        "^These files have conflicts. Resolve them, git add them:\n  src/my_service/api/health.py\n"
    )
    assert "not committed" not in again
    git("checkout", "--ours", "src/my_service/api/health.py", cwd=aged.path)
    git("add", "src/my_service/api/health.py", cwd=aged.path)
    finished = aged.make("update-continue")
    assert finished.returncode == 0, finished.stderr
    assert [line for line in aged.status() if "alembic/versions" in line] != []
    commit(aged.path, "Update")
    assert aged.update().returncode == 0


@pytest.mark.parametrize("old", [False, True], ids=["no copier", "an old copier"])
def test_copier_is_fetched_where_there_is_none(owner: Owner, releases: Releases, tmp_path: Path, old: bool) -> None:
    news(releases, "v0.2.0")
    owner.variables = with_programs(tmp_path, UV)
    if old:
        program = tmp_path / "programs" / "copier"
        program.write_text("#!/bin/sh\necho copier 9.4.1\n")
        program.chmod(0o755)
    done = owner.update()
    assert done.returncode == 0, done.stderr
    assert "Updating from v0.1.0 to v0.2.0 of the template" in done.stdout


def test_without_uv_one_is_fetched_for_the_moment(owner: Owner, releases: Releases, tmp_path: Path) -> None:
    news(releases, "v0.2.0")
    owner.variables = with_programs(tmp_path)
    assert shutil.which("uv", path=owner.variables["PATH"]) is None
    done = owner.update()
    assert done.returncode == 0, done.stderr
    assert not (owner.path / ".venv").exists()
    assert owner.status() == ["M .copier-answers.yml", "?? NEWS.md"]


def test_a_terminal_is_asked_only_what_is_new(owner: Owner, releases: Releases) -> None:
    question = "colour:\n  type: str\n  help: Which colour?\n  default: green\n  choices: [green, red]\n\n"
    releases.replace("copier.yml", "docker:\n  type: bool", f"{question}docker:\n  type: bool")
    releases.tag("v0.2.0")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["/usr/bin/make", "update"],
        cwd=owner.path,
        env=owner.variables | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as make:
        os.close(theirs)
        said = b""
        answered = False
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if b"Which colour?" in said and not answered:
                answered = True
                time.sleep(0.5)
                os.write(ours, b"\x1b[B\r")  # one down, and take it
    os.close(ours)
    assert make.returncode == 0, said.decode()
    assert b"Updating from v0.1.0 to v0.2.0 of the template" in said
    assert "colour: red\n" in owner.answers()
    assert b"What is the service called?" not in said


def test_a_template_without_releases(releases: Releases, tmp_path: Path) -> None:
    git("tag", "--delete", "v0.1.0", cwd=releases.path)
    owner = begin(releases, tmp_path)
    assert "has all of the template's HEAD." in owner.update().stdout
    owner.is_refused("The template has no v1 to update to. Its newest releases: none.", "VERSION=v1")
    releases.write("template/NEWS.md", "news\n")
    commit(releases.path, "Go on")
    assert owner.update().returncode == 0
    assert owner.status() == ["M .copier-answers.yml", "?? NEWS.md"]
    commit(owner.path, "Update")
    news(releases, "v0.2.0")
    assert owner.update().returncode == 0
    assert "_commit: v0.2.0\n" in owner.answers()


def test_a_project_made_past_the_newest_release(releases: Releases, tmp_path: Path) -> None:
    releases.write("template/NEWS.md", "news\n")
    commit(releases.path, "Go on")
    owner = begin(releases, tmp_path)
    assert re.search("at v0.1.0-1-g[0-9a-f]+, has all of the template's v0.1.0.", owner.update().stdout)
    plain = owner.copier("update", "--trust", "--defaults")
    assert plain.returncode == 1
    assert "You are downgrading" in plain.stderr
    assert owner.status() == []
    done = owner.update("ARGS=-d ci=none")
    assert done.returncode == 0, done.stderr
    assert "ci: none\n" in owner.answers()
    assert re.search("^_commit: v0.1.0-1-g", owner.answers(), re.MULTILINE)
    commit(owner.path, "Change an answer")
    news(releases, "v0.2.0")
    assert owner.update().returncode == 0
    assert "_commit: v0.2.0\n" in owner.answers()


def test_a_project_made_from_uncommitted_changes(releases: Releases, tmp_path: Path) -> None:
    releases.write("template/NEWS.md", "news\n")
    with pytest.warns(DirtyLocalWarning):
        owner = begin(releases, tmp_path)
    news(releases, "v0.2.0")
    said = owner.is_refused(
        "The template has no v0.1.0-1-g.*the project was made from changes that were never committed"
    )
    assert "Write the closest release as _commit, and commit that." in said
    plain = owner.copier("update", "--trust", "--defaults")
    assert "ValueError: Unknown revision" in plain.stderr
    owner.answer("^_commit: .*", "_commit: v0.1.0")
    assert owner.update().returncode == 2, "both brought the file"
    assert owner.status() == ["M .copier-answers.yml", "UU NEWS.md"]
    assert "_commit: v0.2.0\n" in owner.answers()


def test_a_template_that_moved(owner: Owner, releases: Releases, tmp_path: Path) -> None:
    news(releases, "v0.2.0")
    releases.path.rename(tmp_path / "moved")
    owner.is_refused("If the template has moved, change _src_path in .copier-answers.yml, and commit that.")
    owner.answer("^_src_path: .*", "_src_path: ../moved")
    assert owner.update().returncode == 0
    assert owner.status() == ["M .copier-answers.yml", "?? NEWS.md"]


def test_a_project_in_a_folder_of_a_repository(releases: Releases, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    path = render(releases.path, repository / "service", database="sqlite")
    git("init", "--quiet", cwd=repository)
    (repository / "other.txt").write_text("ours\n")
    commit(repository, "Start")
    (repository / "other.txt").write_text("not committed\n")
    owner = Owner(path, with_programs(tmp_path, COPIER))
    releases.write("template/zzz.txt.jinja", "{{ misspelt }}\n")
    news(releases, "v0.2.0")
    owner.is_refused("'misspelt' is undefined. Nothing was changed.")
    assert git("status", "--porcelain", cwd=repository) == "M other.txt"
    releases.write("template/zzz.txt.jinja", "")
    news(releases, "v0.2.1")
    assert owner.update().returncode == 0
    assert (path / "NEWS.md").read_text() == "v0.2.1\n"
    assert (repository / "other.txt").read_text() == "not committed\n"


# What Copier's own commands do, as docs/updating.md says.


def test_copier_without_trust_exits_4_and_writes_nothing(owner: Owner, releases: Releases) -> None:
    news(releases, "v0.2.0")
    before = state(owner.path)
    for options in ([], ["--skip-tasks"]):
        done = owner.copier("update", "--defaults", *options)
        assert done.returncode == 4
        assert "--trust" in done.stderr
        assert state(owner.path) == before


def test_copiers_settings_can_trust_the_template(owner: Owner, releases: Releases) -> None:
    news(releases, "v0.2.0")
    settings = Path(owner.variables["HOME"], ".config", "copier", "settings.yml")
    settings.parent.mkdir(parents=True)
    settings.write_text(f"trust:\n  - {releases.path}\n")
    done = owner.copier("update", "--defaults")
    assert done.returncode == 0, done.stderr
    assert owner.status() == ["M .copier-answers.yml", "?? NEWS.md"]


def test_copier_tells_whether_there_is_a_release(owner: Owner, releases: Releases) -> None:
    done = owner.copier("check-update")
    assert (done.returncode, done.stdout) == (0, "Project is up-to-date!\n")
    assert owner.copier("check-update", "--quiet").returncode == 0
    releases.tag("v0.2.0")
    done = owner.copier("check-update")
    assert done.returncode == 0
    assert "Current version is 0.1.0, latest version is 0.2.0." in done.stdout
    assert owner.copier("check-update", "--quiet").returncode == 2
    assert owner.status() == []


def test_an_update_that_skips_tasks_writes_its_migration(aged: Owner, releases: Releases) -> None:
    releases.add_column()
    releases.tag("v0.2.0")
    done = aged.copier("update", "--trust", "--defaults", "--skip-tasks")
    assert done.returncode == 0, done.stderr
    assert [line for line in aged.status() if "alembic/versions" in line] != []


def test_recopy_leaves_the_migrations_and_says_so(aged: Owner, releases: Releases) -> None:
    releases.add_column()
    releases.tag("v0.2.0")
    revisions = sorted(aged.path.glob("alembic/versions/*"))
    done = aged.copier("recopy", "--trust", "--defaults", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert "The migrations stay as they are. See git diff; if the models changed, make db-migrate" in done.stdout
    assert sorted(aged.path.glob("alembic/versions/*")) == revisions
    assert " M src/my_service/models/user.py" in aged.status()


def test_a_project_copied_without_trust_is_updated_as_any_other(
    releases: Releases, tmp_path: Path, environment_for: Callable[[Path], Path]
) -> None:
    owner = Owner(tmp_path, with_programs(tmp_path, COPIER))
    done = owner.copier("copy", "--defaults", "--skip-tasks", "-d", "database=sqlite", str(releases.path), "project")
    assert done.returncode == 0, done.stderr
    owner.path = tmp_path / "project"
    variables = clean_environment(tmp_path / "home", PYTHONPATH=str(owner.path / "src"))
    set_up(Project(owner.path, environment_for(owner.path), variables))
    git("init", "--quiet", cwd=owner.path)
    commit(owner.path, "Start from the template")
    releases.add_column()
    releases.tag("v0.2.0")
    done = owner.update()
    assert done.returncode == 0, done.stderr
    assert [line for line in owner.status() if "alembic/versions" in line] != []
