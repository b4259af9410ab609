"""The database guide, block by block, in its own words: what the page says is what this project does.

For a project whose package is my_service, with the example models, all mixins and explicit soft delete; it runs beside
the project's own tests, with their fixtures. Each test is named after the heading that its block stands under.

Here: Configuration, Database Sessions, Queries, Performance Optimization, Testing, Monitoring. The chapters Models,
Migrations and Database Services, and what the page gets wrong, have files of their own beside this one.
"""

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from httpx import ASGITransport, AsyncClient
from pydantic import PostgresDsn, ValidationError
from pydantic_settings import BaseSettings
from sqlalchemy import event, func, insert, inspect, make_url, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload
from sqlalchemy.pool import AsyncAdaptedQueuePool

# isort: split
from my_service.core import config, database
from my_service.core.config import settings
from my_service.core.database import get_db
from my_service.db.engine import BACKENDS
from my_service.main import app as service
from my_service.models.base import Base
from my_service.models.post import Post
from my_service.models.user import User
from my_service.schemas.user import UserRead

# isort: split
from scripts import dev_database

from .factories import make_user
from .test_posts import make_post

logger = logging.getLogger(__name__)

POSTGRESQL = make_url(settings.database_url).get_backend_name() == "postgresql"


@pytest.fixture
def db(db_session: AsyncSession) -> AsyncSession:
    """Return the session under the name that the guide gives it."""
    return db_session


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Leave no setting in the environment, and return a working directory without .env."""
    for name in config.Settings.model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def revealed(value: Any) -> Any:
    """Return the text of a secret, and any other value as it is."""
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


# Configuration

DATABASE_URLS = """\
# PostgreSQL (Production/Development)
DATABASE_URL=postgresql+asyncpg://user:password@localhost:5432/myapp

# SQLite (Development/Testing)
DATABASE_URL=sqlite+aiosqlite:///./myapp.db

