"""The measured routes on Starlette and asyncpg's own pool: `uvicorn baselines.postgresql:app` with DATABASE_URL."""

import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

USER = "id, email, username, full_name, is_active, created_at, updated_at"
POST = "id, title, slug, description, content, author_id, created_at, updated_at"
ONE = f"SELECT {USER} FROM users WHERE id = $1 AND deleted_at IS NULL"
PAGE = f"SELECT {USER} FROM users WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2"
POSTS = f"SELECT {POST} FROM posts WHERE author_id = ANY($1) AND deleted_at IS NULL"
INSERT = f"INSERT INTO posts (title, content, author_id) VALUES ($1, $2, $3) RETURNING {POST}"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Keep as many connections as the service that these routes are compared with."""
    size = int(os.environ["DATABASE_POOL_SIZE"])
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=size, max_size=size) as pool:
        app.state.pool = pool
        yield


def _json(row: asyncpg.Record) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


async def user(request: Request) -> Response:
    """Answer one user."""
    row = await request.app.state.pool.fetchrow(ONE, request.path_params["key"])
    return JSONResponse(_json(row)) if row else JSONResponse({"detail": "not found"}, 404)


async def users(request: Request) -> Response:
    """Answer a page of users, newest first."""
    limit, offset = int(request.query_params["limit"]), int(request.query_params["offset"])
    return JSONResponse([_json(row) for row in await request.app.state.pool.fetch(PAGE, limit, offset)])


async def users_with_posts(request: Request) -> Response:
    """Answer a page of users, newest first, each with their posts."""
    limit, offset = int(request.query_params["limit"]), int(request.query_params["offset"])
    async with request.app.state.pool.acquire() as connection:
        page = await connection.fetch(PAGE, limit, offset)
        found = await connection.fetch(POSTS, [row["id"] for row in page])
    posts = defaultdict[int, list[dict[str, Any]]](list)
    for row in found:
        posts[row["author_id"]].append(_json(row))
    return JSONResponse([_json(row) | {"posts": posts[row["id"]]} for row in page])


async def create_post(request: Request) -> Response:
    """Store a post, and commit before the response."""
    sent = await request.json()
    row = await request.app.state.pool.fetchrow(INSERT, sent["title"], sent["content"], sent["author_id"])
    return JSONResponse(_json(row), 201)


app = Starlette(
    routes=[
        Route("/users/{key:int}", user),
        Route("/users", users),
        Route("/users-with-posts", users_with_posts),
        Route("/posts", create_post, methods=["POST"]),
    ],
    lifespan=lifespan,
)
