"""How large a request may be: told before it is read, so that nobody takes memory by sending much."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_UPLOAD_BYTES = 20_000_000
MAX_BYTES = 250_000
"""A form with the longest note there may be, every character of it written as twelve bytes, is a quarter of this."""
UPLOADS = frozenset({"/exports/label-studio"})
DIGITS = 15

Told = Callable[[Request, Exception], Awaitable[Response]]


class SizeLimit:
    """Turns away what says that it is too large, and stops reading what turns out to be; `told` answers the first."""

    def __init__(self, app: ASGIApp, *, told: Told) -> None:
        self._app, self._told = app, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body counted while it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MAX_BYTES + (MAX_UPLOAD_BYTES if scope["path"] in UPLOADS else 0)
        if _declared(scope) > most:
            answer = await self._told(Request(scope), _too_large(most))
            await answer(scope, receive, send)
            return
        await self._app(scope, _counted(receive, most), send)


def _declared(scope: Scope) -> float:
    told = Headers(scope=scope).get("content-length", "")
    if len(told) > DIGITS:
        return float("inf")
    return int(told) if told.isdecimal() else 0


def _counted(receive: Receive, most: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"this is too large: at most {most:,} bytes are taken here")
