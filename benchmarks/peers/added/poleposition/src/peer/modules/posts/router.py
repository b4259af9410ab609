"""As generated: `create_posts`."""

from fastapi import APIRouter, Depends, status
from peer.api.deps import db_session
from peer.modules.posts.schemas import PostsCreate, PostsRead
from peer.modules.posts.services import PostsCrudService
from sqlalchemy.orm import Session

router = APIRouter()


@router.post("/", response_model=PostsRead, status_code=status.HTTP_201_CREATED)
def create_posts(
    payload: PostsCreate,
    db: Session = Depends(db_session),
) -> PostsRead:
    return PostsCrudService(db).create_posts(payload)
