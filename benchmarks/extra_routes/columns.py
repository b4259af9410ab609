"""Users and their posts as dicts of columns, as docs/database.md recommends for hot paths."""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter, HTTPException, status
from sqlalchemy import bindparam, select

from ..core.pagination import cursor_of, paginate
from ..models.post import Post
from ..models.user import User
from ..schemas.base import Page
from ..schemas.post import PostRead
from ..schemas.user import UserRead
from .dependencies import Cursor, Limit, ReadDB, RowId, Skip
from .errors import NOT_FOUND
from .with_posts import UserWithPosts

router = APIRouter(tags=["users"])

USER = select(*(getattr(User, name) for name in UserRead.model_fields))
LIVE = USER.where(User.deleted_at.is_(None))
POSTS = select(*(getattr(Post, name) for name in PostRead.model_fields)).where(
    Post.author_id.in_(bindparam("authors", expanding=True)), Post.deleted_at.is_(None)
)
BY_ID = USER.where(User.id == bindparam("id"), User.deleted_at.is_(None))


@router.get("/users/{user_id}/columns", response_model=UserRead, responses=NOT_FOUND)
async def get_user_columns(user_id: RowId, db: ReadDB) -> dict[str, Any]:
    """Get one user."""
    users = await db.fetch_dicts(BY_ID, {"id": user_id})
    if not users:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"User {user_id} not found")
    return users[0]


@router.get("/users-with-posts/columns", response_model=Page[UserWithPosts])
async def list_users_with_posts_columns(
    db: ReadDB, skip: Skip = 0, limit: Limit = 100, cursor: Cursor = None
) -> Page[UserWithPosts]:
    """List users, newest first."""
    users = await db.fetch_dicts(paginate(LIVE, User, skip=skip, limit=limit + 1, cursor=cursor))
    of = defaultdict[int, list[dict[str, Any]]](list)
    for post in await db.fetch_dicts(POSTS, {"authors": [user["id"] for user in users]}):
        of[post["author_id"]].append(post)
    items = [{**user, "posts": of[user["id"]]} for user in users[:limit]]
    following = cursor_of(SimpleNamespace(**items[-1])) if len(users) > limit else None
    return Page[UserWithPosts].model_validate({"items": items, "next": following})
