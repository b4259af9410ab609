"""The last resort: a fault of the service is logged, and told to nobody."""

import logging

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


class UnexpectedErrors:
    """Answers 500 to what nothing else handles, and logs it; the client learns nothing of it.

    Starlette answers too, but then raises the error on to the server, which closes the connection under the next
    request of that client, or of a proxy's other clients.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            logger.exception("Unexpected error")
            await JSONResponse({"detail": "internal error"}, 500)(scope, receive, send)
