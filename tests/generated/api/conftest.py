"""A client of the planets."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncConnection

from my_service.api import router
from my_service.api.errors import handle_errors
from my_service.main import app as main

from . import planets_api


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Return the application with one more router."""
    monkeypatch.setattr(router, "API", [*router.API, planets_api.router])
    app = FastAPI(middleware=main.user_middleware)
    handle_errors(app)
    router.include_routers(app)
    return app


@pytest.fixture
async def planets(connection: AsyncConnection, app: FastAPI) -> AsyncIterator[AsyncClient]:
    """Yield a client of the planets; its requests work in the transaction of the test."""
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test/api/v1") as client:
        yield client
