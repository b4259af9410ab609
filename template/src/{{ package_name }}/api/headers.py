"""Headers that every response has."""

from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = [
    # What is sent as JSON is not to be taken for a page.
    (b"x-content-type-options", b"nosniff"),
    # No other site shows /docs in a frame, to have it clicked.
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    # Rows are for the one who asked, not for caches on the way. A route may say otherwise.
    (b"cache-control", b"no-store"),
]


class SecurityHeaders:
    """Adds headers that a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to its response."""
        await self.app(scope, receive, partial(self._send, send) if scope["type"] == "http" else send)

    async def _send(self, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            given = {name for name, _ in headers}
            message["headers"] = headers + [header for header in _HEADERS if header[0] not in given]
        await send(message)
