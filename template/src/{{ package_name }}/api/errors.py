"""Turn errors into responses: {"detail": …}."""

import logging
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ..core.database import backend
from ..core.logging import request_id
from ..db.session import Conflict

logger = logging.getLogger(__name__)


class ErrorResponse(BaseModel):
    """What went wrong, in one sentence."""

    detail: str
    request_id: str | None = None


def _document(status_code: int, description: str) -> dict[int | str, dict[str, Any]]:
    return {status_code: {"model": ErrorResponse, "description": description}}


# Responses of routes, as OpenAPI documents them.
BAD_REQUEST = _document(400, "The body cannot be decoded.")
NOT_FOUND = _document(404, "The row does not exist.")
CONFLICT = _document(409, "The stored rows do not allow this.")
TOO_LARGE = _document(413, "The body is too large.")
UNAVAILABLE = _document(503, "The service cannot do this now. Retry-After says when to try again.")


def error_response(status_code: int, detail: Any, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response to an error. All error bodies are made here. A 5xx names the request, for those who ask."""
    named = {"request_id": request_id.get()} if status_code >= 500 and request_id.get() else {}
    return JSONResponse({"detail": detail, **named}, status_code, headers)


async def _http_exception(request: Request, error: HTTPException) -> Response:
    if error.status_code in {204, 304}:  # these have no body
        return Response(status_code=error.status_code, headers=error.headers)
    return error_response(error.status_code, error.detail, error.headers)


async def _method_not_allowed(request: Request, error: HTTPException) -> Response:
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


async def _validation_error(request: Request, error: RequestValidationError) -> Response:
    # Leave out the input: it may be a password.
    problems = [{key: item[key] for key in ("type", "loc", "msg")} for item in error.errors()]
    return error_response(422, problems)


async def _conflict(request: Request, error: Conflict) -> Response:
    return error_response(409, str(error))


async def _integrity_error(request: Request, error: IntegrityError) -> Response:
    # Two requests can pass the same check at once. The constraint decides.
    if columns := backend.violated_unique_columns(error):
        return error_response(409, f"{' and '.join(columns)} already taken")
    if backend.is_foreign_key_violation(error):
        return error_response(409, "a referenced row does not exist, or it is still referenced")
    raise error


async def _database_error(request: Request, error: DBAPIError) -> Response:
    if backend.is_unavailable(error):
        return await _unavailable(request, error.orig or error)
    raise error


async def _unavailable(request: Request, error: BaseException) -> Response:
    # Log the reason, but keep it from the client: it may name hosts and users.
    logger.warning("Unavailable: %s: %s", type(error).__name__, " ".join(str(error).split())[:500])
    return error_response(503, "the service cannot do this now; try again later", {"Retry-After": "1"})


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    HTTPException: _http_exception,
    status.HTTP_405_METHOD_NOT_ALLOWED: _method_not_allowed,
    RequestValidationError: _validation_error,
    Conflict: _conflict,
    IntegrityError: _integrity_error,
    DBAPIError: _database_error,
    # No free connection, and network errors that the driver does not wrap.
    **dict.fromkeys((PoolTimeoutError, ConnectionError, TimeoutError, socket.gaierror), _unavailable),
}
