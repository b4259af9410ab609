"""Liveness and readiness probes."""

import asyncio
import logging
from typing import Literal

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel
from sqlalchemy import text

from ..core.config import settings
from ..core.database import read_engine
from .errors import ErrorResponse

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """The probe succeeds."""

    status: Literal["ok"] = "ok"


@router.get("/live")
async def live() -> Health:
    """Tell that the process answers. If it does not, restart it."""
    return Health()


@router.get("/ready", responses={503: {"model": ErrorResponse, "description": "The database does not answer."}})
async def ready() -> Health:
    """Tell whether the database answers. While it does not, send no requests to this process."""
    try:
        async with asyncio.timeout(settings.READINESS_TIMEOUT), read_engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:  # drivers raise their own errors and those of the operating system
        logger.warning("Not ready: %s", type(error).__name__)
        retry = {"Retry-After": "1"}
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "the database does not answer", retry) from error
    return Health()
