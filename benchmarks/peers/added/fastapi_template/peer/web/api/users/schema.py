"""After dummy/schema.py."""

from datetime import datetime

from peer.web.api.posts.schema import PostModelDTO
from pydantic import BaseModel, ConfigDict


class UserModelDTO(BaseModel):
    """DTO for user models."""

    id: int
    email: str
    username: str
    full_name: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(from_attributes=True)


class UserModelWithPostsDTO(UserModelDTO):
    """DTO for user models with their posts."""

    posts: list[PostModelDTO]
