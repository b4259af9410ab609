"""Settings, read from the environment and from .env. Every one is explained in .env.example."""

from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict
from sqlalchemy import URL

from .dialect import DialectSettings
from .urls import DatabaseURL, parse_url, same_database


class Settings(DialectSettings):
    """The service's settings, each under its name in the environment."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        # What was given may be a secret: no error message repeats it.
        hide_input_in_errors=True,
        validate_assignment=True,
    )

    ENVIRONMENT: Literal["development", "testing", "production"] = "development"
    DEBUG: bool = False

    # repr=False: a URL carries a password.
    DATABASE_URL: DatabaseURL | None = Field(default=None, repr=False)
    TEST_DATABASE_URL: DatabaseURL | None = Field(default=None, repr=False)

    DATABASE_POOL_SIZE: int = Field(default=20, ge=1)
    DATABASE_MAX_OVERFLOW: int = Field(default=0, ge=0)
    DATABASE_POOL_TIMEOUT: float = Field(default=10, gt=0)
    DATABASE_POOL_RECYCLE: int = Field(default=3600, ge=-1)
    SLOW_QUERY_THRESHOLD: float = Field(default=0.1, ge=0)
    READINESS_TIMEOUT: float = Field(default=2, gt=0)
    MAX_BODY_SIZE: int = Field(default=1_048_576, ge=0)

    @property
    def database_url(self) -> str:
        """The URL of the database, with its driver and its password."""
        return self.DATABASE_URL or _reveal(self.default_url())

    @property
    def test_database_url(self) -> str:
        """The URL of the database that the tests may empty.

        Raises:
            ValueError: it is the same database as `database_url`.
        """
        used = parse_url(self.database_url)
        test = parse_url(self.TEST_DATABASE_URL) if self.TEST_DATABASE_URL else self.sibling_url(used, "_test")
        if same_database(used, test):
            raise ValueError(
                f"TEST_DATABASE_URL ({test}) and DATABASE_URL ({used}) name the same database, and tests"
                " delete what they find: give TEST_DATABASE_URL a database of its own"
            )
        return _reveal(test)

    def problems(self) -> list[str]:
        """Return why the service must not start with these settings, all at once."""
        production = self.ENVIRONMENT == "production"
        found = list(self.database_problems(parse_url(self.database_url), production))
        if production and self.DEBUG:
            found.append("DEBUG is on, which logs the values that statements write: set DEBUG=false")
        return found


def _reveal(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def load() -> Settings:
    """Read the settings.

    Raises:
        SystemExit: a setting is wrong; the message names each one, and repeats no value.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise SystemExit("\n".join(["These settings (environment or .env) are wrong:", *problems])) from None


settings = load()
