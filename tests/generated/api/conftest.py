"""A client of the planets."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection

from my_service.api.router import ROUTERS
from my_service.main import create_app

from . import planets_api


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Return the application with one more router."""
    monkeypatch.setattr("my_service.main.ROUTERS", [*ROUTERS, planets_api.router])
    return create_app()


@pytest.fixture
async def planets(connection: AsyncConnection, app: FastAPI) -> AsyncIterator[AsyncClient]:
    """Yield a client of the planets; its requests work in the transaction of the test."""
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test/api/v1") as client:
        yield client
