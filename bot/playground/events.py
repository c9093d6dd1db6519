"""What happens in one person's chat, as server-sent events: the chat page lives on this."""

import re
from collections.abc import AsyncIterator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.playground.people import Event, Person, Wire
from bot.playground.play import PERSON, reply
from bot.playground.state import Playground

HEARTBEAT = 15.0
"""Seconds between comments that keep the connection from looking dead."""


class EventStream:
    """``GET /play/users/{id}/events``.

    Kinds: ``message``, ``edited`` (the message), ``deleted`` {message_ids}, ``seen`` {message_id},
    ``action`` {action}, ``answer`` {callback_query_id, message_id, text, show_alert}, ``keyboard``
    {keyboard}, ``keyboard_used``, ``blocked``, and ``reset`` when too much was missed: read everything again.
    A reconnecting client's Last-Event-ID (or ``?since=E``) is where it goes on; without one it starts now.
    """

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.routes = [Route(f"{PERSON}/events", self._events, methods=["GET"])]

    async def _events(self, request: Request) -> Response:
        person = self.playground.people.get(request.path_params["user_id"])
        if person is None:
            return reply({"error": "there is no such person"}, 404)
        asked = request.headers.get("last-event-id") or request.query_params.get("since")
        newest = person.events[-1].number if person.events else 0
        if asked is not None and not re.fullmatch(r"[0-9]{1,18}", asked):
            return reply({"error": "since must be a whole number"}, 422)
        return StreamingResponse(
            self._stream(person, int(asked) if asked is not None else newest),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def _stream(self, person: Person, since: int) -> AsyncIterator[bytes]:
        # Something at once, so that the client knows that it is connected.
        yield b": hello\n\n"
        while not self.playground.closing:
            news = _newer(person, since)
            if news is None:
                since = person.events[-1].number
                yield _frame(since, "reset", {})
            elif news:
                since = news[-1].number
                yield b"".join(filter(None, (_render(person, event) for event in news)))
            elif not await person.bell.wait(HEARTBEAT):
                yield b": still here\n\n"


def _newer(person: Person, since: int) -> list[Event] | None:
    """None when some of what came after ``since`` is forgotten."""
    news: list[Event] = []
    for event in reversed(person.events):
        if event.number <= since:
            break
        news.append(event)
    if len(news) == person.events.maxlen:
        return None
    news.reverse()
    return news


def _render(person: Person, event: Event) -> bytes | None:
    if event.kind in ("message", "edited"):
        message = person.log.get(event.data["message_id"])
        # Deleted meanwhile: its own event follows.
        return _frame(event.number, event.kind, message.view()) if message is not None else None
    return _frame(event.number, event.kind, event.data)


def _frame(number: int, kind: str, data: Wire) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), orjson.dumps(data))
