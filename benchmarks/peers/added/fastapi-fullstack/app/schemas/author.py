"""After item.py."""

from app.schemas.base import BaseSchema, TimestampSchema
from app.schemas.post import PostRead


class AuthorRead(BaseSchema, TimestampSchema):
    """Response shape for ``GET /authors/{id}`` and inside ``AuthorList``."""

    id: int
    email: str
    username: str
    full_name: str | None
    is_active: bool


class AuthorList(BaseSchema):
    """Paginated list response."""

    items: list[AuthorRead]
    total: int


class AuthorWithPostsRead(AuthorRead):
    """Response shape inside ``AuthorWithPostsList``."""

    posts: list[PostRead]


class AuthorWithPostsList(BaseSchema):
    """Paginated list response, with posts."""

    items: list[AuthorWithPostsRead]
    total: int