# Test Database
TEST_DATABASE_URL=postgresql+asyncpg://user:password@localhost:5432/myapp_test
"""


@pytest.mark.parametrize("line", [line for line in DATABASE_URLS.splitlines() if "=" in line])
def test_database_urls(nothing_set: Path, line: str) -> None:
    (nothing_set / ".env").write_text(line)
    name, _, url = line.partition("=")
    if make_url(url).get_backend_name() not in BACKENDS:
        with pytest.raises(ValidationError, match=f"{name}\n.*This project was generated for"):
            config.Settings()
        return
    settings = config.Settings()
    assert getattr(settings, name) == url
    assert getattr(settings, name.lower()) == url


def test_database_urls_all_in_one_file(nothing_set: Path) -> None:
    (nothing_set / ".env").write_text(DATABASE_URLS)
    if len(BACKENDS) == 1:
        with pytest.raises(ValidationError, match="This project was generated for"):
            config.Settings()
        return
    settings = config.Settings()
    assert settings.database_url == "sqlite+aiosqlite:///./myapp.db", "the last line of a name counts"
    assert settings.test_database_url == "postgresql+asyncpg://user:password@localhost:5432/myapp_test"


def test_connection_settings(nothing_set: Path) -> None:
    # src/my_service/core/config.py
    class Settings(BaseSettings):
        # Database configuration
        DATABASE_URL: Optional[PostgresDsn] = None  # noqa: UP045
        POSTGRES_USER: str = "postgres"
        POSTGRES_PASSWORD: str = "postgres"  # noqa: S105
        POSTGRES_HOST: str = "localhost"
        POSTGRES_PORT: int = 5432
        POSTGRES_DB: str = "myapp"

        @property
        def database_url(self) -> str:
            """Construct database URL."""
            if self.DATABASE_URL:
                return str(self.DATABASE_URL)

            return (
                f"postgresql+asyncpg://{self.POSTGRES_USER}:{self.POSTGRES_PASSWORD}"
                f"@{self.POSTGRES_HOST}:{self.POSTGRES_PORT}/{self.POSTGRES_DB}"
            )

    listed: dict[str, Any] = Settings(POSTGRES_DB="my_service").model_dump()  # named after the package here
    settings = config.Settings()
    assert settings.DATABASE_URL is None
    if POSTGRESQL:
        assert {name: revealed(getattr(settings, name)) for name in listed} == listed
        assert settings.database_url == Settings(**listed).database_url
        other: dict[str, Any] = {"POSTGRES_HOST": "db", "POSTGRES_PORT": 5433, "POSTGRES_DB": "shop"}
        assert config.Settings(**other).database_url == Settings(**other).database_url
    else:
        assert settings.database_url == "sqlite+aiosqlite:///./my_service.db"
    if "postgresql" in BACKENDS:
        url: Any = "postgresql+asyncpg://user:password@localhost:5432/myapp"
        assert config.Settings(DATABASE_URL=url).database_url == Settings(DATABASE_URL=url).database_url == url


# Database Sessions


async def test_session_management(engine: AsyncEngine) -> None:
    # src/my_service/core/database.py
    # Create async engine
    engine = create_async_engine(
        settings.database_url,
        echo=settings.DEBUG,
        future=True,
    )

    # Create session factory
    AsyncSessionLocal = async_sessionmaker(
        engine,
        class_=AsyncSession,
        expire_on_commit=False,
    )

    async def get_db() -> AsyncGenerator[AsyncSession, None]:
        """Database session dependency."""
        async with AsyncSessionLocal() as session:
            try:
                yield session
            except Exception:
                await session.rollback()
                raise
            finally:
                await session.close()

    listed = (engine, AsyncSessionLocal, get_db)
    provided = (database.engine, database.AsyncSessionLocal, database.get_db)
    for an_engine, sessions, dependency in (listed, provided):
        assert an_engine.url.render_as_string(hide_password=False) == settings.database_url
        assert sessions.kw["expire_on_commit"] is False
        async with sessions() as session:
            assert type(session) is AsyncSession
        await assert_nothing_is_kept(dependency)
    await engine.dispose()


async def assert_nothing_is_kept(dependency: Callable[[], AsyncGenerator[AsyncSession, None]]) -> None:
    """Assert that an error in a request rolls back and closes its session, and that nothing else commits."""
    for error in (RuntimeError, None):
        request = dependency()
        session = await anext(request)
        session.add(User(email="unkept@example.com", username="unkept", hashed_password="-"))  # noqa: S106
        await session.flush()
        if error is None:
            assert await anext(request, None) is None
        else:
            with pytest.raises(error):
                await request.athrow(error())
        assert not session.in_transaction()
        assert list(session) == []
    async with database.AsyncSessionLocal() as session:
        assert await session.scalar(select(User.id).where(User.username == "unkept")) is None


@pytest.fixture
async def guide_client() -> AsyncIterator[AsyncClient]:
    """Yield a client of an application with the guide's endpoint."""
    router = APIRouter()

    # In FastAPI endpoints
    @router.get("/users/{user_id}", response_model=UserRead)  # the guide names no model: see test_guide_faults.py
    async def get_user(user_id: int, db: AsyncSession = Depends(get_db)):
        """Get user by ID."""
        result = await db.execute(select(User).where(User.id == user_id))
        user = result.scalar_one_or_none()
        if not user:
            raise HTTPException(status_code=404, detail="User not found")
        return user

    app = FastAPI()
    app.include_router(router)
    app.dependency_overrides = service.dependency_overrides  # none, unless the fixture `client` is in use
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_using_sessions(guide_client: AsyncClient, engine: AsyncEngine) -> None:
    response = await guide_client.get("/users/1")
    assert (response.status_code, response.json()) == (404, {"detail": "User not found"})


async def test_using_sessions_in_tests(client: AsyncClient, guide_client: AsyncClient, db: AsyncSession) -> None:
    user = await make_user(db, full_name="Ada")
    response = await guide_client.get(f"/users/{user.id}")
    assert response.status_code == 200
    assert response.json() == (await client.get(f"/api/v1/users/{user.id}")).json()
    assert (await guide_client.get(f"/users/{user.id + 1}")).status_code == 404


# Queries


async def test_basic_queries(db: AsyncSession) -> None:
    ada = await make_user(db)
    await make_post(db, ada, title="First")
    bob = await make_user(db, is_active=False)
    user_id = ada.id
    db.expunge_all()

    from sqlalchemy import delete, insert, select, update  # noqa: F401
    from sqlalchemy.orm import selectinload

    # Select single record
    result = await db.execute(select(User).where(User.id == user_id))
    user = result.scalar_one_or_none()
    assert user is not None
    assert user.id == user_id

    # Select multiple records
    result = await db.execute(select(User).where(User.is_active == True))
    users = result.scalars().all()
    assert [user.id for user in users] == [ada.id]

    # Select with relationships
    result = await db.execute(select(User).options(selectinload(User.posts)))
    users_with_posts = result.scalars().all()
    assert {user.id: [post.title for post in user.posts] for user in users_with_posts} == {
        ada.id: ["First"],
        bob.id: [],
    }


