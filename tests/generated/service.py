"""A service of one route, on any database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from my_service.api.dependencies import WriteDB
from my_service.api.errors import EXCEPTION_HANDLERS
from my_service.core.database import get_db, transaction
from my_service.main import app as main

from .engines import open_writer


@asynccontextmanager
async def serve(
    url: URL, statement: str = "SELECT 1", **options: float
) -> AsyncIterator[tuple[AsyncEngine, AsyncClient]]:
    """Yield the engine and a client of a service with impatient timeouts; POST / executes the statement."""
    app = FastAPI(middleware=main.user_middleware, exception_handlers=EXCEPTION_HANDLERS)

    @app.post("/")
    async def write(db: WriteDB) -> None:
        async with transaction(db):
            await db.execute(text(statement))

    engine = open_writer(url, **{"lock_timeout": 0.1, "statement_timeout": 0.3} | options)

    async def session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session

    app.dependency_overrides[get_db] = session
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield engine, client
    await engine.dispose()


def check_unavailable(response: Response) -> None:
    """Check that the response asks for a retry and does not give the reason."""
    assert response.json()["detail"] == "the service cannot do this now; try again later"
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
