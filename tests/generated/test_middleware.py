"""Limits and headers of every response."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient

from my_service.core.config import settings
from my_service.main import app

SIZE = settings.MAX_BODY_SIZE


@pytest.mark.parametrize("announced", [True, False], ids=["Content-Length", "chunked"])
async def test_too_large_body_returns_413(announced: bool) -> None:
    reading = FastAPI(middleware=app.user_middleware)

    @reading.post("/")
    async def read(request: Request) -> int:
        return len(await request.body())

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 65_536):
            yield b"x" * min(65_536, size - start)

    async with AsyncClient(transport=ASGITransport(reading), base_url="http://test") as client:
        for size, status, answer in [
            (SIZE, 200, SIZE),
            (SIZE + 1, 413, {"detail": f"the body is larger than {SIZE} bytes"}),
        ]:
            response = await client.post("/", content=b"x" * size if announced else pieces(size))
            assert (response.status_code, response.json()) == (status, answer)


@pytest.mark.parametrize("path", ["/health/live", "/docs", "/nowhere"])
async def test_every_response_has_security_headers(client: AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"


async def test_wrong_method_returns_405_with_the_allowed_ones(client: AsyncClient) -> None:
    response = await client.delete("/health/live")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD")
