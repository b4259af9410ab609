"""Cancel the queries of clients that have disconnected."""

import asyncio
from functools import partial

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
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or _has_body(scope):
            await self.app(scope, receive, send)
            return
        watch = _DisconnectWatch(receive)
        try:
            await self.app(scope, receive, partial(watch.send, send))
        except asyncio.CancelledError:
            if not watch.disconnected or watch.request.uncancel():
                raise  # the server cancels the request
        finally:
            watch.stop()


def _has_body(scope: Scope) -> bool:
    # Waiting for the disconnect would take the body from the application.
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


class _DisconnectWatch:
    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.disconnected = False
        request = asyncio.current_task()
        assert request is not None  # noqa: S101
        self.request = request
        self.task: asyncio.Task[None] | None = None
        self.timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self.start)

    def start(self) -> None:
        self.task = asyncio.create_task(self.wait())

    async def wait(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.disconnected = True
        self.request.cancel()

    async def send(self, send: Send, message: Message) -> None:
        # Once the response has begun, the server reports the disconnect to its sender.
        self.stop()
        await send(message)

    def stop(self) -> None:
        self.timer.cancel()
        if self.task is not None:
            self.task.cancel()
