"""After items.py: `create_item`, without `CurrentUser`."""

from typing import Annotated, Any

from app.api.deps import DBSession
from app.schemas.post import PostCreate, PostRead
from app.services.post import PostService
from fastapi import APIRouter, Depends, status

router = APIRouter()


def get_post_service(db: DBSession) -> PostService:
    return PostService(db)


PostSvc = Annotated[PostService, Depends(get_post_service)]


@router.post("", response_model=PostRead, status_code=status.HTTP_201_CREATED)
async def create_post(
    data: PostCreate,
    service: PostSvc,
) -> Any:
    """Create a new post."""
    return await service.create(data=data)
