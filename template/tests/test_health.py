"""Liveness and readiness."""

import pytest
from httpx import AsyncClient


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_running_service_returns_200(client: AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
