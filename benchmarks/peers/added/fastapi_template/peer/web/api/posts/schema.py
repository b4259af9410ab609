"""After dummy/schema.py."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class PostModelDTO(BaseModel):
    """DTO for post models."""

    id: int
    title: str
    slug: str | None
    description: str | None
    content: str
    author_id: int
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(from_attributes=True)


class PostModelInputDTO(BaseModel):
    """DTO for creating new post model."""

    title: str
    content: str
    author_id: int
