"""The Bot API side: ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.playground import methods_bot, methods_messages
from bot.playground.body import BodyError, Form, read_form
from bot.playground.errors import ApiError, Garbled
from bot.playground.params import Call
from bot.playground.state import Playground
from bot.playground.webhook import Delivery

Method = Callable[[Call], Awaitable[Any]]
METHODS: dict[str, Method] = {**methods_bot.METHODS, **methods_messages.METHODS}
_BY_LOWER_NAME = {name.lower(): (name, method) for name, method in METHODS.items()}
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")


class BotApi:
    """Answers a bot's calls on a playground."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.delivery = Delivery(playground.updates, self._execute)
        self.routes = [
            Route("/bot{call:path}", self._call, methods=["GET", "POST"]),
            Route("/file/bot{rest:path}", self._download, methods=["GET"]),
        ]

    async def close(self) -> None:
        self.playground.close()
        await self.delivery.stop()

    async def _call(self, request: Request) -> Response:
        token, _, name = request.path_params["call"].partition("/")
        # Read before anything is refused: a client still writing its body would see a broken pipe instead.
        try:
            form = await read_form(request)
        except BodyError as error:
            prefix = "Bad Request: " if error.status == 400 else ""
            return _refuse(ApiError(error.status, f"{prefix}{error.message}"))
        if token != self.playground.token:
            malformed = not _TOKEN.fullmatch(token)
            return _refuse(ApiError(404, "Not Found") if malformed else ApiError(401, "Unauthorized"))
        found = _BY_LOWER_NAME.get(name.lower())
        if found is None:
            return _refuse(ApiError(404, "Not Found"))
        try:
            result = await self._run(*found, form)
        except ApiError as error:
            return _refuse(error)
        return Response(orjson.dumps({"ok": True, "result": result}), media_type="application/json")

    async def _run(self, name: str, method: Method, form: Form) -> Any:
        fault = self.playground.faults.take(name, form.fields.get("chat_id"))
        error = fault.error() if fault is not None else None
        if fault is not None and error is not None and not fault.executed:
            await asyncio.sleep(fault.delay)
            self.playground.outbox.count(name, error)
            raise error
        try:
            result = await method(Call(self.playground, self.delivery, form))
        except ApiError as refusal:
            self.playground.outbox.count(name, refusal)
            raise
        self.playground.outbox.count(name, error)
        if fault is not None:
            await asyncio.sleep(fault.delay)
            if error is not None:
                raise error
        return result

    async def _execute(self, name: str, fields: dict[str, Any]) -> None:
        """A call that came back in a webhook's answer: its result is nobody's to see."""
        found = _BY_LOWER_NAME.get(name.lower())
        if found is not None:
            with contextlib.suppress(ApiError):
                await self._run(*found, Form(fields))

    async def _download(self, request: Request) -> Response:
        token, _, path = request.path_params["rest"].partition("/")
        if token != self.playground.token:
            return _refuse(ApiError(401, "Unauthorized"))
        file = self.playground.files.at(path)
        if file is None:
            return _refuse(ApiError(404, "Not Found"))
        return Response(file.data, media_type="application/octet-stream")


def _refuse(error: ApiError) -> Response:
    if isinstance(error, Garbled):
        return Response(error.description, status_code=error.status, media_type="text/html")
    headers = {"Retry-After": str(error.parameters["retry_after"])} if "retry_after" in error.parameters else None
    return Response(
        orjson.dumps(error.body()), status_code=error.status, headers=headers, media_type="application/json"
    )
