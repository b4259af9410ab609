"""What the database guide gets wrong, and what this project does instead, one test for each fault.

The data migration that cannot run twice is in test_guide_migrations.py.
"""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import ValidationError
from sqlalchemy import CheckConstraint, Connection, MetaData, String, insert, inspect, make_url, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# isort: split
from my_service.core.config import Settings
from my_service.core.database import get_db, read_engine
from my_service.core.security import verify_password
from my_service.db.columns import unique_column
from my_service.db.engine import BACKENDS
from my_service.main import app as service
from my_service.models.base import Base, BaseModel
from my_service.models.post import Post
from my_service.models.user import User
from my_service.schemas.user import UserCreate, UserRead, UserUpdate
from my_service.services.user_service import UserService

# isort: split
from scripts.revision import alembic_config

from .factories import make_user

PASSWORD = "p@ss:w/rd%40"  # noqa: S105


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave no setting in the environment, and no .env in the working directory."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


class Member(BaseModel):
    """A model of these tests alone: a value that a deleted row frees, and one that stays taken."""

    __tablename__ = "guide_members"
    # Of its own, so that no unique constraint stands in the way of the class's own arguments.
    __table_args__ = (CheckConstraint("name <> ''", name="name_not_empty"),)
    metadata = MetaData()

    name: Mapped[str] = unique_column(String(50))
    number: Mapped[int] = mapped_column(unique=True)


URLS = {
    "sqlite": [
        ("sqlite+aiosqlite:///./myapp.db", "sqlite+aiosqlite:///./myapp.db"),
        ("sqlite:///./myapp.db", "sqlite+aiosqlite:///./myapp.db"),
    ],
    "postgresql": [
        ("postgresql+asyncpg://user:password@localhost/myapp", "postgresql+asyncpg://user:password@localhost/myapp"),
        ("postgresql://user:password@localhost/myapp", "postgresql+asyncpg://user:password@localhost/myapp"),
        ("postgres://user:password@localhost/myapp", "postgresql+asyncpg://user:password@localhost/myapp"),
    ],
}


@pytest.mark.parametrize(("given", "used"), [pair for kind in BACKENDS for pair in URLS[kind]])
def test_fault_database_url_takes_the_databases_of_the_project(nothing_set: None, given: str, used: str) -> None:
    assert Settings(DATABASE_URL=given).database_url == used


@pytest.mark.parametrize("given", ["mysql://user:password@localhost/myapp", "myapp.db"])
def test_fault_database_url_that_is_another_one_is_one_clear_error(nothing_set: None, given: str) -> None:
    with pytest.raises(ValidationError, match=r"^1 validation error.*\nDATABASE_URL\n.*must look like "):
        Settings(DATABASE_URL=given)


