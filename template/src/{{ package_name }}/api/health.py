"""Liveness and readiness probes."""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel
from sqlalchemy import Connection, text

from ..core.config import settings
from ..core.database import read_engine
from .errors import ErrorResponse

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["health"])
RETRY = {"Retry-After": "1"}
# Each returns why the service is not ready, or None. `make dev` adds a check for pending migrations.
readiness_checks: list[Callable[[Connection], str | None]] = []


class Health(BaseModel):
    """The probe succeeds."""

    status: Literal["ok"] = "ok"


@router.get("/live")
async def live() -> Health:
    """Return 200 while the process runs. If it does not, restart it."""
    return Health()


@router.get("/ready", responses={503: {"model": ErrorResponse, "description": "The service is not ready."}})
async def ready() -> Health:
    """Tell whether the database answers and the readiness checks pass. On a 503, send no requests to this process."""
    detail = "the database does not answer"
    try:
        async with asyncio.timeout(settings.READINESS_TIMEOUT), read_engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            detail = "a readiness check failed"
            reasons = [await connection.run_sync(check) for check in readiness_checks]
    except Exception as error:  # drivers raise their own errors and those of the operating system
        logger.warning("Not ready: %s", type(error).__name__)
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, detail, RETRY) from error
    if reason := next(filter(None, reasons), None):
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, reason, RETRY)
    return Health()
