"""Read one row by key through one more layer at a time: `uvicorn baselines.layers:starlette` or `:fastapi`.

Set DATABASE_URL. Each layer is minimal: no middleware, statements built once, and a transaction only if the name says so.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, DateTime, bindparam, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .postgresql import ONE, lifespan, user


class Base(DeclarativeBase):
    """The base of the only model, User."""


class User(Base):
    """The columns of the response, and `deleted_at` for the filter."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    email: Mapped[str]
    username: Mapped[str]
    full_name: Mapped[str | None]
    is_active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UserRead(BaseModel):
    """The response."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    username: str
    full_name: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


engine = create_async_engine(
    make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg"),
    pool_size=int(os.environ["DATABASE_POOL_SIZE"]),
    isolation_level="AUTOCOMMIT",
)
in_transactions = create_async_engine(engine.url, pool_size=int(os.environ["DATABASE_POOL_SIZE"]))
sessions = async_sessionmaker(engine, expire_on_commit=False)
sessions_in_transactions = async_sessionmaker(in_transactions, expire_on_commit=False)
BY_ID = select(User).where(User.id == bindparam("id"), User.deleted_at.is_(None))
COLUMNS = select(*(getattr(User, name) for name in UserRead.model_fields)).where(*BY_ID._where_criteria)


def as_json(row: Any) -> Response:
    """Return the attributes of a row or an object as a JSON response."""
    if row is None:
        return JSONResponse({"detail": "not found"}, 404)
    values = ((name, getattr(row, name)) for name in UserRead.model_fields)
    return JSONResponse({name: value.isoformat() if isinstance(value, datetime) else value for name, value in values})


async def by_connection(request: Request) -> Response:
    """Answer one user, through SQLAlchemy's connection."""
    async with engine.connect() as connection:
        return as_json((await connection.execute(COLUMNS, {"id": request.path_params["key"]})).one_or_none())


async def by_session(request: Request) -> Response:
    """Answer one user, through SQLAlchemy's session."""
    async with sessions() as session:
        return as_json(await session.scalar(BY_ID, {"id": request.path_params["key"]}))


starlette = Starlette(
    routes=[
        Route("/driver/{key:int}", user),
        Route("/connection/{key:int}", by_connection),
        Route("/session/{key:int}", by_session),
    ],
    lifespan=lifespan,
)


@asynccontextmanager
async def pool(app: FastAPI) -> AsyncIterator[None]:
    """Open the driver's pool while the application runs."""
    async with lifespan(app):
        yield


fastapi = FastAPI(lifespan=pool)


async def get_db() -> AsyncIterator[AsyncSession]:
    """Yield a session for the request."""
    async with sessions() as session:
        yield session


async def get_db_in_transaction() -> AsyncIterator[AsyncSession]:
    """Yield a session for the request, with SQLAlchemy's default: the session begins a transaction."""
    async with sessions_in_transactions() as session:
        yield session


def found(row: Any) -> Any:
    """Return the row.

    Raises:
        HTTPException: there is no row; 404.
    """
    if row is None:
        raise HTTPException(404, "not found")
    return row


@fastapi.get("/driver/{key}", response_model=UserRead)
async def one_by_driver(key: int) -> Any:
    """Answer one user, through the driver's pool."""
    return dict(found(await fastapi.state.pool.fetchrow(ONE, key)))


@fastapi.get("/connection/{key}", response_model=UserRead)
async def one_by_connection(key: int) -> Any:
    """Answer one user, through SQLAlchemy's connection."""
    async with engine.connect() as connection:
        return found((await connection.execute(COLUMNS, {"id": key})).one_or_none())


@fastapi.get("/session/{key}", response_model=UserRead)
async def one_by_session(key: int, db: Annotated[AsyncSession, Depends(get_db)]) -> Any:
    """Answer one user, through SQLAlchemy's session."""
    return found(await db.scalar(BY_ID, {"id": key}))


@fastapi.get("/transaction/{key}", response_model=UserRead)
async def one_in_transaction(key: int, db: Annotated[AsyncSession, Depends(get_db_in_transaction)]) -> Any:
    """Answer one user, through SQLAlchemy's session, in a transaction."""
    return found(await db.scalar(BY_ID, {"id": key}))


@fastapi.get("/nothing/{key}")
async def nothing(key: int) -> dict[str, int]:
    """Answer without a database."""
    return {"id": key}
