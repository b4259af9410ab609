"""What docs/database.md says of hot paths, for users and their posts: columns from a connection."""

from collections import defaultdict
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row, bindparam, select

from ..core.database import read_engine
from ..core.pages import paged
from ..models.post import Post
from ..models.user import User
from ..schemas.base import Page
from ..schemas.post import PostRead
from ..schemas.user import UserRead
from .parameters import Cursor, Key, Limit, Skip
from .responses import NOT_FOUND
from .users import _found
from .with_posts import UserWithPosts

router = APIRouter(tags=["users"])

USER = select(*(getattr(User, name) for name in UserRead.model_fields))
LIVE = USER.where(User.deleted_at.is_(None))
POSTS = select(*(getattr(Post, name) for name in PostRead.model_fields)).where(
    Post.author_id.in_(bindparam("authors", expanding=True)), Post.deleted_at.is_(None)
)
BY_ID = USER.where(User.id == bindparam("id"), User.deleted_at.is_(None))


@router.get("/users/{user_id}/columns", response_model=UserRead, responses=NOT_FOUND)
async def get_user_columns(user_id: Key) -> Row[Any]:
    """Get one user."""
    async with read_engine.connect() as connection:
        user = (await connection.execute(BY_ID, {"id": user_id})).one_or_none()
    return _found(user, user_id)


@router.get("/users-with-posts/columns", response_model=Page[UserWithPosts])
async def list_users_with_posts_columns(
    skip: Skip = 0, limit: Limit = 100, cursor: Cursor = None
) -> Page[UserWithPosts]:
    """List users, newest first."""
    async with read_engine.connect() as connection:
        users = await connection.execute(paged(LIVE, User, skip=skip, limit=limit + 1, cursor=cursor))
        # Dictionaries are validated three times as fast as rows.
        page = [dict(zip(UserRead.model_fields, user, strict=True)) for user in users]
        posts = await connection.execute(POSTS, {"authors": [user["id"] for user in page]})
    of = defaultdict[int, list[dict[str, Any]]](list)
    for post in posts:
        of[post.author_id].append(dict(zip(PostRead.model_fields, post, strict=True)))
    return Page[UserWithPosts].of([{**user, "posts": of[user["id"]]} for user in page], limit)
