"""The schema changes under load, as a deployment changes it: no request is answered with 500."""

import asyncio
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from .service import PostgreSQLDatabase, Service

pytestmark = [
    pytest.mark.faults,
    pytest.mark.anyio,
    pytest.mark.parametrize("database", ["own server"], indirect=True),
]

CHANGES = [
    "ALTER TABLE users ADD COLUMN phone varchar(20)",
    "ALTER TABLE users ALTER COLUMN full_name TYPE varchar(300)",
    "ALTER TABLE users ADD COLUMN seen integer NOT NULL DEFAULT 0",
    "ALTER TABLE users ALTER COLUMN username TYPE varchar(100)",
    "ALTER TABLE users DROP COLUMN phone",
]


async def test_a_schema_change_under_load_gives_no_500(
    serve: Callable[..., Service], database: PostgreSQLDatabase
) -> None:
    service = serve(probe="clients", workers=2)
    keys = [await service.create_user(f"user{number}") for number in range(8)]
    answers: Counter[tuple[str, int]] = Counter()
    stopped = asyncio.Event()

    async def ask(http: httpx.AsyncClient, number: int) -> None:
        user = f"/api/v1/users/{keys[number]}"
        while not stopped.is_set():
            for method, path in (("GET", "/api/v1/users"), ("GET", user), ("PATCH", user)):
                body = {"full_name": "Ada"} if method == "PATCH" else None
                answers[method, (await http.request(method, path, json=body)).status_code] += 1

    async with service.client() as http:
        load = [asyncio.create_task(ask(http, number)) for number in range(8)]
        for change in CHANGES:
            await asyncio.sleep(1)
            await asyncio.to_thread(database.server.execute, change, database.name)
        await asyncio.sleep(1)
        stopped.set()
        await asyncio.gather(*load)
    print(dict(answers))
    assert {status for _, status in answers} == {200}
