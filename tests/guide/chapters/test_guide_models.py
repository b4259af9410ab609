"""The database guide's chapter Models: its listings beside the models of this project.

The listings stand here in the guide's own words, on a base of their own. They are what the page promises: every name
in them exists in this project, and means the same.
"""

from datetime import UTC
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, MetaData, String, Table, Text, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import configure_mappers, declarative_base, relationship, selectinload
from sqlalchemy.sql import func

# isort: split
from my_service.db.engine import backend_for
from my_service.models import base, mixins, post, user

# isort: split
from scripts.revision import temporary_database

from .factories import make_user
from .test_posts import make_post

# src/my_service/models/base.py

Base = declarative_base()  # the guide imports it from where it was before SQLAlchemy 2


class BaseModel(Base):
    """Base model with common fields."""

    __abstract__ = True

    id = Column(Integer, primary_key=True, index=True)
    created_at = Column(DateTime(timezone=True), server_default=func.now())
    updated_at = Column(DateTime(timezone=True), onupdate=func.now())

    # Soft delete fields
    deleted_at = Column(DateTime(timezone=True), nullable=True)
    is_deleted = Column(Boolean, default=False, nullable=False)

    def soft_delete(self):
        """Mark record as deleted."""
        self.is_deleted = True
        self.deleted_at = func.now()

    def restore(self):
        """Restore soft-deleted record."""
        self.is_deleted = False
        self.deleted_at = None


# src/my_service/models/mixins.py


class TitleMixin:
    """Mixin for models with titles."""

    title = Column(String(255), nullable=False, index=True)


class DescriptionMixin:
    """Mixin for models with descriptions."""

    description = Column(Text, nullable=True)


class SlugMixin:
    """Mixin for models with URL slugs."""

    slug = Column(String(255), unique=True, index=True)


# src/my_service/models/user.py


class User(BaseModel):
    """User model with authentication."""

    __tablename__ = "users"

    email = Column(String(255), unique=True, index=True, nullable=False)
    username = Column(String(100), unique=True, index=True, nullable=False)
    full_name = Column(String(255), nullable=True)
    hashed_password = Column(String(255), nullable=False)
    is_active = Column(Boolean, default=True, nullable=False)
    is_superuser = Column(Boolean, default=False, nullable=False)

    # Relationships
    posts = relationship("Post", back_populates="author")

    def __repr__(self) -> str:
        return f"<User(id={self.id}, email='{self.email}')>"


# src/my_service/models/post.py


class Post(BaseModel, TitleMixin):
    """Blog post model."""

    __tablename__ = "posts"

    content = Column(Text, nullable=False)
    author_id = Column(Integer, ForeignKey("users.id"), nullable=False)

    # Relationships
    author = relationship("User", back_populates="posts")

    def __repr__(self) -> str:
        return f"<Post(id={self.id}, title='{self.title}')>"


def public_names(thing: type | ModuleType) -> set[str]:
    """Return what a class or a module defines for others."""
    return {name for name in vars(thing) if not name.startswith("_")}


def unique_columns(table: Table) -> set[str]:
    """Return the columns of which no two rows, or no two live rows, have the same value."""
    indexed = {column.name for index in table.indexes if index.unique for column in index.columns}
    return indexed | {column.name for column in table.columns if column.unique}


def indexed_columns(table: Table) -> set[str]:
    """Return the columns that an index starts with; the primary key has one in every database."""
    return {next(iter(index.columns)).name for index in table.indexes} | {"id"}


async def test_base_model(db_session: AsyncSession) -> None:
    assert public_names(BaseModel) <= set(dir(base.BaseModel))
    assert issubclass(base.BaseModel, base.Base)
    ada = await make_user(db_session)
    assert ada.id is not None
    assert ada.created_at.tzinfo is UTC
    ada.full_name = "Ada"
    await db_session.commit()
    assert ada.updated_at > ada.created_at
    assert (ada.is_deleted, ada.deleted_at) == (False, None)
    ada.soft_delete()
    await db_session.commit()
    await db_session.refresh(ada)
    assert ada.is_deleted is True
    assert ada.deleted_at >= ada.created_at
    ada.restore()
    await db_session.commit()
    await db_session.refresh(ada)
    assert (ada.is_deleted, ada.deleted_at) == (False, None)


@pytest.mark.parametrize("listed", [TitleMixin, DescriptionMixin, SlugMixin])
def test_model_mixins(listed: Any) -> None:
    listed_model: Any = type(f"Listed{listed.__name__}", (BaseModel, listed), {"__tablename__": listed.__name__})
    mixin = getattr(mixins, listed.__name__)
    name = f"Provided{listed.__name__}"
    provided: Any = type(name, (base.BaseModel, mixin), {"__tablename__": name, "metadata": MetaData()})
    (column,) = public_names(listed)
    assert_same_columns(listed_model.__table__, provided.__table__, {column})


