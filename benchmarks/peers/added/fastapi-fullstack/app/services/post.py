"""After item.py."""

from app.db.models.post import Post
from app.repositories import post as post_repo
from app.schemas.post import PostCreate
from sqlalchemy.ext.asyncio import AsyncSession


class PostService:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def create(self, *, data: PostCreate) -> Post:
        return await post_repo.create(self.db, title=data.title, content=data.content, author_id=data.author_id)
