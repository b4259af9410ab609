"""As generated, without what is not measured; `list_users_with_posts` after `list_users`."""

from fastapi import APIRouter, Depends, Query
from peer.api.deps import db_session
from peer.modules.users.schemas import (
    UsersPage,
    UsersRead,
    UsersWithPostsPage,
)
from peer.modules.users.services import UsersCrudService
from sqlalchemy.orm import Session

router = APIRouter()


@router.get("/", response_model=UsersPage)
def list_users(
    limit: int = Query(default=100, ge=1, le=500),
    offset: int = Query(default=0, ge=0),
    db: Session = Depends(db_session),
) -> UsersPage:
    return UsersCrudService(db).list_users(limit=limit, offset=offset)


@router.get("/with-posts", response_model=UsersWithPostsPage)
def list_users_with_posts(
    limit: int = Query(default=100, ge=1, le=500),
    offset: int = Query(default=0, ge=0),
    db: Session = Depends(db_session),
) -> UsersWithPostsPage:
    return UsersCrudService(db).list_users_with_posts(limit=limit, offset=offset)


@router.get("/{item_id}", response_model=UsersRead)
def get_users(
    item_id: int,
    db: Session = Depends(db_session),
) -> UsersRead:
    return UsersCrudService(db).get_users(item_id)