async def test_advanced_queries(db: AsyncSession) -> None:
    made = [await make_user(db, email=email) for email in ("a@example.com", "b@example.com", "c@example.org")]
    await make_user(db, email="d@example.com", is_active=False)
    await make_post(db, made[0], title="Python for everyone")
    await make_post(db, made[0], title="Gardening")
    user_id, skip, limit = made[0].id, 1, 2

    # Pagination
    result = await db.execute(select(User).offset(skip).limit(limit).order_by(User.created_at.desc()))
    users = result.scalars().all()
    assert users == [made[2], made[1]]

    # Filtering and searching
    result = await db.execute(select(User).where(User.email.contains("@example.com")).where(User.is_active == True))
    assert set(result.scalars()) == {made[0], made[1]}

    # Joins
    result = await db.execute(
        select(User, Post).join(Post, User.id == Post.author_id).where(Post.title.contains("Python"))
    )
    assert [(user.id, post.title) for user, post in result] == [(user_id, "Python for everyone")]

    # Aggregations
    from sqlalchemy import func

    result = await db.execute(select(func.count(Post.id)).where(Post.author_id == user_id))
    post_count = result.scalar()
    assert post_count == 2


async def test_soft_delete_queries(db: AsyncSession) -> None:
    live, deleted = await make_user(db), await make_user(db)
    deleted.soft_delete()
    await db.commit()

    # Filter active records only
    active_users = await db.execute(select(User).where(User.is_deleted == False))

    # Include soft-deleted records
    all_users = await db.execute(
        select(User)  # No filter on is_deleted
    )

    # Only soft-deleted records
    deleted_users = await db.execute(select(User).where(User.is_deleted == True))

    assert active_users.scalars().all() == [live]
    assert set(all_users.scalars()) == {live, deleted}
    assert deleted_users.scalars().all() == [deleted]


# Performance Optimization


