"""The user side: what a person with a phone does, as plain HTTP, for scripts, tests and the chat page.

Everything takes and gives JSON; photos and documents come as multipart. Bad input answers 4xx with
``{"error": …}``. ``GET …/messages`` understands, besides ``after=N`` (messages with a greater number):
``since=E`` (messages changed after event E, deleted ones as ``{"message_id", "deleted": true}``; the newest
event is in the header ``X-Playground-Event`` of every answer, and as ``event`` on every message),
``limit=N`` (the newest N only) and ``wait=S`` (answer as soon as there is something, at the latest after S seconds).
"""

import functools
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.playground.body import BodyError, Form, Upload, read_bytes, read_form
from bot.playground.entities import find_entities
from bot.playground.errors import ApiError, PlayError
from bot.playground.faults import Fault
from bot.playground.inputs import (
    Contact,
    Edit,
    Location,
    NewFault,
    NewPerson,
    NewUpdate,
    Press,
    Sticker,
    Text,
    Voice,
    read_input,
)
from bot.playground.params import MAX_CAPTION, MAX_TEXT, flat
from bot.playground.people import HISTORY, Message, Person, Wire
from bot.playground.state import Playground

MAX_PARTS = 10
MAX_WAIT = 60.0

Handler = Callable[[Request], Awaitable[Response]]


class _PersonId(IntegerConvertor):
    regex = "[0-9]{1,16}"  # Starlette's own takes numbers that Python refuses to read


register_url_convertor("person", _PersonId())
PERSON = "/play/users/{user_id:person}"


