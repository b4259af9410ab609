"""After item.py."""

import builtins

from app.core.exceptions import NotFoundError
from app.db.models.author import Author
from app.repositories import author as author_repo
from sqlalchemy.ext.asyncio import AsyncSession


class AuthorService:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def get(self, *, author_id: int) -> Author:
        author = await author_repo.get_by_id(self.db, author_id)
        if not author:
            raise NotFoundError(message="Author not found", details={"author_id": str(author_id)})
        return author

    async def list(self, *, skip: int = 0, limit: int = 50) -> tuple[builtins.list[Author], int]:
        return await author_repo.list_all(self.db, skip=skip, limit=limit)

    async def list_with_posts(self, *, skip: int = 0, limit: int = 50) -> tuple[builtins.list[Author], int]:
        return await author_repo.list_with_posts(self.db, skip=skip, limit=limit)
