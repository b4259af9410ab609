"""After items.py, without `CurrentUser`: nobody is asked for a token where this is measured."""

from typing import Annotated, Any

from app.api.deps import DBSession
from app.schemas.author import AuthorList, AuthorRead, AuthorWithPostsList
from app.services.author import AuthorService
from fastapi import APIRouter, Depends, Query

router = APIRouter()


def get_author_service(db: DBSession) -> AuthorService:
    return AuthorService(db)


AuthorSvc = Annotated[AuthorService, Depends(get_author_service)]


@router.get("", response_model=AuthorList)
async def list_authors(
    service: AuthorSvc,
    skip: int = Query(0, ge=0, description="Items to skip"),
    limit: int = Query(50, ge=1, le=100, description="Max items to return"),
) -> Any:
    """List authors."""
    items, total = await service.list(skip=skip, limit=limit)
    return AuthorList(items=items, total=total)


@router.get("/with-posts", response_model=AuthorWithPostsList)
async def list_authors_with_posts(
    service: AuthorSvc,
    skip: int = Query(0, ge=0, description="Items to skip"),
    limit: int = Query(50, ge=1, le=100, description="Max items to return"),
) -> Any:
    """List authors with their posts."""
    items, total = await service.list_with_posts(skip=skip, limit=limit)
    return AuthorWithPostsList(items=items, total=total)


@router.get("/{author_id}", response_model=AuthorRead)
async def get_author(
    author_id: int,
    service: AuthorSvc,
) -> Any:
    return await service.get(author_id=author_id)