def test_fault_a_password_may_hold_any_character_and_is_in_no_repr(
    nothing_set: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "postgresql" not in BACKENDS:
        return  # a file has no password
    monkeypatch.setenv("POSTGRES_PASSWORD", PASSWORD)
    monkeypatch.setenv("POSTGRES_HOST", "db.example.com")
    monkeypatch.setenv("POSTGRES_DB", "myapp")
    settings = Settings()
    url = make_url(settings.database_url)
    assert (url.password, url.host, url.database) == (PASSWORD, "db.example.com", "myapp")
    for shown in (repr(settings), str(settings), str(url), repr(url)):
        assert PASSWORD not in shown
        assert "p%40ss" not in shown


@pytest.mark.parametrize("model", [User, Post])
def test_fault_models_are_typed(model: type[BaseModel]) -> None:
    assert issubclass(Base, DeclarativeBase)
    hints = get_type_hints(model, localns={"User": User, "Post": Post})
    columns = [attribute.key for attribute in inspect(model).column_attrs]
    assert all(get_origin(hints[name]) is Mapped for name in columns)


def test_fault_a_default_holds_before_the_object_is_stored() -> None:
    user = User(email="test@example.com", username="test")  # no password yet
    assert (user.is_active, user.is_superuser) == (True, False)
    assert User(is_active=False).is_active is False
    assert not dataclasses.is_dataclass(User)


async def test_fault_is_deleted_and_deleted_at_cannot_disagree(db_session: AsyncSession) -> None:
    assert "is_deleted" not in inspect(User).columns
    assert str(select(User.id).where(User.is_deleted == False)).endswith("WHERE users.deleted_at IS NULL")
    user = await make_user(db_session)
    user.is_deleted = True
    assert user.deleted_at is not None
    user.is_deleted = False
    assert user.deleted_at is None


async def test_fault_a_bulk_update_of_is_deleted_sets_deleted_at(db_session: AsyncSession) -> None:
    user, other = await make_user(db_session, is_active=False), await make_user(db_session)
    values = {"email": "gone@example.com", "username": "gone", "hashed_password": "-", "is_deleted": True}
    await db_session.execute(insert(User), [values])
    await db_session.execute(update(User).where(User.is_active == False).values(is_deleted=True))
    await db_session.commit()
    rows = await db_session.execute(select(User.username, User.deleted_at))
    deleted_at = {row.username: row.deleted_at for row in rows}
    assert deleted_at[other.username] is None
    for name in (user.username, "gone"):
        assert datetime.now(UTC) - deleted_at[name] < timedelta(minutes=1)


def test_fault_deleted_at_can_be_read_at_once() -> None:
    user = User(email="test@example.com", username="test")
    user.soft_delete()
    assert user.deleted_at is not None
    assert user.deleted_at.tzinfo is UTC
    assert datetime.now(UTC) - user.deleted_at < timedelta(minutes=1)


async def test_fault_the_email_of_a_deleted_user_can_be_used_again(db_session: AsyncSession) -> None:
    service = UserService(db_session)
    data = UserCreate(email="test@example.com", username="test", password="correct horse")  # noqa: S106
    first_id = (await service.create_user(data)).id
    with pytest.raises(IntegrityError):
        await service.create_user(data)
    await service.delete_user(first_id)
    second = await service.create_user(data)
    assert second.email == "test@example.com"
    assert second.id > first_id
    with pytest.raises(IntegrityError):
        await service.restore_user(first_id)


async def test_fault_only_unique_columns_are_freed(db_session: AsyncSession, connection: AsyncConnection) -> None:
    await connection.run_sync(Member.metadata.create_all)
    deleted = Member(name="ada", number=1)
    db_session.add(deleted)
    await db_session.commit()
    deleted.soft_delete()
    await db_session.commit()
    db_session.add(Member(name="ada", number=2))
    await db_session.commit()
    for name, number in (("ada", 3), ("bob", 1)):
        db_session.add(Member(name=name, number=number))
        with pytest.raises(IntegrityError):
            await db_session.flush()
        await db_session.rollback()


async def test_fault_no_route_serves_a_deleted_user(client: AsyncClient, db_session: AsyncSession) -> None:
    user = await make_user(db_session)
    assert (await client.get(f"/api/v1/users/{user.id}")).status_code == 200
    assert await UserService(db_session).delete_user(user.id)
    response = await client.get(f"/api/v1/users/{user.id}")
    assert (response.status_code, list(response.json())) == (404, ["detail"])
    assert (await client.get("/api/v1/users")).json()["items"] == []


async def test_fault_no_response_holds_the_hash(client: AsyncClient, db_session: AsyncSession) -> None:
    app = FastAPI()
    app.dependency_overrides = service.dependency_overrides

    @app.get("/users/{user_id}", response_model=UserRead)
    async def get_user(user_id: int, db: AsyncSession = Depends(get_db)) -> User:
        return (await db.execute(select(User).where(User.id == user_id))).scalar_one()

    user = await make_user(db_session, hashed_password="a hash")  # noqa: S106
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as guide:
        answers = [await guide.get(f"/users/{user.id}"), await client.get(f"/api/v1/users/{user.id}")]
    answers.append(await client.get("/api/v1/users"))
    for response in answers:
        assert response.status_code == 200
        assert user.email in response.text
        assert "a hash" not in response.text
        assert "password" not in response.text


async def test_fault_a_password_that_is_updated_is_hashed(client: AsyncClient, db_session: AsyncSession) -> None:
    user = await make_user(db_session)
    await UserService(db_session).update_user(user.id, UserUpdate(password="correct horse"))  # noqa: S106
    assert verify_password("correct horse", user.hashed_password)
    response = await client.patch(f"/api/v1/users/{user.id}", json={"password": "another horse"})
    assert response.status_code == 200
    await db_session.refresh(user)
    assert verify_password("another horse", user.hashed_password)


@pytest.mark.parametrize(
    "sent",
    [
        {"email": None},
        {"username": None},
        {"password": None},
        {"hashed_password": "a hash"},
        {"is_superuser": True},
    ],
)
async def test_fault_an_update_that_makes_no_sense_is_refused(
    client: AsyncClient, db_session: AsyncSession, sent: dict[str, Any]
) -> None:
    user = await make_user(db_session)
    response = await client.patch(f"/api/v1/users/{user.id}", json=sent)
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json()["detail"]] == [["body", *sent]]
    assert (await client.patch(f"/api/v1/users/{user.id}", json={"full_name": None})).status_code == 200


@pytest.mark.parametrize("schema", [UserCreate, UserUpdate, UserRead])
def test_fault_no_schema_holds_what_clients_must_not_set(schema: type[Any]) -> None:
    assert not {"hashed_password", "is_superuser"} & set(schema.model_fields)


async def test_fault_a_bulk_insert_needs_a_hashed_password(db_session: AsyncSession) -> None:
    short = [{"email": "user1@example.com", "username": "user1"}]
    with pytest.raises(IntegrityError, match="hashed_password"):
        await db_session.execute(insert(User), short)
    await db_session.rollback()
    await db_session.execute(insert(User), [values | {"hashed_password": "-"} for values in short])
    assert await db_session.scalar(select(User.email)) == "user1@example.com"


async def test_fault_rows_inserted_without_the_models_have_timestamps(db_session: AsyncSession) -> None:
    await db_session.execute(
        text("""
            INSERT INTO users (email, username, hashed_password, is_active)
            VALUES ('admin@example.com', 'admin', 'hashed_password', true)
        """)
    )
    user = (await db_session.scalars(select(User).where(User.username == "admin"))).one()
    for moment in (user.created_at, user.updated_at):
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert (user.is_superuser, user.is_deleted) == (False, False)


async def test_fault_tests_use_the_schema_that_migrations_make(
    connection: AsyncConnection, db_session: AsyncSession
) -> None:
    def at_head(connection: Connection) -> bool:
        heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
        return MigrationContext.configure(connection).get_current_heads() == tuple(heads)

    assert await connection.run_sync(at_head)
    await make_user(db_session)  # commits, inside the test's transaction
    async with read_engine.connect() as other:
        assert (await other.execute(select(User))).all() == []
