"""As generated: `create_posts`."""

from peer.bootstrap.logging import get_logger
from peer.modules.posts.model import Posts
from peer.modules.posts.repository import PostsRepository
from peer.modules.posts.schemas import PostsCreate
from sqlalchemy.orm import Session

logger = get_logger(__name__)


class PostsCrudService:
    def __init__(self, db: Session) -> None:
        self.repository = PostsRepository(db)

    def create_posts(self, payload: PostsCreate) -> Posts:
        logger.info("Creating posts", extra={"item_name": payload.title})
        return self.repository.create(title=payload.title, content=payload.content, author_id=payload.author_id)
