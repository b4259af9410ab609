"""Imports the project in the current folder, asks it whether it is alive, and prints its title; writes the first
revision, and the SQL of it."""

import asyncio
import io
from importlib import import_module
from pathlib import Path

import alembic.command
import httpx
from alembic.config import Config
from fastapi import FastAPI


async def ask(app: FastAPI) -> str:
    """Return the title of a service that is alive."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        live = await client.get("/health/live")
        title: str = (await client.get("/openapi.json")).json()["info"]["title"]
    assert live.json() == {"status": "ok"}, live.text
    return title


package = next(Path("src").iterdir()).name
print(asyncio.run(ask(import_module(f"{package}.main").app)))
import_module("scripts.revision").initial()
sql = io.StringIO()
alembic.command.upgrade(Config(toml_file="pyproject.toml", output_buffer=sql), "head", sql=True)
assert "CREATE TABLE alembic_version" in sql.getvalue(), "no SQL"