async def test_model_mixins_usage(engine: AsyncEngine) -> None:
    configure_mappers()  # before there is a second Post, since User.posts finds its Post by name

    class BaseModel(base.BaseModel):
        __abstract__ = True
        metadata = MetaData()  # out of the migrations

    from my_service.models.mixins import DescriptionMixin, TitleMixin

    # Usage
    class Post(BaseModel, TitleMixin, DescriptionMixin):
        __tablename__ = "posts"

        content = Column(Text, nullable=False)

    # A database of its own: the example's posts are a table of that name.
    async with temporary_database(backend_for(engine.url).sibling_url(engine.url, "_guide")) as empty:
        async with empty.begin() as connection:
            await connection.run_sync(Post.metadata.create_all)
        async with AsyncSession(empty, expire_on_commit=False) as db:
            written = Post(title="A title", content="Some text.")
            db.add(written)
            await db.commit()
            await db.refresh(written)
            assert (written.title, written.description, written.content) == ("A title", None, "Some text.")
            assert (written.is_deleted, written.created_at.tzinfo) == (False, UTC)
            db.add(Post(title="No content"))
            with pytest.raises(IntegrityError):
                await db.flush()


@pytest.mark.parametrize(("listed", "provided"), [(User, user.User), (Post, post.Post)], ids=["user", "post"])
def test_example_models(listed: Any, provided: Any) -> None:
    names = set(listed.__table__.columns.keys()) - {"is_deleted"}  # no column here: see test_guide_faults.py
    assert_same_columns(listed.__table__, provided.__table__, names)
    assert set(inspect(listed).relationships.keys()) == set(inspect(provided).relationships.keys())
    assert public_names(listed) <= set(dir(provided))


def assert_same_columns(listed: Table, provided: Table, names: set[str]) -> None:
    """Assert that columns take the same values; keys are 64 bits wide, and timestamps are never null."""
    for name in names:
        theirs, ours = listed.columns[name], provided.columns[name]
        kind = getattr(ours.type, "impl_instance", ours.type)  # the plain type beneath one of our own
        assert isinstance(kind, type(theirs.type)), name
        assert getattr(kind, "length", None) == getattr(theirs.type, "length", None), name
        assert getattr(kind, "timezone", None) == getattr(theirs.type, "timezone", None), name
        assert ours.nullable is theirs.nullable or name in {"created_at", "updated_at"}, name
        assert {key.target_fullname for key in ours.foreign_keys} == {
            key.target_fullname for key in theirs.foreign_keys
        }
    assert unique_columns(listed) & names == unique_columns(provided) & names
    assert indexed_columns(listed) & names <= indexed_columns(provided)


@pytest.mark.parametrize("field", ["email", "username"])
async def test_example_models_are_unique(db_session: AsyncSession, field: str) -> None:
    ada = await make_user(db_session)
    with pytest.raises(IntegrityError):
        await make_user(db_session, **{field: getattr(ada, field)})


async def test_example_models_relationships(db_session: AsyncSession) -> None:
    author = user.User(email="ada@example.com", username="ada", hashed_password="-")  # noqa: S106
    written = post.Post(title="A title", content="Some text.", author=author)
    db_session.add(written)
    await db_session.commit()
    assert written.author_id == author.id
    other = await make_post(db_session, author, title="Another")
    db_session.expunge_all()
    loaded = await db_session.get_one(user.User, author.id, options=[selectinload(user.User.posts)])
    assert {post.id for post in loaded.posts} == {written.id, other.id}
    db_session.expunge_all()
    read = await db_session.get_one(post.Post, other.id, options=[selectinload(post.Post.author)])
    assert (read.author.id, read.author.email) == (author.id, "ada@example.com")


async def test_example_models_repr(db_session: AsyncSession) -> None:
    ada = await make_user(db_session, email="ada@example.com")
    written = await make_post(db_session, ada, title="A title")
    assert repr(ada) == f"<User(id={ada.id}, email='ada@example.com')>"
    assert repr(written) == f"<Post(id={written.id}, title='A title')>"
    assert repr(ada) == repr(User(id=ada.id, email=ada.email))
    assert repr(written) == repr(Post(id=written.id, title=written.title))


async def test_query_optimization_use_indexes(connection: AsyncConnection) -> None:
    """From the chapter Performance Optimization: a model in the guide's style, on this project's base."""
    configure_mappers()  # before there is a second User

    class BaseModel(base.BaseModel):
        __abstract__ = True
        __tablename__ = "guide_users"
        metadata = MetaData()

    # Use indexes
    # Add indexes in models
    class User(BaseModel):
        email = Column(String(255), unique=True, index=True)
        username = Column(String(100), index=True)

    await connection.run_sync(User.metadata.create_all)
    indexes = await connection.run_sync(lambda connection: inspect(connection).get_indexes("guide_users"))
    assert {(tuple(index["column_names"]), bool(index["unique"])) for index in indexes} == {
        (("email",), True),
        (("username",), False),
    }
