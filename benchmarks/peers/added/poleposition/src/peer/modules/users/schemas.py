"""As generated, with our fields; PolePosition's own `deleted_at` is not among them."""

from datetime import datetime

from peer.modules.posts.schemas import PostsRead
from pydantic import BaseModel, ConfigDict


class UsersRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    username: str
    full_name: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class UsersWithPostsRead(UsersRead):
    posts: list[PostsRead]


class UsersPage(BaseModel):
    items: list[UsersRead]
    total: int
    limit: int
    offset: int


class UsersWithPostsPage(BaseModel):
    items: list[UsersWithPostsRead]
    total: int
    limit: int
    offset: int
