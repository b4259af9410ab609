"""Compare the responses of a service with its database, so that a service with fast errors cannot win."""

import asyncio
import time
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from ..harness.postgresql import Database
from .peer import Routes

USER = ("id", "email", "username", "full_name", "is_active", "created_at", "updated_at")
POST = ("id", "title", "slug", "description", "content", "author_id", "created_at", "updated_at")
PAGE = 50
_SLOW_COMMIT = """
    CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON posts DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slow_commit();
"""


class WrongAnswerError(Exception):
    """A response differs from the database."""


def check(url: str, routes: Routes, database: Database) -> None:
    """Request every route once and compare the responses with the database, which is unchanged afterwards.

    The database must have two pages of users with posts. No row may be deleted, because not every peer has soft delete.
    Texts must not begin or end with spaces, because one peer strips them. No other client may write during the check.

    Raises:
        WrongAnswerError: a response differs.
    """
    asyncio.run(_check(url, routes, database))


async def _check(url: str, routes: Routes, database: Database) -> None:
    connection = await asyncpg.connect(database.url())
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            key = await connection.fetchval("SELECT id FROM users WHERE id >= (SELECT max(id) / 2 FROM users) LIMIT 1")
            last = await connection.fetchval("SELECT max(id) FROM users")
            one = await _get(client, routes.user.format(key=key), 200)
            _compare("one user", one, (await _rows(connection, "users", USER, "id = $1", key))[0])
            await _get(client, routes.user.format(key=last + 1), 404)

            pages = []
            for offset in (0, PAGE):
                page = _items(routes, await _get(client, routes.users.format(limit=PAGE, offset=offset), 200))
                pages.append(await _compare_users(connection, page))
            if pages[0] == pages[1]:
                raise WrongAnswerError(f"GET {routes.users}: the same page twice")

            page = _items(routes, await _get(client, routes.users_with_posts.format(limit=PAGE, offset=0), 200))
            theirs = sorted((post for user in page for post in user.pop("posts")), key=lambda post: post["id"])
            keys = await _compare_users(connection, page)
            _compare("posts", theirs, await _rows(connection, "posts", POST, "author_id = ANY($1)", keys))

            sent = {"title": "Checked", "content": "Ünï", "author_id": key}
            answer = await client.post(routes.posts, json=sent)
            if answer.status_code not in (200, 201):
                raise WrongAnswerError(f"POST {routes.posts}: {answer.status_code} {answer.text[:300]}")
            until = time.monotonic() + 5  # it may commit after it responds
            while not (stored := await _rows(connection, "posts", POST, "title = 'Checked'")):
                if time.monotonic() > until:
                    raise WrongAnswerError(f"POST {routes.posts}: {answer.status_code}, but no row")
                await asyncio.sleep(0.01)
            _compare("a new post", _plain(answer.json()), stored[0])
            _compare("what was sent", {name: stored[0][name] for name in sent}, sent)
            await connection.execute("DELETE FROM posts WHERE title = 'Checked'")
    finally:
        await connection.close()


def commits(url: str, routes: Routes, database: Database) -> str:
    """Return whether a POST commits "before" or "after" it responds, measured with a slow commit."""
    return asyncio.run(_commits(url, routes, database))


async def _commits(url: str, routes: Routes, database: Database) -> str:
    connection = await asyncpg.connect(database.url())
    try:
        author = await connection.fetchval("SELECT min(id) FROM users")
        await connection.execute(_SLOW_COMMIT)
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            await client.get(routes.user.format(key=author))  # opens the database connection
            start = time.perf_counter()
            answer = await client.post(routes.posts, json={"title": "Slow", "content": "x", "author_id": author})
            answer.raise_for_status()
            took = time.perf_counter() - start
        return "before" if took > 0.5 else "after"
    finally:
        await asyncio.sleep(0.6)
        await connection.execute("DROP FUNCTION slow_commit CASCADE; DELETE FROM posts WHERE title = 'Slow'")
        await connection.close()


async def _rows(
    connection: Any, table: str, columns: tuple[str, ...], where: str, *parameters: object
) -> list[dict[str, Any]]:
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY id"
    return [dict(row) for row in await connection.fetch(sql, *parameters)]


async def _compare_users(connection: Any, page: list[dict[str, Any]]) -> list[int]:
    """Compare a page of users with their rows, ignoring the order, and return their keys."""
    answered = sorted(page, key=lambda user: user["id"])
    keys = [user["id"] for user in answered]
    _compare("how many users", len(page), PAGE)
    _compare("users", answered, await _rows(connection, "users", USER, "id = ANY($1)", keys))
    return keys


async def _get(client: httpx.AsyncClient, path: str, status: int) -> Any:
    answer = await client.get(path)
    if answer.status_code != status:
        raise WrongAnswerError(f"GET {path}: {answer.status_code} instead of {status}: {answer.text[:300]}")
    return _plain(answer.json())


def _plain(answer: Any) -> Any:
    """Return a response with its datetimes parsed, because two texts can mean the same datetime."""
    if isinstance(answer, list):
        return [_plain(item) for item in answer]
    if not isinstance(answer, dict):
        return answer
    return {
        name: datetime.fromisoformat(value) if name.endswith("_at") else _plain(value) for name, value in answer.items()
    }


def _items(routes: Routes, page: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = page[routes.items] if routes.items else page
    return items


def _compare(what: str, answered: Any, expected: Any) -> None:
    if answered != expected:
        raise WrongAnswerError(f"{what}: answered {answered}, and the database holds {expected}")