async def test_query_optimization(db: AsyncSession, connection: AsyncConnection) -> None:
    ada = await make_user(db)
    await make_post(db, ada)
    await make_user(db, is_active=False)
    user_id = ada.id
    db.expunge_all()
    statements: list[str] = []

    @event.listens_for(connection.sync_connection, "before_cursor_execute")
    def count(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    # Eager loading relationships
    result = await db.execute(select(User).options(selectinload(User.posts)).where(User.id == user_id))
    user = result.scalar_one()
    assert len(user.posts) == 1
    assert sum("SELECT" in statement for statement in statements) == 2, "one for users, one for the posts of all"

    # Select specific columns
    result = await db.execute(select(User.id, User.email, User.username).where(User.is_active == True))
    assert result.all() == [(ada.id, ada.email, ada.username)]


async def test_connection_pooling(engine: AsyncEngine) -> None:
    database_url, provided = settings.database_url, engine

    # Configure connection pool
    engine = create_async_engine(
        database_url,
        pool_size=20,
        max_overflow=0,
        pool_pre_ping=True,
        pool_recycle=3600,
    )

    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1
    # SQLite has one writer at a time: there the pool is for those who read.
    ours = database.read_engine
    # Nor are connections to a file lost; those to PostgreSQL are tried once they have lain idle.
    pools: list[Any] = [engine.pool, ours.pool] + ([provided.pool] if POSTGRESQL else [])
    await engine.dispose()
    assert [(p.size(), p._max_overflow, p._recycle) for p in pools] == [(20, 0, 3600)] * len(pools)
    assert all(isinstance(pool, AsyncAdaptedQueuePool) for pool in pools)


async def test_bulk_operations(db: AsyncSession) -> None:
    idle = await make_user(db, email="idle@example.com", username="idle", is_active=False)
    busy = await make_user(db, email="busy@example.com", username="busy")

    # Bulk insert
    users_data = [
        {"email": "user1@example.com", "username": "user1", "hashed_password": "-"},  # the guide leaves the last one
        {"email": "user2@example.com", "username": "user2", "hashed_password": "-"},  # out: see test_guide_faults.py
    ]

    await db.execute(insert(User), users_data)
    await db.commit()

    # Bulk update
    await db.execute(update(User).where(User.is_active == False).values(is_deleted=True))
    await db.commit()

    stored = (await db.scalars(select(User).where(User.username.in_(["user1", "user2"])))).all()
    assert {user.email for user in stored} == {"user1@example.com", "user2@example.com"}
    assert all(user.is_active and user.created_at and not user.is_deleted for user in stored)
    await db.refresh(idle)
    await db.refresh(busy)
    assert (idle.is_deleted, busy.is_deleted) == (True, False)


# Testing


class TestTestDatabaseSetup:
    """The guide's fixture, on a database that is made for it: this project's own is made by migrations."""

    used: AsyncEngine

    @pytest.fixture(autouse=True)
    async def own_database(self, engine: AsyncEngine) -> AsyncIterator[None]:
        """Make the database, and at the end see that the guide's fixture has emptied it."""
        url = make_url(settings.test_database_url)
        await dev_database.create(url)
        yield
        async with self.used.connect() as connection:
            assert await connection.run_sync(lambda connection: inspect(connection).get_table_names()) == []
        await self.used.dispose()
        await dev_database.drop(url)

    # tests/conftest.py
    @pytest.fixture(scope="function")  # noqa: PT003
    async def db_session(self) -> AsyncSession:
        """Create test database session."""
        engine = create_async_engine(settings.test_database_url)

        async with engine.begin() as conn:
            await conn.run_sync(Base.metadata.create_all)

        TestSessionLocal = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

        async with TestSessionLocal() as session:
            yield session
            await session.rollback()

        async with engine.begin() as conn:
            await conn.run_sync(Base.metadata.drop_all)

    async def test_test_database_setup(self, db_session: AsyncSession) -> None:
        self.used = db_session.bind
        user = await make_user(db_session)
        await make_post(db_session, user)
        assert await db_session.scalar(select(func.count()).select_from(Post)) == 1


# Model Testing: both are the guide's, names and all.


def test_user_model():
    """Test user model creation."""
    user = User(
        email="test@example.com",
        username="testuser",
        hashed_password="hashed",  # noqa: S106
    )

    assert user.email == "test@example.com"
    assert user.is_active is True
    assert user.is_deleted is False


def test_soft_delete():
    """Test soft delete functionality."""
    user = User(email="test@example.com", username="test")

    user.soft_delete()
    assert user.is_deleted is True
    assert user.deleted_at is not None


# Monitoring


@pytest.fixture
def log_handlers() -> Iterator[None]:
    """Remove the handlers that `echo` adds to SQLAlchemy's loggers."""
    loggers = [logging.getLogger(name) for name in ("sqlalchemy.engine.Engine", "sqlalchemy.pool.impl")]
    loggers += [logging.getLogger("sqlalchemy"), logging.getLogger("sqlalchemy.pool.impl.AsyncAdaptedQueuePool")]
    before = [list(logger.handlers) for logger in loggers]
    yield
    for logger, handlers in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers


async def test_query_logging(engine: AsyncEngine, log_handlers: None, caplog: pytest.LogCaptureFixture) -> None:
    database_url = settings.database_url

    # Enable SQL logging in development
    engine = create_async_engine(
        database_url,
        echo=True,  # Log all SQL queries
        echo_pool=True,  # Log connection pool events
    )

    async with engine.connect() as connection:
        await connection.execute(text("SELECT 'a statement of the guide'"))
    await engine.dispose()
    said = [(record.name, record.getMessage()) for record in caplog.records]
    assert ("sqlalchemy.engine.Engine", "SELECT 'a statement of the guide'") in said
    assert any(name.startswith("sqlalchemy.pool") and "Pool disposed" in message for name, message in said)


async def test_performance_monitoring(engine: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def receive_before_cursor_execute(conn, cursor, statement, parameters, context, executemany):
        context._query_start_time = time.time()

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def receive_after_cursor_execute(conn, cursor, statement, parameters, context, executemany):
        total = time.time() - context._query_start_time
        if total > 0.1:  # Log slow queries
            logger.warning(f"Slow query: {total:.2f}s - {statement[:100]}")

    try:
        async with engine.connect() as connection:
            if not POSTGRESQL:
                raw: Any = (await connection.get_raw_connection()).driver_connection
                await raw.create_function("pg_sleep", 1, time.sleep)
            await connection.execute(text("SELECT 'fast'"))
            await connection.execute(text(f"SELECT pg_sleep(0.15) -- {'x' * 100}"))
            await connection.invalidate()
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", receive_before_cursor_execute)
        event.remove(engine.sync_engine, "after_cursor_execute", receive_after_cursor_execute)
    (warning,) = [record.getMessage() for record in caplog.records if record.name == logger.name]
    seconds, statement = warning.removeprefix("Slow query: ").split("s - ")
    assert 0.1 < float(seconds) < 10
    assert statement.startswith("SELECT pg_sleep(0.15)")
    assert len(statement) == 100
