"""Clients that go away before they are answered."""

import asyncio
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATIENCE = 1  # seconds; most requests end sooner, and then cost no task of their own


class StopAbandonedReads:
    """Cancels a GET whose client is gone, and with it the query that runs for nobody.

    Whatever may write runs to its end, so that it is done or not, as if the client had waited.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and watch over it."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or _has_body(scope):
            await self.app(scope, receive, send)
            return
        watch = _Watch(receive)
        try:
            await self.app(scope, receive, partial(watch.send, send))
        except asyncio.CancelledError:
            if not watch.client_is_gone or watch.request.uncancel():
                raise  # someone else cancels it
        finally:
            watch.end()


def _has_body(scope: Scope) -> bool:
    # Whoever waits for the client to go would take the body from the application.
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


class _Watch:
    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.client_is_gone = False
        request = asyncio.current_task()
        assert request is not None  # noqa: S101
        self.request = request
        self.task: asyncio.Task[None] | None = None
        self.timer = asyncio.get_running_loop().call_later(_PATIENCE, self.begin)

    def begin(self) -> None:
        self.task = asyncio.create_task(self.wait())

    async def wait(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.client_is_gone = True
        self.request.cancel()

    async def send(self, send: Send, message: Message) -> None:
        # An answer has begun: the server tells whoever sends it when the client is gone.
        self.end()
        await send(message)

    def end(self) -> None:
        self.timer.cancel()
        if self.task is not None:
            self.task.cancel()
