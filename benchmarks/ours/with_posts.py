"""A list of users, each with the posts."""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from ..core.pages import paged
from ..models.user import User
from ..schemas.base import Page
from ..schemas.post import PostRead
from ..schemas.user import UserRead
from .dependencies import ReadDB
from .parameters import Cursor, Limit, Skip

router = APIRouter(prefix="/users-with-posts", tags=["users"])

USERS = select(User).options(selectinload(User.posts)).where(User.deleted_at.is_(None))


class UserWithPosts(UserRead):
    """A user, with the posts."""

    posts: list[PostRead]


@router.get("", response_model=Page[UserWithPosts])
async def list_users_with_posts(
    db: ReadDB, skip: Skip = 0, limit: Limit = 100, cursor: Cursor = None
) -> Page[UserWithPosts]:
    """List users, newest first."""
    users = await db.scalars(paged(USERS, User, skip=skip, limit=limit + 1, cursor=cursor))
    return Page[UserWithPosts].of(users.all(), limit)
