"""After dummy/views.py: `get_dummy_models`; its examples have no route for one row."""

from fastapi import APIRouter, HTTPException
from fastapi.param_functions import Depends
from peer.db.dao.user_dao import UserDAO
from peer.db.models.user_model import UserModel
from peer.web.api.users.schema import UserModelDTO, UserModelWithPostsDTO

router = APIRouter()


@router.get("/", response_model=list[UserModelDTO])
async def get_user_models(
    limit: int = 10,
    offset: int = 0,
    user_dao: UserDAO = Depends(),
) -> list[UserModel]:
    """Retrieve all user objects from the database."""
    return await user_dao.get_all_users(limit=limit, offset=offset)


@router.get("/with-posts", response_model=list[UserModelWithPostsDTO])
async def get_user_models_with_posts(
    limit: int = 10,
    offset: int = 0,
    user_dao: UserDAO = Depends(),
) -> list[UserModel]:
    """Retrieve all user objects from the database, with their posts."""
    return await user_dao.get_all_users_with_posts(limit=limit, offset=offset)


@router.get("/{user_id}", response_model=UserModelDTO)
async def get_user_model(
    user_id: int,
    user_dao: UserDAO = Depends(),
) -> UserModel:
    """Retrieve one user object from the database."""
    user = await user_dao.get_user(user_id)
    if user is None:
        raise HTTPException(status_code=404)
    return user
