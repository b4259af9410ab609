"""The application on SQLite, where every COMMIT takes half a second."""

import asyncio

from probed.core.database import engine
from probed.main import app
from sqlalchemy import Connection, event
from sqlalchemy.util import await_only

__all__ = ["app"]


@event.listens_for(engine.sync_engine, "commit")
def _wait(connection: Connection) -> None:
    await_only(asyncio.sleep(0.5))
