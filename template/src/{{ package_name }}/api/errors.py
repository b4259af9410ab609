"""Turns what went wrong into responses: {"detail": …}."""

import logging
import socket

from fastapi import FastAPI, HTTPException, Request, status
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response
from starlette.routing import Match

from ..core.dialect import is_foreign_key_error, is_unavailable, taken_columns
from ..core.errors import Conflict

logger = logging.getLogger(__name__)


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


async def _method_not_allowed(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    # Of several routes at one path, the first alone was asked which methods it has.
    asked = {key: request.scope[key] for key in ("type", "app", "path", "root_path", "headers")}
    allowed = (
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**asked, "method": method})[0] is Match.FULL for route in request.app.router.routes)
    )
    allow = {"Allow": ", ".join(allowed)}
    return await http_exception_handler(request, HTTPException(error.status_code, error.detail, allow))


async def _database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)  # noqa: S101
    if is_unavailable(error):
        return await _unavailable(request, error.orig or error)
    raise error


async def _unavailable(request: Request, error: BaseException) -> Response:
    # The client is not told why: the reason may name hosts and users.
    logger.warning("Unavailable: %s: %s", type(error).__name__, " ".join(str(error).split())[:500])
    detail = "this cannot be done now; try again later"
    unavailable = HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, detail, {"Retry-After": "1"})
    return await http_exception_handler(request, unavailable)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # Not what was sent: it may be a password.
    problems = [{key: item[key] for key in ("type", "loc", "msg")} for item in error.errors()]
    return await request_validation_exception_handler(request, RequestValidationError(problems))


def handle_errors(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(405, _method_not_allowed)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(IntegrityError, _integrity_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(DBAPIError, _database_error)
    # No free connection; and what the driver does not make its own: nobody answers, or not in time.
    for error in (PoolTimeoutError, ConnectionError, TimeoutError, socket.gaierror):
        app.add_exception_handler(error, _unavailable)
