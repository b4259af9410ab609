"""Turn errors into responses: {"detail": …}."""

import logging
import socket
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from ..core.database import backend
from ..db.session import Conflict

logger = logging.getLogger(__name__)


def error_response(status_code: int, detail: Any, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response to an error. All error bodies are made here."""
    return JSONResponse({"detail": detail}, status_code, headers)


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    if error.status_code in {204, 304}:  # these have no body
        return Response(status_code=error.status_code, headers=error.headers)
    return error_response(error.status_code, error.detail, error.headers)


async def _method_not_allowed(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    # FastAPI has one route for each method of a path, and lists only the methods of the first one.
    scope = {key: request.scope[key] for key in ("type", "app", "path", "root_path", "headers")}
    allowed = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in request.app.router.routes)
    ]
    if "GET" in allowed:
        allowed.append("HEAD")
    return error_response(error.status_code, error.detail, {"Allow": ", ".join(allowed)})


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # Leave out the input: it may be a password.
    problems = [{key: item[key] for key in ("type", "loc", "msg")} for item in error.errors()]
    return error_response(status.HTTP_422_UNPROCESSABLE_CONTENT, problems)


async def _conflict(request: Request, error: Exception) -> Response:
    return error_response(status.HTTP_409_CONFLICT, str(error))


async def _integrity_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, IntegrityError)  # noqa: S101
    # Two requests can pass the same check at once. The constraint decides.
    if columns := backend.violated_unique_columns(error):
        return error_response(status.HTTP_409_CONFLICT, f"{' and '.join(columns)} already taken")
    if backend.is_foreign_key_violation(error):
        return error_response(status.HTTP_409_CONFLICT, "a referenced row does not exist, or it is still referenced")
    raise error


async def _database_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)  # noqa: S101
    if backend.is_unavailable(error):
        return await _unavailable(request, error.orig or error)
    raise error


async def _unavailable(request: Request, error: BaseException) -> Response:
    # Log the reason, but keep it from the client: it may name hosts and users.
    logger.warning("Unavailable: %s: %s", type(error).__name__, " ".join(str(error).split())[:500])
    detail = "the service cannot do this now; try again later"
    return error_response(status.HTTP_503_SERVICE_UNAVAILABLE, detail, {"Retry-After": "1"})


def add_error_handlers(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(StarletteHTTPException, _http_exception)
    app.add_exception_handler(status.HTTP_405_METHOD_NOT_ALLOWED, _method_not_allowed)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(IntegrityError, _integrity_error)
    app.add_exception_handler(DBAPIError, _database_error)
    # No free connection, and network errors that the driver does not wrap.
    for unavailable in (PoolTimeoutError, ConnectionError, TimeoutError, socket.gaierror):
        app.add_exception_handler(unavailable, _unavailable)
