"""Turns what went wrong into responses: {"detail": …}."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request, status
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from ..core.dialect import is_foreign_key_error, taken_columns
from ..core.errors import Conflict


class Problem(BaseModel):
    """What went wrong, in a sentence."""

    detail: str


NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such row."}}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "It does not fit what is stored."}}


async def _conflict(request: Request, error: Exception) -> Response:
    return await http_exception_handler(request, HTTPException(status.HTTP_409_CONFLICT, str(error)))


async def _integrity_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, IntegrityError)  # noqa: S101
    # Two requests may race past any check made beforehand; the constraint has the last word.
    if taken := taken_columns(error):
        return await _conflict(request, Conflict(f"{' and '.join(taken)} already taken"))
    if is_foreign_key_error(error):
        return await _conflict(request, Conflict("it refers to a row that does not exist"))
    raise error


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # Not what was sent: it may be a password.
    problems = [{key: item[key] for key in ("type", "loc", "msg")} for item in error.errors()]
    return await request_validation_exception_handler(request, RequestValidationError(problems))


def handle_errors(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(IntegrityError, _integrity_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
