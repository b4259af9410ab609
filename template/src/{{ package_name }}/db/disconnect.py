"""Cancel the queries of clients that have disconnected."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Shorter requests need no task that watches them.
WATCH_AFTER_SECONDS = 1


class CancelOnDisconnectMiddleware:
    """Cancel a GET whose client has disconnected, and with it the running query.

    Requests that may write run to their end, as if the client had waited.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and watch for the disconnect."""
        request = asyncio.current_task()
        if request is None or scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or _has_body(scope):
            await self.app(scope, receive, send)
            return
        watch: asyncio.Task[None] | None = None
        disconnected = False

        def start() -> None:
            nonlocal watch
            watch = asyncio.create_task(wait())

        async def wait() -> None:
            nonlocal disconnected
            while (await receive())["type"] != "http.disconnect":
                pass
            disconnected = True
            request.cancel()

        def stop() -> None:
            timer.cancel()
            if watch is not None:
                watch.cancel()

        async def send_response(message: Message) -> None:
            # Once the response has begun, the server reports the disconnect to its sender.
            stop()
            await send(message)

        timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, start)
        try:
            await self.app(scope, receive, send_response)
        except asyncio.CancelledError:
            if not disconnected or request.uncancel():
                raise  # the server cancels the request
        finally:
            stop()


def _has_body(scope: Scope) -> bool:
    # Waiting for the disconnect would take the body from the application.
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )
