"""The database guide's chapter Database Services: its listing, and the service of this project, do the same."""

import inspect
from typing import Any, List, Optional  # noqa: UP035

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

# isort: split
from my_service.core.database import AsyncSessionLocal
from my_service.core.security import hash_password, verify_password
from my_service.models.user import User
from my_service.schemas.user import UserCreate, UserUpdate
from my_service.services import user_service

# src/my_service/services/user_service.py


class UserService:
    """Service for user operations."""

    def __init__(self, db: AsyncSession):
        self.db = db

    async def create_user(self, user_data: UserCreate) -> User:
        """Create a new user."""
        user = User(**user_data.model_dump(exclude={"password"}))
        user.hashed_password = hash_password(user_data.password)

        self.db.add(user)
        await self.db.commit()
        await self.db.refresh(user)
        return user

    async def get_user(self, user_id: int) -> Optional[User]:  # noqa: UP045
        """Get user by ID."""
        result = await self.db.execute(
            select(User).where(
                User.id == user_id,
                User.is_deleted == False,
            )
        )
        return result.scalar_one_or_none()

    async def get_users(
        self,
        skip: int = 0,
        limit: int = 100,
    ) -> List[User]:  # noqa: UP006
        """Get list of users."""
        result = await self.db.execute(
            select(User).where(User.is_deleted == False).offset(skip).limit(limit).order_by(User.created_at.desc())
        )
        return result.scalars().all()

    async def update_user(
        self,
        user_id: int,
        user_data: UserUpdate,
    ) -> Optional[User]:  # noqa: UP045
        """Update user."""
        user = await self.get_user(user_id)
        if not user:
            return None

        update_data = user_data.model_dump(exclude_unset=True)
        for field, value in update_data.items():
            setattr(user, field, value)

        await self.db.commit()
        await self.db.refresh(user)
        return user

    async def delete_user(self, user_id: int) -> bool:
        """Soft delete user."""
        user = await self.get_user(user_id)
        if not user:
            return False

        user.soft_delete()
        await self.db.commit()
        return True


def person(number: int) -> UserCreate:
    """Return a user to create."""
    name = f"user{number}"
    return UserCreate(email=f"{name}@example.com", username=name, full_name="Somebody", password="correct horse")  # noqa: S106


@pytest.mark.parametrize("service_class", [UserService, user_service.UserService], ids=["listed", "provided"])
async def test_service_pattern(db_session: AsyncSession, service_class: type[Any]) -> None:
    service = service_class(db_session)
    assert service.db is db_session

    users = [await service.create_user(person(number)) for number in range(3)]
    assert all(type(user) is User for user in users)
    first = users[0]
    assert (first.email, first.username, first.full_name) == ("user0@example.com", "user0", "Somebody")
    assert first.hashed_password != "correct horse"  # noqa: S105
    assert verify_password("correct horse", first.hashed_password)

    assert await service.get_user(first.id) is first
    assert await service.get_user(first.id + 1000) is None

    listed = await service.get_users()
    assert isinstance(listed, list)
    assert listed == users[::-1], "newest first"
    assert await service.get_users(1, 1) == await service.get_users(skip=1, limit=1) == [users[1]]

    updated = await service.update_user(first.id, UserUpdate(full_name="Ada", email="ada@example.com"))
    assert updated is first
    assert (first.full_name, first.email, first.username) == ("Ada", "ada@example.com", "user0")
    assert await service.update_user(first.id + 1000, UserUpdate(full_name="Nobody")) is None

    assert await service.delete_user(first.id) is True
    assert await service.delete_user(first.id) is False
    assert await service.get_user(first.id) is None
    assert await service.update_user(first.id, UserUpdate(full_name="Nobody")) is None
    assert first not in await service.get_users()

    async with AsyncSessionLocal() as other:
        stored = await other.get_one(User, first.id)
        assert (stored.full_name, stored.is_deleted) == ("Ada", True), "committed, and soft deleted"


def test_service_pattern_signatures() -> None:
    for name, method in inspect.getmembers(UserService, inspect.isfunction):
        listed = inspect.signature(method).parameters
        provided = inspect.signature(getattr(user_service.UserService, name)).parameters
        kept = list(provided.values())[: len(listed)]
        assert [(p.name, p.kind, p.default) for p in kept] == [(p.name, p.kind, p.default) for p in listed.values()]
        assert all(p.default is not p.empty for p in list(provided.values())[len(listed) :]), "the rest is optional"
