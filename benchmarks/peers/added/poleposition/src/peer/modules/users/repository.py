"""As generated, without what is not measured; `list_with_posts` after `list`."""

from peer.modules.users.model import Users
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload


class UsersRepository:
    def __init__(self, db: Session) -> None:
        self.db = db

    def list(self, *, limit: int, offset: int) -> list[Users]:
        statement = select(Users)
        statement = statement.where(Users.deleted_at.is_(None))
        statement = statement.order_by(Users.id.asc())
        statement = statement.offset(offset).limit(limit)
        return list(self.db.scalars(statement))

    def list_with_posts(self, *, limit: int, offset: int) -> "list[Users]":
        statement = select(Users).options(selectinload(Users.posts))
        statement = statement.where(Users.deleted_at.is_(None))
        statement = statement.order_by(Users.id.asc())
        statement = statement.offset(offset).limit(limit)
        return [*self.db.scalars(statement)]

    def count(self) -> int:
        statement = select(func.count()).select_from(Users)
        statement = statement.where(Users.deleted_at.is_(None))
        return self.db.scalar(statement) or 0

    def get(self, item_id: int) -> Users | None:
        statement = select(Users).where(Users.id == item_id)
        statement = statement.where(Users.deleted_at.is_(None))
        return self.db.scalar(statement)