class UserSide:
    """Routes of the user side for one playground."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        person = PERSON
        self.routes = [
            self._route("POST", "/play/users", self._add),
            self._route("GET", "/play/users", self._people),
            self._route("GET", person, self._card),
            self._route("POST", f"{person}/messages", self._text),
            self._route("GET", f"{person}/messages", self._messages),
            self._route("POST", f"{person}/edits", self._edit),
            self._route("POST", f"{person}/contact", self._contact),
            self._route("POST", f"{person}/photo", self._photo),
            self._route("POST", f"{person}/document", self._document),
            self._route("POST", f"{person}/location", self._location),
            self._route("POST", f"{person}/sticker", self._sticker),
            self._route("POST", f"{person}/voice", self._voice),
            self._route("POST", f"{person}/taps", self._tap),
            self._route("GET", f"{person}/taps/{{tap_id}}", self._answer),
            self._route("POST", f"{person}/block", self._block),
            self._route("POST", f"{person}/unblock", self._unblock),
            self._route("POST", "/play/updates", self._update),
            self._route("POST", "/play/faults", self._fault),
            self._route("GET", "/play/faults", self._faults),
            self._route("DELETE", "/play/faults", self._no_faults),
            self._route("GET", "/play/outbox", self._outbox),
            self._route("GET", "/play/healthz", self._health),
        ]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        @functools.wraps(handler)
        async def endpoint(request: Request) -> Response:
            try:
                return await handler(request)
            except PlayError as error:
                return reply({"error": error.message}, error.status)
            except BodyError as error:
                return reply({"error": error.message}, error.status)
            except ApiError as error:
                return reply({"error": error.description}, error.status)

        return Route(path, endpoint, methods=[method])

    # People

    async def _add(self, request: Request) -> Response:
        wanted = await read_input(request, NewPerson)
        person = self.playground.add_person(
            wanted.first_name,
            last_name=wanted.last_name,
            username=wanted.username,
            phone=wanted.phone,
            language_code=wanted.language_code,
            note=wanted.note,
            user_id=wanted.id,
            started=wanted.started,
        )
        return reply(person.card(), 201)

    async def _people(self, request: Request) -> Response:
        return reply([person.card() for person in self.playground.people.values()])

    async def _card(self, request: Request) -> Response:
        """One person, with what their app knows of the bot: its name, description and commands."""
        person = self._person(request)
        profile, language = self.playground.profile, person.language
        bot = {
            "name": profile.text("name", language),
            "username": self.playground.bot["username"],
            "description": profile.text("description", language),
            "short_description": profile.text("short_description", language),
            "commands": profile.commands_for(person.id, language),
            "menu_button": profile.button(person.id),
        }
        return reply({**person.card(), "bot": bot}, event=self._newest(person))

    # What a person sends

    async def _text(self, request: Request) -> Response:
        person = self._person(request)
        wanted = await read_input(request, Text)
        if len(wanted.text) > MAX_TEXT * MAX_PARTS:
            raise PlayError(413, f"at most {MAX_TEXT * MAX_PARTS} characters")
        # Apps cut a long text into messages of 4,096 characters; a bot never sees a longer one.
        parts = [wanted.text[at : at + MAX_TEXT].strip() for at in range(0, len(wanted.text), MAX_TEXT)]
        extras: Wire = {}
        if wanted.reply_to is not None:
            extras["reply_to_message"] = flat(self._known(person, wanted.reply_to))
        sent = [self.playground.say(person, {**extras, **_worded(part)}) for part in parts if part]
        return self._sent(sent)

    async def _edit(self, request: Request) -> Response:
        person = self._person(request)
        wanted = await read_input(request, Edit)
        if len(wanted.text) > MAX_TEXT:
            raise PlayError(413, f"at most {MAX_TEXT} characters")
        return reply(self.playground.revise(person, wanted.message_id, _worded(wanted.text)).view())

    async def _contact(self, request: Request) -> Response:
        """``{}`` shares the person's own number; with ``phone_number`` it is a card from the address book."""
        person = self._person(request)
        wanted = await read_input(request, Contact)
        contact: Wire
        extras: Wire = {}
        if wanted.phone_number is None:
            contact = {"phone_number": person.shared_phone, "first_name": person.user["first_name"]}
            if "last_name" in person.user:
                contact["last_name"] = person.user["last_name"]
            contact["user_id"] = person.id
            keyboard = person.keyboard
            if keyboard is not None and _asks_contact(keyboard):
                # Apps send the number as a reply to the message whose button asked for it.
                extras["reply_to_message"] = flat(keyboard)
        else:
            contact = {"phone_number": wanted.phone_number, "first_name": wanted.first_name or "联系人"}
            if wanted.last_name is not None:
                contact["last_name"] = wanted.last_name
            if wanted.user_id is not None:
                contact["user_id"] = wanted.user_id
        return self._sent([self.playground.say(person, {**extras, "contact": contact})])

    async def _photo(self, request: Request) -> Response:
        """One file is a photo, several are an album; a field ``caption`` goes under the first, ``reply_to`` is as with
        texts."""
        person = self._person(request)
        form = await _read_files(request)
        photos = [self.playground.files.add_photo(upload.data) for _, upload in form.files]
        return self._send_media(person, "photo", [photo.content for photo in photos], form)

    async def _document(self, request: Request) -> Response:
        person = self._person(request)
        form = await _read_files(request)
        documents = [
            self.playground.files.add_document(upload.name, upload.content_type, upload.data)
            for _, upload in form.files
        ]
        return self._send_media(person, "document", [document.content for document in documents], form)

    def _send_media(self, person: Person, kind: str, contents: list[Any], form: Form) -> Response:
        caption = str(form.fields.get("caption") or "").strip()[:MAX_CAPTION]
        common: Wire = {"media_group_id": str(secrets.randbits(53))} if len(contents) > 1 else {}
        answered = str(form.fields.get("reply_to") or "")
        if answered:
            if not answered.isdecimal():
                raise PlayError(422, "reply_to must be the number of a message")
            common["reply_to_message"] = flat(self._known(person, int(answered)))
        sent: list[Message] = []
        for content in contents:
            wire = {**common, kind: content}
            if caption and not sent:
                wire["caption"] = caption
                entities = find_entities(caption)
                if entities:
                    wire["caption_entities"] = entities
            sent.append(self.playground.say(person, wire))
        return self._sent(sent)

    async def _location(self, request: Request) -> Response:
        person = self._person(request)
        wanted = await read_input(request, Location)
        return self._sent([self.playground.say(person, {"location": wanted.model_dump()})])

    async def _sticker(self, request: Request) -> Response:
        person = self._person(request)
        wanted = await read_input(request, Sticker)
        file = self.playground.files.add_sticker(wanted.emoji, b"RIFF\x04\x00\x00\x00WEBP")
        return self._sent([self.playground.say(person, {"sticker": file.content})])

    async def _voice(self, request: Request) -> Response:
        person = self._person(request)
        wanted = await read_input(request, Voice)
        file = self.playground.files.add_voice(wanted.duration, b"OggS" + bytes(24))
        return self._sent([self.playground.say(person, {"voice": file.content})])

    async def _tap(self, request: Request) -> Response:
        """Any data can be sent, also of a button that is gone. The answer: see ``GET …/taps/{id}``."""
        person = self._person(request)
        wanted = await read_input(request, Press)
        tap = self.playground.tap(person, wanted.message_id, wanted.data)
        return reply({"callback_query_id": tap.tap_id, "message_id": wanted.message_id, "data": wanted.data}, 201)

    async def _answer(self, request: Request) -> Response:
        person = self._person(request)
        tap = self.playground.find_tap(request.path_params["tap_id"])
        if tap is None or tap.person is not person:
            raise PlayError(404, "there is no such tap")
        if tap.answer is None:
            await tap.bell.wait(_wait(request))
        return reply({"callback_query_id": tap.tap_id, "answered": tap.answer is not None, **(tap.answer or {})})

    async def _block(self, request: Request) -> Response:
        self.playground.set_blocked(self._person(request), True)
        return reply(self._person(request).card())

    async def _unblock(self, request: Request) -> Response:
        self.playground.set_blocked(self._person(request), False)
        return reply(self._person(request).card())

    # What a person sees

    async def _messages(self, request: Request) -> Response:
        person = self._person(request)
        since = _number(request, "since", None)
        after = _number(request, "after", 0) or 0
        limit = _number(request, "limit", HISTORY) or HISTORY
        until = time.monotonic() + _wait(request)
        while True:
            seen = self._newest(person)
            found = (
                [message.view() for message in person.after(after, limit)]
                if since is None
                else person.changed_since(since, after)
            )
            left = until - time.monotonic()
            if found or left <= 0 or self.playground.closing:
                return reply(found, event=seen)
            await person.bell.wait(left)

    # The playground itself

    async def _update(self, request: Request) -> Response:
        """An update of one's own making: what no app sends, and a bot must bear all the same."""
        wanted = await read_input(request, NewUpdate)
        self.playground.updates.put(wanted.chat_id, wanted.kind, wanted.body)
        return reply({}, 201)

    async def _fault(self, request: Request) -> Response:
        wanted = await read_input(request, NewFault)
        self.playground.faults.add(Fault(**wanted.model_dump()))
        return reply(self.playground.faults.list(), 201)

    async def _faults(self, request: Request) -> Response:
        return reply(self.playground.faults.list())

    async def _no_faults(self, request: Request) -> Response:
        self.playground.faults.clear()
        return reply([])

    async def _outbox(self, request: Request) -> Response:
        """``{method: calls that succeeded}``; ``?detail=1`` adds what failed and the pace."""
        outbox = self.playground.outbox
        if request.query_params.get("detail", "") not in ("1", "true"):
            return reply(dict(outbox.done))
        return reply(
            {
                "done": dict(outbox.done),
                "failed": {method: dict(statuses) for method, statuses in outbox.failed.items()},
                "peak_per_second": outbox.peak,
                "pending_updates": len(self.playground.updates),
            }
        )

    async def _health(self, request: Request) -> Response:
        return reply({"status": "ok"})

    # Inside

    def _person(self, request: Request) -> Person:
        return self.playground.person(request.path_params["user_id"])

    def _known(self, person: Person, message_id: int) -> Message:
        message = person.log.get(message_id)
        if message is None:
            raise PlayError(404, f"there is no message {message_id} in this chat")
        return message

    def _newest(self, person: Person) -> int:
        return person.events[-1].number if person.events else 0

    def _sent(self, messages: list[Message]) -> Response:
        """The first message as its owner sees it; all of them under ``messages`` when there are several."""
        body = messages[0].view()
        if len(messages) > 1:
            body["messages"] = [message.view() for message in messages]
        return reply(body, 201)


