"""Whether a service answers what its database holds: one that answers errors fast must never win."""

import asyncio
import time
from datetime import datetime
from typing import Any

import asyncpg
import httpx
from postgresql import Database

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
    """A service does not answer what its database holds."""


def check(url: str, routes: Routes, database: Database) -> None:
    """Ask every route once and compare the answer with the database, which is left as it was.

    There must be at least `PAGE` users, and some with posts; nothing else may write meanwhile.

    Raises:
        WrongAnswerError: an answer differs.
    """
    asyncio.run(_check(url, routes, database))


async def _check(url: str, routes: Routes, database: Database) -> None:
    connection = await asyncpg.connect(database.url())
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            users = {row["id"]: row for row in await _rows(connection, "users", USER)}
            posts = {row["id"]: row for row in await _rows(connection, "posts", POST)}
            key = list(users)[len(users) // 2]
            one = await _get(client, routes.user.format(key=key), 200)
            _compare("one user", one, users[key])
            await _get(client, routes.user.format(key=max(users) + 1), 404)

            for offset in (0, len(users) - PAGE):
                page = _items(routes, await _get(client, routes.users.format(limit=PAGE, offset=offset), 200))
                _compare("how many users", len({user["id"] for user in page}), PAGE)
                for user in page:
                    _compare("a user of a page", user, users[user["id"]])

            page = _items(routes, await _get(client, routes.users_with_posts.format(limit=PAGE, offset=0), 200))
            _compare("how many users with posts", len({user["id"] for user in page}), PAGE)
            for user in page:
                theirs = sorted(user.pop("posts"), key=lambda post: post["id"])
                _compare("a user with posts", user, users[user["id"]])
                _compare("the posts of a user", theirs, [p for p in posts.values() if p["author_id"] == user["id"]])

            sent = {"title": "Checked", "content": "Ünï", "author_id": key}
            answer = await client.post(routes.posts, json=sent)
            if answer.status_code not in (200, 201):
                raise WrongAnswerError(f"POST {routes.posts}: {answer.status_code} {answer.text[:300]}")
            until = time.monotonic() + 5  # it may commit later than it answers
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
    """Return whether a POST commits "before" it answers or "after" that, seen by a commit that takes long."""
    return asyncio.run(_commits(url, routes, database))


async def _commits(url: str, routes: Routes, database: Database) -> str:
    connection = await asyncpg.connect(database.url())
    try:
        author = await connection.fetchval("SELECT min(id) FROM users")
        await connection.execute(_SLOW_COMMIT)
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            await client.get(routes.user.format(key=author))  # has connected
            start = time.perf_counter()
            answer = await client.post(routes.posts, json={"title": "Slow", "content": "x", "author_id": author})
            answer.raise_for_status()
            took = time.perf_counter() - start
        return "before" if took > 0.5 else "after"
    finally:
        await asyncio.sleep(0.6)
        await connection.execute("DROP FUNCTION slow_commit CASCADE; DELETE FROM posts WHERE title = 'Slow'")
        await connection.close()


async def _rows(connection: Any, table: str, columns: tuple[str, ...], where: str = "true") -> list[dict[str, Any]]:
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {where} AND deleted_at IS NULL ORDER BY id"  # noqa: S608
    return [dict(row) for row in await connection.fetch(sql)]


async def _get(client: httpx.AsyncClient, path: str, status: int) -> Any:
    answer = await client.get(path)
    if answer.status_code != status:
        raise WrongAnswerError(f"GET {path}: {answer.status_code} instead of {status}: {answer.text[:300]}")
    return _plain(answer.json())


def _plain(answer: Any) -> Any:
    """Return an answer with its moments as moments: two texts may mean the same one."""
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
