"""After item.py."""

from app.schemas.base import BaseSchema, TimestampSchema
from pydantic import Field


class PostBase(BaseSchema):
    """Shared fields between create / read."""

    title: str = Field(min_length=1, max_length=255)
    content: str = Field(min_length=1, max_length=100_000)
    author_id: int


class PostCreate(PostBase):
    """Payload for ``POST /posts``."""


class PostRead(PostBase, TimestampSchema):
    """Response shape for ``POST /posts``."""

    id: int
    slug: str | None
    description: str | None