def reply(content: Any, status: int = 200, *, event: int | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if event is not None:
        headers["X-Playground-Event"] = str(event)
    return Response(orjson.dumps(content), status, headers=headers, media_type="application/json")


async def _read_files(request: Request) -> Form:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await read_form(request)
    else:
        # curl --data-binary @photo.jpg
        data = await read_bytes(request)
        kind = request.headers.get("content-type", "application/octet-stream")
        form = Form(files=[("file", Upload(request.query_params.get("name", "file"), kind, data))])
    form.files = [(name, upload) for name, upload in form.files if upload.data]
    if not form.files:
        raise PlayError(422, "a file is needed")
    if len(form.files) > 10:
        raise PlayError(422, "an album has at most 10 files")
    return form


def _worded(text: str) -> Wire:
    entities = find_entities(text)
    return {"text": text} | ({"entities": entities} if entities else {})


def _asks_contact(message: Message) -> bool:
    rows = (message.markup or {}).get("keyboard", [])
    return any("request_contact" in button for row in rows for button in row)


def _number(request: Request, name: str, default: int | None) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError as error:
        raise PlayError(422, f"{name} must be a whole number") from error


def _wait(request: Request) -> float:
    try:
        seconds = float(request.query_params.get("wait", 0))
    except ValueError as error:
        raise PlayError(422, "wait must be a number of seconds") from error
    return min(max(seconds, 0.0), MAX_WAIT) if seconds == seconds else 0.0
