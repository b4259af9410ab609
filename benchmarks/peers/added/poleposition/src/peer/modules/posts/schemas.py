"""As generated, with our fields; PolePosition's own `deleted_at` is not among them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class PostsCreate(BaseModel):
    title: str = Field(min_length=1, max_length=255)
    content: str = Field(min_length=1, max_length=100_000)
    author_id: int


class PostsRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    slug: str | None
    description: str | None
    content: str
    author_id: int
    created_at: datetime
    updated_at: datetime
