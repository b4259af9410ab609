"""Whether the service runs, and whether it can work."""

import asyncio
import logging
from typing import Literal

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel
from sqlalchemy import text

from ..core.config import settings
from ..core.database import read_engine
from .responses import Problem

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/live")
async def live() -> Health:
    """The process answers; when it does not, restart it."""
    return Health()


@router.get("/ready", responses={503: {"model": Problem, "description": "The database does not answer."}})
async def ready() -> Health:
    """The database answers; while it does not, send no requests here."""
    try:
        async with asyncio.timeout(settings.READINESS_TIMEOUT), read_engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:  # drivers raise their own, the system's, or none of both
        logger.warning("Not ready: %s", type(error).__name__)
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "the database does not answer") from error
    return Health()
