"""How much a client may send."""

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .responses import Problem


class BodyLimit:
    """Answers 413 to a body of more than `size` bytes; Starlette's own limit does so in plain text at times."""

    def __init__(self, app: ASGIApp, size: int) -> None:
        self.app = app
        self.size = size
        self.problem = Problem(detail=f"the body is larger than {size} bytes")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before it is read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if length.isdigit() and (len(length) > 18 or int(length) > self.size):
            await JSONResponse(self.problem.model_dump(), 413)(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.size:
                raise HTTPException(413, self.problem.detail)
            return message

        await self.app(scope, limited, send)
