"""After item.py: `get_by_id` and `list_for_owner`; `list_with_posts` loads as conversation.py of the AI parts does."""

from app.db.models.author import Author
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload


async def get_by_id(db: AsyncSession, author_id: int) -> Author | None:
    result = await db.execute(select(Author).where(Author.id == author_id))
    return result.scalar_one_or_none()


async def list_all(db: AsyncSession, *, skip: int = 0, limit: int = 50) -> tuple[list[Author], int]:
    base = select(Author)
    total = (await db.execute(select(func.count()).select_from(base.subquery()))).scalar_one()
    rows = (await db.execute(base.order_by(Author.created_at.desc()).offset(skip).limit(limit))).scalars().all()
    return list(rows), int(total)


async def list_with_posts(db: AsyncSession, *, skip: int = 0, limit: int = 50) -> tuple[list[Author], int]:
    base = select(Author)
    total = (await db.execute(select(func.count()).select_from(base.subquery()))).scalar_one()
    query = base.options(selectinload(Author.posts)).order_by(Author.created_at.desc())
    rows = (await db.execute(query.offset(skip).limit(limit))).scalars().all()
    return list(rows), int(total)
