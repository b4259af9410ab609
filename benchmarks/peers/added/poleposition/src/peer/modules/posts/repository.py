"""As generated: `create`."""

from peer.modules.posts.model import Posts
from sqlalchemy.orm import Session


class PostsRepository:
    def __init__(self, db: Session) -> None:
        self.db = db

    def create(self, *, title: str, content: str, author_id: int) -> Posts:
        item = Posts(
            title=title,
            content=content,
            author_id=author_id,
        )
        self.db.add(item)
        self.db.commit()
        self.db.refresh(item)
        return item
