"""Log lines: for people in development, JSON in production. Each request is one line, and has an id that all its lines carry."""

import json
import logging.config
import re
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

# Empty outside of a request.
request_id: ContextVar[str] = ContextVar("request_id", default="")
_WELL_FORMED = re.compile(rb"[\w.-]{1,64}")
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}


class TextFormatter(logging.Formatter):
    """Time, level, logger, request and message; a traceback below."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(request_id)s%(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.request_id = f"[{request_id.get()}] " if request_id.get() else ""
        return super().format(record)


class JSONFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, request_id, what `extra` holds, and a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        try:
            return json.dumps(extra | line, default=str, ensure_ascii=False, allow_nan=False)
        except Exception:  # a value that JSON has not must not cost the line
            return json.dumps({"extra": repr(sorted(extra))} | line, ensure_ascii=False)


def configure_logging(level: str, *, as_json: bool) -> None:
    """Send all loggers to standard error, those of uvicorn and SQLAlchemy too."""
    through_root = {"handlers": [], "propagate": True}
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": JSONFormatter if as_json else TextFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": level, "handlers": ["stderr"]},
            "loggers": {
                "uvicorn": through_root,
                "uvicorn.error": through_root,
                # RequestLogMiddleware writes a line for each request.
                "uvicorn.access": {"handlers": [], "propagate": False},
                "sqlalchemy.engine.Engine": through_root,
                # They tell what they do at each start, and httpx the whole URL of each request.
                "alembic": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
                f"{__name__.partition('.')[0]}.db.pool": {"level": "WARNING"},
            },
        }
    )


class RequestLogMiddleware:
    """Give each request an id, and log a line when it ends: method, route, status, milliseconds.

    The line has the template of the path, and no query: values may be secrets. A proxy may send the id as X-Request-ID.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        # Each request has a context of its own, so nothing needs to be reset.
        request_id.set(given.decode() if _WELL_FORMED.fullmatch(given) else uuid.uuid4().hex[:16])
        started = time.perf_counter()
        status = 0  # the client disconnected

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.get().encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            line = {
                "method": scope["method"],
                "route": _template(scope),
                "status": status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }
            logger.info("%(method)s %(route)s %(status)d %(ms).1f ms", line, extra=line)


def _template(scope: Scope) -> str:
    """Return the path with the names of its parameters instead of their values."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return "unknown"
    path = str(scope["path"])  # a route does not know the prefix of its router
    for name, value in reversed(scope.get("path_params", {}).items()):
        path, found = re.subn(rf"^(.*)/{re.escape(str(value))}(?=/|$)", rf"\1/{{{name}}}", path, count=1)
        if not found:
            return str(route)
    return path
