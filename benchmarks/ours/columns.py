"""What docs/database.md says of hot paths, for users: columns from a connection."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row, bindparam, select

from ..core.database import read_engine
from ..models.user import User
from ..schemas.user import UserRead
from .parameters import Key
from .responses import NOT_FOUND
from .users import _found

router = APIRouter(prefix="/users", tags=["users"])

USER = select(*(getattr(User, name) for name in UserRead.model_fields))
BY_ID = USER.where(User.id == bindparam("id"), User.deleted_at.is_(None))


@router.get("/{user_id}/columns", response_model=UserRead, responses=NOT_FOUND)
async def get_user_columns(user_id: Key) -> Row[Any]:
    """Get one user."""
    async with read_engine.connect() as connection:
        user = (await connection.execute(BY_ID, {"id": user_id})).one_or_none()
    return _found(user, user_id)
