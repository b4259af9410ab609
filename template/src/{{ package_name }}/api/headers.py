"""Headers that every response has."""

from functools import partial

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    # What is sent as JSON is not to be taken for a page.
    "X-Content-Type-Options": "nosniff",
    # No other site shows /docs in a frame, to have it clicked.
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # Rows are for the one who asked, not for caches on the way. A route may say otherwise.
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Adds headers that a response does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to its response."""
        await self.app(scope, receive, partial(self._send, send) if scope["type"] == "http" else send)

    async def _send(self, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)
