"""Where settings come from, and what an invalid one says."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from my_service.core.config import Settings, settings
from my_service.db.engine import BACKENDS
from my_service.db.url import parse_url, same_database
from my_service.main import app, lifespan

SEVERAL = "host=a%2Cb&port=1%2C2&target_session_attrs=primary"
FORMS = {
    "postgresql": [
        ("postgresql+asyncpg://u:p@host:5432/app", "postgresql+asyncpg://u:p@host:5432/app"),
        ("postgresql://u:p@host/app", "postgresql+asyncpg://u:p@host/app"),
        ("postgres://u:p@host/app", "postgresql+asyncpg://u:p@host/app"),
        ("postgres://u:p@host/app?ssl=require", "postgresql+asyncpg://u:p@host/app?sslmode=require"),
        ("postgres://u@host/app?password=p", "postgresql+asyncpg://u:p@host/app"),
        ("postgresql://u:p%40%2F%3A%25@host/app", "postgresql+asyncpg://u:p%40%2F%3A%25@host/app"),
        ("postgres://u:p@a/app?target_session_attrs=any", "postgresql+asyncpg://u:p@a/app"),
        ("postgres://a/app?target_session_attrs=read-write", "postgresql+asyncpg://a/app?target_session_attrs=primary"),
        ("postgres://a/app?channel_binding=prefer&gssencmode=disable", "postgresql+asyncpg://a/app"),
        *[
            (f"postgres://u:p@{several}", f"postgresql+asyncpg://u:p@/app?{SEVERAL}")
            for several in (
                "a:1,b:2/app",
                "/app?host=a:1,b:2",
                "/app?host=a:1&host=b:2",
                "/app?host=a,b&port=1,2",
                "/app?host=a&host=b&port=1&port=2&target_session_attrs=read-write",
            )
        ],
        (
            "postgres://[::1]:1,[::2]:2/app",
            f"postgresql+asyncpg:///app?{SEVERAL.replace('a%2Cb', '%3A%3A1%2C%3A%3A2')}",
        ),
        ("postgres://a,b:2/app", f"postgresql+asyncpg:///app?{SEVERAL.replace('1%2C2', '5432%2C2')}"),
    ],
    "sqlite": [
        ("sqlite:///./app.db", "sqlite+aiosqlite:///./app.db"),
        ("sqlite+aiosqlite:///./app.db", "sqlite+aiosqlite:///./app.db"),
    ],
}
REFUSED = {
    "postgresql": [
        ("postgresql://u:hidden@host:port/app", "must look like"),
        ("postgresql://u:hidden@host", "names no database"),
        ("postgresql://u:hidden@host?ssl=disable", "names no database"),
        ("postgresql://u:hidden@/?host=/run/postgresql", "names no database"),
        (
            "postgresql://u:hidden@host/app?sslmode=require&channel_binding=require",
            "channel_binding, which asyncpg does not",
        ),
        ("postgresql://u:hidden@host/app?service=x&gssencmode=require", r"does not take: gssencmode, service\. Remove"),
        ("postgresql://u:hidden@host/app?sslmode=on", "an sslmode other than disable"),
        ("postgresql://u:hidden@host/app?sslrootcert=missing.pem", "names a file in sslrootcert that does not exist"),
        ("postgresql://u:hidden@host/app?target_session_attrs=standby", "but the service writes"),
        ("postgresql://u:hidden@host/app?connect_timeout=soon", "connect_timeout that is not a whole number"),
        ("postgresql://u:hidden@a,/app", "an empty name of a host"),
        ("postgresql://u:hidden@host/app?options=a&options=b", "has options more than once"),
        ("postgresql://u:hidden@a,b,c/app?port=1,2", "has 2 ports for 3 hosts"),
        ("postgresql://u:hidden@a:1,b:99999/app", "a port that is not a number"),
        ("postgresql://u:hidden@a:1,b:two/app", "a port that is not a number"),
    ],
    "sqlite": [
        ("sqlite://", "names no file"),
        ("sqlite://hidden.db", "names no file"),
        ("sqlite:///file:hidden", "holds a file: URL"),
        ("sqlite:///hidden.db?uri=true&mode=ro", "parameters that are not used: mode, uri"),
        ("sqlite://localhost/hidden.db", "names a host"),
    ],
}
SAME = {
    "postgresql": [
        ("postgresql://u:hidden@localhost/app", "postgresql+asyncpg://other@127.0.0.1:5432/app"),
        ("postgresql://localhost/app", "postgres://127.0.0.1:5432/app"),
        ("postgresql://a@/app?host=/run/pg", "postgresql://b@/app?host=/run/pg"),
        ("postgresql://a@/app?host=127.0.0.1:1&host=127.0.0.1:2", "postgresql://b@127.0.0.1:1/app"),
        ("postgresql://b:2,a:1/app", "postgresql://a:1,c:3/app"),
    ],
    "sqlite": [("sqlite:///./app.db", "sqlite+aiosqlite:///app.db")],
}
DIFFERENT = {
    "postgresql": [
        ("postgresql://localhost/app", "postgresql://localhost/app_test"),
        ("postgresql://localhost/app", "postgresql://localhost:5433/app"),
        ("postgresql://one/app", "postgresql://other/app"),
        ("postgresql://a:1,b:2/app", "postgresql://a:2,b:1/app"),
    ],
    "sqlite": [("sqlite:///app.db", "sqlite:///app_test.db")],
}
OTHER = {"postgresql": "sqlite:///hidden.db", "sqlite": "postgresql://u:hidden@host/app"}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the settings from the environment, and leave a folder without .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_development() -> None:
    settings = Settings()
    assert settings.ENVIRONMENT == "development"
    assert settings.DEBUG is False
    assert "my_service" in settings.database_url
    assert "my_service_test" in settings.test_database_url


@pytest.mark.parametrize(("given", "used"), [form for kind in BACKENDS for form in FORMS[kind]])
def test_database_url_is_read_with_its_async_driver(monkeypatch: pytest.MonkeyPatch, given: str, used: str) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert Settings().database_url == used


@pytest.mark.parametrize("name", ["DATABASE_URL", "TEST_DATABASE_URL"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        *[(given, "must look like") for given in ("mysql://u:hidden@host/app", "hidden", "://")],
        *[refused for kind in BACKENDS for refused in REFUSED[kind]],
        *[(OTHER[kind], f"generated for {kind}\\.") for kind in BACKENDS if len(BACKENDS) == 1],
    ],
)
def test_invalid_url_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, name: str, given: str, message: str) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(ValidationError, match=f"{name}\\n.*{message}") as error:
        Settings()
    assert "hidden" not in str(error.value)


def test_error_names_only_the_databases_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "hidden")
    with pytest.raises(ValidationError) as error:
        Settings()
    assert {kind for kind in OTHER if kind in str(error.value)} == set(BACKENDS)


def test_service_reports_every_invalid_setting_without_a_traceback() -> None:
    started = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import my_service.main"],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PYTHONPATH": str(Path(__file__).parent.parent.parent / "src"),
            "DATABASE_URL": "mysql://u:hidden@host/app",
            "DATABASE_POOL_SIZE": "none",
        },
    )
    assert started.returncode == 1
    assert "DATABASE_URL: Value error, must look like" in started.stderr
    assert "DATABASE_POOL_SIZE: " in started.stderr
    assert "Traceback" not in started.stderr
    assert "hidden" not in started.stderr


async def test_production_does_not_start_with_unsafe_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", "production")
    monkeypatch.setattr(settings, "DEBUG", True)
    with pytest.raises(RuntimeError, match=r"does not start with ENVIRONMENT=production:(\n.*)*DEBUG is on"):
        async with lifespan(app):
            pass


def test_env_file_is_read_and_unknown_keys_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_POOL_TIMEOUT=3\nSOMETHING_ELSE=1\nDEBUG=true\n")
    settings = Settings()
    assert settings.DATABASE_POOL_TIMEOUT == 3
    assert settings.DEBUG is True


def test_environment_overrides_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_POOL_SIZE=3\n")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "4")
    assert Settings().DATABASE_POOL_SIZE == 4


@pytest.mark.parametrize(
    ("used", "test"),
    [pair for kind in BACKENDS for pair in SAME[kind][:1]],
)
def test_test_database_must_not_be_the_one_in_use(monkeypatch: pytest.MonkeyPatch, used: str, test: str) -> None:
    monkeypatch.setenv("DATABASE_URL", used)
    monkeypatch.setenv("TEST_DATABASE_URL", test)
    with pytest.raises(ValueError, match=r"TEST_DATABASE_URL .*app.* and DATABASE_URL .*app.* same") as error:
        _ = Settings().test_database_url
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(*pair, True) for kind in BACKENDS for pair in SAME[kind]]
    + [(*pair, False) for kind in BACKENDS for pair in DIFFERENT[kind]]
    + [("sqlite:///app.db", "postgresql://localhost/app", False)] * (len(BACKENDS) == 2),
)
def test_same_database_is_recognised_in_other_words(one: str, other: str, same: bool) -> None:
    assert same_database(parse_url(one), parse_url(other)) is same


def test_password_of_a_url_is_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"postgresql": "postgresql://u:hidden@host/app", "sqlite": "sqlite:///hidden.db"}
    monkeypatch.setenv("DATABASE_URL", given[next(iter(BACKENDS))])
    assert "hidden" not in repr(Settings())
    assert "hidden" in Settings().database_url
