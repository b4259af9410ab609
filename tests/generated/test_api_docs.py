"""/docs and /openapi.json, and which pages in a browser may call the API."""

import re

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import ValidationError

from my_service.core.config import Settings, settings
from my_service.main import create_app

PAGE = "https://app.example.com"


def client_of_a_new_app() -> AsyncClient:
    """Return a client of the application with the settings of the test."""
    return AsyncClient(transport=ASGITransport(create_app()), base_url="http://test")


async def test_docs_load_nothing_from_elsewhere(client: AsyncClient) -> None:
    assert (await client.get("/")).headers["Location"] == "docs"
    page = (await client.get("/docs")).text
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) == 3
    for file in files:
        assert file.startswith("/")
        assert (await client.get(file)).status_code == 200
    assert "http" not in re.sub(r"<!DOCTYPE[^>]*>", "", page)


async def test_docs_are_off_in_production_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", "production")
    async with client_of_a_new_app() as client:
        for path in ("/", "/docs", "/redoc", "/openapi.json"):
            assert (await client.get(path)).status_code == 404, path
    monkeypatch.setattr(settings, "API_DOCS", True)
    async with client_of_a_new_app() as client:
        assert (await client.get("/docs")).status_code == 200
    monkeypatch.setattr(settings, "ENVIRONMENT", "development")
    monkeypatch.setattr(settings, "API_DOCS", False)
    async with client_of_a_new_app() as client:
        assert (await client.get("/openapi.json")).status_code == 404


async def test_operation_ids_are_the_names_of_the_functions(client: AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    ids = sorted(operation["operationId"] for path in paths.values() for operation in path.values())
    assert {"live", "ready"} <= {*ids}
    assert len(ids) == len({*ids})
    assert all(name.isidentifier() for name in ids)


async def test_pages_of_the_listed_origins_may_call_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CORS_ORIGINS", [PAGE])
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "Authorization"}
    async with client_of_a_new_app() as client:
        for origin, allowed in ((PAGE, PAGE), ("https://other.example.com", None)):
            for path in ("/health/live", "/nowhere"):
                answer = await client.get(path, headers={"Origin": origin})
                assert answer.headers.get("Access-Control-Allow-Origin") == allowed
            preflight = await client.options("/health/live", headers={"Origin": origin} | asked)
            assert (preflight.status_code == 200) is (allowed is not None)
            assert preflight.headers.get("Access-Control-Allow-Origin") == allowed
        assert preflight.headers.get("Access-Control-Allow-Credentials") == "true"
    monkeypatch.setattr(settings, "CORS_ORIGINS", [])
    async with client_of_a_new_app() as client:
        answer = await client.get("/health/live", headers={"Origin": PAGE})
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"{PAGE}, http://localhost:3000")
    assert Settings().CORS_ORIGINS == [PAGE, "http://localhost:3000"]
    for wrong in ("*", "app.example.com", f"{PAGE}/path"):
        monkeypatch.setenv("CORS_ORIGINS", wrong)
        with pytest.raises(ValidationError, match="CORS_ORIGINS"):
            Settings()
