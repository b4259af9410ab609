"""What every route of the API does: pages, errors, methods, authentication."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from httpx import AsyncClient
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from my_service.api import auth
from my_service.api.auth import get_current_user
from my_service.core.config import settings
from my_service.core.pagination import cursor_of, paginate
from my_service.main import app as main
from my_service.main import lifespan
from my_service.schemas.base import Omittable, RequestSchema

from ..planets import Planet


async def store(db: AsyncSession, count: int) -> list[int]:
    """Store some planets, and return their ids, newest first."""
    planets = []
    for number in range(count):
        planets.append(Planet(name=f"planet {number}"))
        db.add(planets[-1])
        await db.commit()
    return [planet.id for planet in planets][::-1]


async def test_list_is_paginated_newest_first(planets: AsyncClient, db_session: AsyncSession) -> None:
    ids = await store(db_session, 5)

    async def page(**parameters: Any) -> tuple[list[int], str | None]:
        body = (await planets.get("/planets", params=parameters)).json()
        return [planet["id"] for planet in body["items"]], body["next"]

    assert await page() == (ids, None)
    found, second = await page(limit=2)
    assert found == ids[:2]
    found, third = await page(limit=2, cursor=second)
    assert found == ids[2:4]
    assert await page(limit=2, cursor=third) == (ids[4:], None)
    assert await page(limit=2, skip=3) == (ids[3:], None)
    assert (await planets.delete(f"/planets/{ids[1]}")).status_code == 204
    assert await page(limit=2, cursor=second) == (ids[2:4], third)
    await db_session.execute(delete(Planet))
    assert await page(limit=2, cursor=second) == ([], None)


async def test_rows_of_any_time_have_a_next_page(planets: AsyncClient, db_session: AsyncSession) -> None:
    ids = await store(db_session, 3)
    times = [datetime.max.replace(tzinfo=UTC), datetime(1601, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]
    for key, created_at in zip(ids, times, strict=True):
        await db_session.execute(update(Planet).where(Planet.id == key).values(created_at=created_at))
    seen, cursor = [], ""
    while cursor is not None:
        body = (await planets.get("/planets", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [planet["id"] for planet in body["items"]]
        cursor = body["next"]
    assert seen == ids


async def test_rows_that_are_deleted_between_pages_move_no_other(
    planets: AsyncClient, db_session: AsyncSession
) -> None:
    """Whatever order the ids have: each row that stays comes once."""
    ids = await store(db_session, 40)
    chance = Random(16)  # noqa: S311
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=chance.randrange(20)) for _ in ids]
    for key, created_at in zip(ids, times, strict=True):
        await db_session.execute(update(Planet).where(Planet.id == key).values(created_at=created_at))
    seen: list[int] = []
    cursor: str | None = ""
    deleted: set[int] = set()
    while cursor is not None:
        body = (await planets.get("/planets", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [planet["id"] for planet in body["items"]]
        cursor = body["next"]
        gone = {seen[-1], chance.choice(ids)}  # the row of the cursor among them
        deleted |= gone
        await db_session.execute(delete(Planet).where(Planet.id.in_(gone)))
    assert len(seen) == len(set(seen))
    assert {*seen} | deleted == {*ids}


async def test_pages_can_be_part_of_one_statement(db_session: AsyncSession) -> None:
    ids = await store(db_session, 4)
    rows = {planet.id: planet for planet in await db_session.scalars(select(Planet))}
    cursors = [cursor_of(rows[ids[position]]) for position in (0, 2)]
    after = [paginate(select(Planet.id), Planet, limit=1, cursor=cursor) for cursor in cursors]
    found = await db_session.scalars(select(Planet.id).where(or_(*map(Planet.id.in_, after))).order_by(Planet.id))
    assert found.all() == [ids[3], ids[1]]


async def test_a_slash_too_many_returns_404(planets: AsyncClient) -> None:
    """A redirect would repeat the body, and lead to whatever host the client names."""
    for response in (await planets.get("/planets/"), await planets.post("/planets/", json={"name": "mars"})):
        assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


async def test_taken_value_returns_409(planets: AsyncClient) -> None:
    assert (await planets.post("/planets", json={"name": "mars"})).status_code == 201
    response = await planets.post("/planets", json={"name": "mars"})
    assert (response.status_code, response.json()) == (409, {"detail": "name already taken"})


async def test_null_for_a_required_column_returns_422(planets: AsyncClient) -> None:
    mars = (await planets.post("/planets", json={"name": "mars", "note": "red"})).json()
    path = f"/planets/{mars['id']}"
    assert (await planets.patch(path, json={"name": None})).status_code == 422
    assert (await planets.patch(path, json={"unknown": 1})).status_code == 422
    assert (await planets.patch(path, json={"note": None})).json() == mars | {"note": None}


def test_field_that_may_be_omitted_is_described_without_null() -> None:
    class Change(RequestSchema):
        count: Omittable[int] = None
        either: Omittable[int | str] = None

    described = Change.model_json_schema()["properties"]
    assert described["count"] == {"title": "Count", "type": "integer"}
    assert described["either"] == {"title": "Either", "anyOf": [{"type": "integer"}, {"type": "string"}]}


async def test_wrong_method_returns_405_with_the_allowed_ones(planets: AsyncClient) -> None:
    response = await planets.put("/planets/1")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, PATCH, DELETE, HEAD")


async def test_every_route_of_the_api_asks_for_the_user(planets: AsyncClient, app: FastAPI) -> None:
    async def nobody() -> None:
        raise HTTPException(401, "who are you?")

    app.dependency_overrides[get_current_user] = nobody
    routes = [(path, method) for path, methods in app.openapi()["paths"].items() for method in methods]
    api = [(path, method) for path, method in routes if path.startswith("/api/")]
    assert ("/api/v1/planets", "post") in api
    for path, method in api:
        url = "http://test" + path.replace("{planet_id}", "1").replace("{user_id}", "1").replace("{post_id}", "1")
        assert (await planets.request(method, url)).status_code == 401, (path, method)
    assert (await planets.get("http://test/health/ready")).status_code == 200


async def test_production_does_not_start_while_anyone_may_use_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", "production")
    with pytest.raises(RuntimeError, match="Replace get_current_user"):
        async with lifespan(main):
            pass


def test_own_dependency_may_be_used_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    async def current_user() -> str:
        return "ada"

    assert auth.check_auth_configured() != []
    monkeypatch.setattr(auth, "get_current_user", current_user)
    assert auth.check_auth_configured() == []
