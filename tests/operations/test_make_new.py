"""`make new` and `make test` of the README, what `make new` says to wrong input, and `make test-latest`."""

import ast
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from ..harness import ROOT, clean_environment, commit, copy_work_tree, git, grouped, installed


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh clone; its environment is this one's, so that each test need not make it."""
    origin = tmp_path_factory.mktemp("origin") / "template"
    origin.mkdir()
    copy_work_tree(origin)
    clone = tmp_path_factory.mktemp("clone") / "template"
    git("clone", "--quiet", str(origin), str(clone), cwd=origin)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    os.utime(ROOT / ".venv" / ".ready")
    (clone / ".git" / "info" / "exclude").write_text(".venv\n")
    return clone


def make_new(
    clone: Path, tmp_path: Path, destination: str, arguments: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `make new` without a terminal."""
    words = ["make", "new", f"DEST={destination}", f"ARGS={arguments}", *(f"{k}={v}" for k, v in variables.items())]
    environment = clean_environment(tmp_path / "home")
    return subprocess.run(
        words, cwd=clone, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("destination", "arguments", "sentence"),
    [
        ("", "", "Say where the project goes: make new DEST=../my-service"),
        ("inside", "", "is inside the template"),
        ("{full}", "", "exists and is not empty"),
        ("{new}", "-d databse=sqlite", "there is no question databse; there are project_name, package_name"),
        ("{new}", "-d reserved_names=x", "there is no question reserved_names"),
        ("{new}", "-d database", "write it as name=value"),
        ("{new}", "-d database=mysql", "choose one of postgresql, sqlite"),
        ("{new}", "-d docker=perhaps", "answer yes or no"),
        ("{new}", "-d python_version=3.8", "choose one of 3.11, 3.12, 3.13, 3.14"),
        ("{new}", "-d mixins=[title,tags]", "tags is not one of title, description, slug"),
        ("{new}", "-d package_name=json", "Type another name, for example json_service"),
        ("{new}", "-d 'project_name= x'", "without spaces at its ends"),
        ("{new}", "--colour", "unrecognized arguments: --colour"),
    ],
)
def test_wrong_input_gets_one_sentence(
    clone: Path, tmp_path: Path, destination: str, arguments: str, sentence: str
) -> None:
    full, new = tmp_path / "full", tmp_path / "new"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    done = make_new(clone, tmp_path, destination.format(full=full, new=new), arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not new.exists()
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    assert git("status", "--porcelain", cwd=clone) == ""


def test_answers_are_taken(clone: Path, tmp_path: Path) -> None:
    arguments = "-d database=sqlite -d 'project_name=Ünï \"Shop\"' -d mixins=[slug,title] -d example_models=none"
    done = make_new(clone, tmp_path, str(tmp_path / "new"), arguments)
    assert done.returncode == 0, done.stderr
    assert "downgrading" not in done.stderr + done.stdout
    answers = (tmp_path / "new" / ".copier-answers.yml").read_text()
    assert f"_src_path: {clone}\n" in answers
    assert "database: sqlite" in answers
    assert "mixins:\n- title\n- slug\n" in answers
    assert (tmp_path / "new" / "alembic/versions/0001_initial_schema.py").exists()


def test_the_folder_suggests_the_name(clone: Path, tmp_path: Path) -> None:
    done = make_new(clone, tmp_path, str(tmp_path / "web_shop-api"), "-d database=sqlite -d example_models=none")
    assert done.returncode == 0, done.stderr
    answers = (tmp_path / "web_shop-api" / ".copier-answers.yml").read_text()
    assert "project_name: Web Shop Api\n" in answers
    assert "package_name: web_shop_api\n" in answers


def test_a_dirty_clone_is_refused_unless_told(clone: Path, tmp_path: Path) -> None:
    (clone / "template" / "NEW").write_text("new\n")
    try:
        refused = make_new(clone, tmp_path, str(tmp_path / "new"), "-d database=sqlite")
        assert refused.returncode != 0
        assert "could never be updated: commit them, or say DIRTY=1" in refused.stderr
        assert not (tmp_path / "new").exists()
        done = make_new(clone, tmp_path, str(tmp_path / "new"), "-d database=sqlite", DIRTY="1")
        assert done.returncode == 0, done.stderr
        assert "this project cannot be updated" in done.stdout
        assert (tmp_path / "new" / "NEW").exists()
    finally:
        (clone / "template" / "NEW").unlink()


def test_past_the_newest_release_it_says_so(clone: Path, tmp_path: Path) -> None:
    (clone / "LATER.md").write_text("later\n")
    commit(clone, "Later")
    try:
        done = make_new(clone, tmp_path, str(tmp_path / "new"), "-d database=sqlite")
        assert done.returncode == 0, done.stderr
        assert "past its newest release, v0.0.1: updates of the project start with the next one" in done.stdout
    finally:
        git("reset", "--quiet", "--hard", "HEAD~1", cwd=clone)


@pytest.fixture
def bare_clone(tmp_path: Path) -> Path:
    """Return a fresh clone without an environment."""
    origin = tmp_path / "origin"
    origin.mkdir()
    copy_work_tree(origin)
    git("clone", "--quiet", str(origin), str(tmp_path / "template"), cwd=tmp_path)
    return tmp_path / "template"


@pytest.mark.parametrize("moment", ["Installing Copier in .venv ...", "Installing the packages in .venv ..."])
def test_interrupt_gets_a_sentence(bare_clone: Path, tmp_path: Path, moment: str) -> None:
    making = subprocess.Popen(
        ["make", "new", "DEST=../new"],  # noqa: S607
        cwd=bare_clone,
        env=clean_environment(tmp_path / "home"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert making.stdout is not None
    said = b""
    while not said.endswith(moment.encode()):
        said += making.stdout.read(1)
        assert making.poll() is None, making.communicate()
    os.killpg(making.pid, signal.SIGINT)
    errors = making.communicate(timeout=60)[1].decode()
    assert making.returncode != 0
    assert "Interrupted. To go on, run" in errors
    assert "Traceback" not in errors


def test_without_a_network_it_says_so(bare_clone: Path, tmp_path: Path) -> None:
    offline = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    done = make_new(bare_clone, tmp_path, "../new", PIP_NO_INDEX="1", UV_CACHE_DIR=str(tmp_path / "cache"), **offline)
    assert done.returncode != 0
    assert "Is the network there? Run the same command again once it is." in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()


def test_older_python_is_told_which_one_to_use(bare_clone: Path, tmp_path: Path) -> None:
    program = bare_clone / "scripts" / "environment.py"
    ast.parse(program.read_text(), feature_version=(3, 6))
    program.write_text(program.read_text().replace(">= (3, 11)", ">= (3, 99)"))
    done = make_new(bare_clone, tmp_path, "../new")
    assert done.returncode != 0
    assert "the template needs 3.11 or newer. Name another one, such as `make new PYTHON=python3.11`" in done.stderr
    assert not (bare_clone / ".venv").exists()


def test_the_readmes_commands_on_a_machine_with_nothing(bare_clone: Path, tmp_path: Path) -> None:
    """From a clone without an environment: `make new`, then `make test` in the project, and some of `make newest`."""
    clone = bare_clone
    readme = (clone / "README.md").read_text()
    assert "make new DEST=../my-service" in readme
    assert "make test" in readme
    environment = clean_environment(tmp_path / "home")

    def run(*words: str, cwd: Path) -> str:
        done = subprocess.run(
            words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    run("make", "new", "DEST=../my-service", cwd=clone)
    project = tmp_path / "my-service"
    assert installed(clone / ".venv") >= {"copier", "uv"}
    assert installed(clone / ".venv").isdisjoint(grouped(clone / "pyproject.toml", "dev") - {"pyyaml", "uv"})
    assert installed(project / ".venv").isdisjoint(grouped(project / "pyproject.toml", "dev", "embedded"))
    assert "\nuv = " in (project / ".venv/pyvenv.cfg").read_text(), "the clone's uv has made it"
    assert " passed" in run("make", "test", cwd=project)
    assert "no issues found" in run("make", "lint", cwd=project)

    # Something has a newer release than when the environment was made, something else one that no project may have.
    run(str(clone / ".venv/bin/uv"), "lock", "--upgrade-package", "idna==3.10", cwd=clone)
    pyproject = clone / "template" / "pyproject.toml.jinja"
    pyproject.write_text(pyproject.read_text().replace('"httpx>=0.28"', '"httpx>=0.28,<0.28.1"'))
    some = "suggested_package_name or (variant_passes and sqlite and explicit and no_mixins-none)"
    said = run("make", "test-latest", f"ARGS=-k '{some}'", cwd=clone)
    assert "Updated idna v3.10 -> v" in said
    assert re.search(r"^Newer than a requirement allows:.* httpx \S+ \(used: 0\.28\.0\)", said, re.MULTILINE)
    assert "12 passed" in said
    assert re.search(r"^The generated projects used: aiosqlite==[^:]*\bhttpx==0\.28\.0,", said, re.MULTILINE)
