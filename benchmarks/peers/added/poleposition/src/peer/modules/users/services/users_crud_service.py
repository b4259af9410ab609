"""As generated, without what is not measured; `list_users_with_posts` after `list_users`."""

from peer.bootstrap.logging import get_logger
from peer.domain.exceptions import NotFoundError
from peer.modules.users.model import Users
from peer.modules.users.repository import UsersRepository
from peer.modules.users.schemas import (
    UsersPage,
    UsersWithPostsPage,
)
from sqlalchemy.orm import Session

logger = get_logger(__name__)


class UsersCrudService:
    def __init__(self, db: Session) -> None:
        self.repository = UsersRepository(db)

    def list_users(self, *, limit: int, offset: int) -> UsersPage:
        logger.info("Listing users", extra={"limit": limit, "offset": offset})
        items = self.repository.list(limit=limit, offset=offset)
        total = self.repository.count()
        return UsersPage(
            items=items,
            total=total,
            limit=limit,
            offset=offset,
        )

    def list_users_with_posts(self, *, limit: int, offset: int) -> UsersWithPostsPage:
        logger.info("Listing users", extra={"limit": limit, "offset": offset})
        items = self.repository.list_with_posts(limit=limit, offset=offset)
        total = self.repository.count()
        return UsersWithPostsPage(
            items=items,
            total=total,
            limit=limit,
            offset=offset,
        )

    def get_users(self, item_id: int) -> Users:
        item = self.repository.get(item_id)
        if item is None:
            raise NotFoundError("Users not found.")
        return item
