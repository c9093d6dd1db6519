"""The chat page and the files its messages show, with headers that let nothing else in."""

import re
from pathlib import Path
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.playground.play import reply
from bot.playground.state import Playground

STATIC: Final = Path(__file__).parent / "static"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "testserver")
_PORT = re.compile(r":\d+$")
_SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=()",
}


class Page:
    """``/``, ``/static/…`` and ``/play/files/{file_id}``."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self._names = {path.name for path in STATIC.iterdir()}
        self.routes = [
            Route("/", self._index, methods=["GET"]),
            Route("/favicon.ico", self._icon, methods=["GET"]),
            Route("/static/{name}", self._static, methods=["GET"]),
            Route("/play/files/{file_id}", self._file, methods=["GET"]),
        ]

    async def _index(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    async def _icon(self, request: Request) -> Response:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._names:
            return reply({"error": "there is no such file"}, 404)
        return FileResponse(STATIC / name, headers={"Cache-Control": "no-cache"})

    async def _file(self, request: Request) -> Response:
        file = self.playground.files.get(request.path_params["file_id"])
        if file is None:
            return reply({"error": "there is no such file"}, 404)
        # Only pictures are shown in place: anything else could run as a page of this origin.
        if file.content_type in _SHOWN:
            return Response(file.data, media_type=file.content_type, headers={"Cache-Control": "private, max-age=3600"})
        return Response(file.data, media_type="application/octet-stream", headers={"Content-Disposition": "attachment"})


class Guard:
    """Security headers on every answer of the page and the user side; strangers' pages are turned away.

    A name that resolves to this machine (DNS rebinding) or a form on some other site must not be able to act
    as one of the people here, so Host has to be loopback and Origin, where a browser sends it, the page's own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/bot", "/file/")):
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        origin = headers.get(b"origin")
        foreign = origin is not None and origin != f"{scope['scheme']}://{host}"
        if foreign or _PORT.sub("", host) not in _LOOPBACK:
            await reply({"error": "this page is for this machine only"}, 403)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, guarded)
