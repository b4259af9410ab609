"""After dummy_dao.py: `create_dummy_model`."""

from fastapi import Depends
from peer.db.dependencies import get_db_session
from peer.db.models.post_model import PostModel
from sqlalchemy.ext.asyncio import AsyncSession


class PostDAO:
    """Class for accessing posts table."""

    def __init__(self, session: AsyncSession = Depends(get_db_session)) -> None:
        self.session = session

    async def create_post_model(self, title: str, content: str, author_id: int) -> PostModel:
        """Add single post to session."""
        post = PostModel(title=title, content=content, author_id=author_id)
        self.session.add(post)
        # Not in its example, which answers null: the key and the timestamps are the database's.
        await self.session.flush()
        return post
