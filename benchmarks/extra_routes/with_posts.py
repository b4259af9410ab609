"""A list of users, each with their posts."""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from ..core.pagination import paginate
from ..models.post import Post
from ..models.user import User
from ..schemas.base import Page
from ..schemas.post import PostRead
from ..schemas.user import UserRead
from .dependencies import Cursor, Limit, ReadDB, Skip

router = APIRouter(prefix="/users-with-posts", tags=["users"])

LIVE = select(User).where(User.deleted_at.is_(None))
USERS = LIVE.options(selectinload(User.posts))


class UserWithPosts(UserRead):
    """A user with their posts."""

    posts: list[PostRead]


@router.get("", response_model=Page[UserWithPosts])
async def list_users_with_posts(
    db: ReadDB, skip: Skip = 0, limit: Limit = 100, cursor: Cursor = None
) -> Page[UserWithPosts]:
    """List users, newest first."""
    users = await db.scalars(paginate(USERS, User, skip=skip, limit=limit + 1, cursor=cursor))
    return Page[UserWithPosts].from_rows(users.all(), limit)


@router.get("/naive", response_model=Page[UserWithPosts])
async def list_users_one_by_one(
    db: ReadDB, skip: Skip = 0, limit: Limit = 100, cursor: Cursor = None
) -> Page[UserWithPosts]:
    """List users, newest first, with one query for the posts of each user."""
    users = (await db.scalars(paginate(LIVE, User, skip=skip, limit=limit + 1, cursor=cursor))).all()
    for user in users:
        posts = await db.scalars(select(Post).where(Post.author_id == user.id, Post.deleted_at.is_(None)))
        set_committed_value(user, "posts", posts.all())
    return Page[UserWithPosts].from_rows(users, limit)
