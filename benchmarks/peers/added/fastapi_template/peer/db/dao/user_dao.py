"""After dummy_dao.py: `filter` and `get_all_dummies`."""

from fastapi import Depends
from peer.db.dependencies import get_db_session
from peer.db.models.user_model import UserModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload


class UserDAO:
    """Class for accessing users table."""

    def __init__(self, session: AsyncSession = Depends(get_db_session)) -> None:
        self.session = session

    async def get_user(self, user_id: int) -> UserModel | None:
        """Get one user."""
        rows = await self.session.execute(select(UserModel).where(UserModel.id == user_id))
        return rows.scalars().one_or_none()

    async def get_all_users(self, limit: int, offset: int) -> list[UserModel]:
        """Get all users with limit/offset pagination."""
        raw_users = await self.session.execute(
            select(UserModel).limit(limit).offset(offset),
        )

        return list(raw_users.scalars().fetchall())

    async def get_all_users_with_posts(self, limit: int, offset: int) -> list[UserModel]:
        """Get all users with limit/offset pagination, and their posts."""
        raw_users = await self.session.execute(
            select(UserModel).options(selectinload(UserModel.posts)).limit(limit).offset(offset),
        )

        return list(raw_users.scalars().fetchall())
