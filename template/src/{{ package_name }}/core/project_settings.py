"""Settings of your own. Template updates never change this file."""

from pydantic_settings import BaseSettings


class ProjectSettings(BaseSettings):
    """Add settings here, and document each in .env.example: `STRIPE_KEY: SecretStr`, for example."""

    def production_errors(self) -> list[str]:
        """Return every reason why the service must not start in production, for example a missing key."""
        return []
