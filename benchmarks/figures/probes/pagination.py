"""Measure pages and explain the statements of the services; runs inside a project with many rows.

The argument is the number of runs for each page. Prints JSON: `times` in seconds, and `plans`, the query plan of each
statement.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from my_service.core.database import AsyncSessionLocal, engine, get_read_db, read_engine
from my_service.core.pagination import cursor_of, paginate
from my_service.models.user import User
from my_service.schemas.post import PostCreate, PostUpdate
from my_service.schemas.user import UserCreate, UserUpdate
from my_service.services.post_service import PostService
from my_service.services.user_service import UserService
from sqlalchemy import event, select, text
from sqlalchemy.orm import selectinload

LIMIT = 100
EXPLAIN = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "


async def page(**where: int) -> None:
    """Read a page as a request does."""
    assert len(await UserService(await get_read_db()).get_users(limit=LIMIT, **where)) == LIMIT


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    """Return how long the work takes, in seconds."""
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def pages(runs: int) -> dict[str, list[float]]:
    """Return the times of the first page and of the last, by cursor and by position, measured alternately."""
    async with read_engine.connect() as connection:
        order = select(User.created_at, User.id).where(User.deleted_at.is_(None)).order_by(User.created_at, User.id)
        cursor = cursor_of((await connection.execute(order.offset(LIMIT).limit(1))).one())
        live = await connection.scalar(text("SELECT count(*) FROM users WHERE deleted_at IS NULL"))
    asked: dict[str, Callable[[], Awaitable[None]]] = {
        "first page": page,
        "last page, by cursor": lambda: page(cursor=cursor),
        "last page, by position": lambda: page(skip=live - LIMIT),
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    for run in range(runs + 1):
        for name, work in asked.items():
            took = await timed(work)
            if run:
                times[name].append(took)
    return times


async def use_the_services() -> None:
    """Call each method of each service."""
    async with AsyncSessionLocal() as db:
        users, posts = UserService(db), PostService(db)
        user = await users.create_user(UserCreate(email="new@example.com", username="new", password="correct horse"))
        post = await posts.create_post(PostCreate(title="New", content="text", author_id=user.id))
        await users.update_user(user.id, UserUpdate(full_name="New"))
        await posts.update_post(post.id, PostUpdate(content="new"))
        await posts.delete_post(post.id)
        await posts.restore_post(post.id)
        await users.delete_user(user.id)
        await users.restore_user(user.id)
    reader = await get_read_db()
    await UserService(reader).get_user(user.id)
    await PostService(reader).get_post(post.id)
    for queries in (UserService(reader).get_users, PostService(reader).get_posts):
        await queries()
        await queries(skip=LIMIT)
        await queries(cursor=cursor_of(user))
    authors = select(User).options(selectinload(User.posts)).where(User.deleted_at.is_(None))
    await reader.scalars(paginate(authors, User, limit=50))


async def plans() -> dict[str, list[str]]:
    """Return the query plan of each statement of the services."""
    asked: dict[str, Any] = {}

    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            asked[statement] = parameters[0] if executemany else parameters

    for one in (engine, read_engine):
        event.listen(one.sync_engine, "before_cursor_execute", listen)
    await use_the_services()
    for one in (engine, read_engine):
        event.remove(one.sync_engine, "before_cursor_execute", listen)
    found: dict[str, list[str]] = {}
    async with engine.connect() as connection:
        for statement, parameters in asked.items():
            rows = await connection.exec_driver_sql(EXPLAIN + statement, parameters)
            found[statement] = [str(row[-1]) for row in rows]
    return found


async def main() -> None:
    """Measure, then explain."""
    times = await pages(int(sys.argv[1]))
    print(json.dumps({"times": times, "plans": await plans()}))


asyncio.run(main())
