"""After item.py: `create`."""

from app.db.models.post import Post
from sqlalchemy.ext.asyncio import AsyncSession


async def create(db: AsyncSession, *, title: str, content: str, author_id: int) -> Post:
    post = Post(title=title, content=content, author_id=author_id)
    db.add(post)
    await db.flush()
    await db.refresh(post)
    return post
