"""Hostile requests to the playground: what a script may send to its user side, and a bot to its Bot API."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from bot.playground.api import METHODS
from tests.flows.files import PDF, PROGRAM, picture
from tests.hostile.mutations import body_of, changed, damaged, nested
from tests.hostile.shapes import (
    COMMANDS,
    NASTY_LANGUAGES,
    NASTY_NUMBERS,
    NASTY_TEXTS,
    Shape,
    callback_data,
    nasty_values,
    texts,
)

_JSON = "application/json"


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    body: bytes | None
    media_type: str

    def __str__(self) -> str:
        return f"{self.method} /{self.target} {self.media_type!r} {(self.body or b'')[:1500]!r}"


def _fields(**of: st.SearchStrategy[Any]) -> st.SearchStrategy[Shape]:
    """Each field mostly as it should be, sometimes missing, sometimes something else; sometimes one too many."""
    return st.fixed_dictionaries(
        {}, optional={name: st.one_of(what, what, what, nasty_values) for name, what in of.items()} | {"more": texts}
    )


_numbers = st.one_of(st.integers(1, 400), st.sampled_from(NASTY_NUMBERS))
_coordinates = st.floats(-200, 200)

ACTS: dict[str, st.SearchStrategy[Shape]] = {
    "messages": _fields(text=texts, reply_to=_numbers),
    "edits": _fields(message_id=_numbers, text=texts),
    "contact": _fields(phone_number=texts, user_id=_numbers, first_name=texts, last_name=texts),
    "location": _fields(latitude=_coordinates, longitude=_coordinates),
    "taps": _fields(message_id=_numbers, data=callback_data()),
    "sticker": _fields(emoji=texts),
    "voice": _fields(duration=_numbers),
    "unblock": _fields(),
    "block": _fields(),
}
"""What a person can do, by the last part of its address."""

ARRIVAL = _fields(
    first_name=texts,
    last_name=texts,
    username=texts,
    phone=texts,
    language_code=st.sampled_from(NASTY_LANGUAGES),
    note=texts,
    id=_numbers,
    started=st.booleans(),
)


Buttons = Callable[[int], Sequence[tuple[int, str]]]


def acts(
    random: Random, people: Sequence[int], shapes: dict[str, list[Shape]], arrivals: list[Shape], buttons: Buttons
) -> Iterator[Request]:
    """What scripts may ask of the user side, right or wrong; nothing of it is about anybody but these people.

    Args:
        shapes: drawn from ``ACTS``.
        arrivals: drawn from ``ARRIVAL``.
        buttons: those on a person's screen, with their messages' numbers: half of what is done presses one of them,
            or says something plausible, so that every step of every conversation is come to.
    """
    every = [shape for drawn in shapes.values() for shape in drawn]
    often = [act for act in shapes if act != "block"] * 6 + ["block"]
    while True:
        person = random.choice(people)
        where = f"play/users/{person}"
        match random.randrange(20):
            case 0:
                yield Request("POST", "play/users", _json(random, random.choice(arrivals), arrivals), _JSON)
            case 1:
                yield Request("POST", f"{where}/{random.choice(('photo', 'document'))}", *_files(random))
            case 2:
                yield Request("GET", f"{where}/{_looked_at(random)}", None, "")
            case 3:
                odd = random.choice(("0", "-1", "9" * 30, "9" * 6000, "%00", "..%2f..", "%EF%BC%91", "1e9", "x"))
                yield Request("POST", f"play/users/{odd}/{random.choice(often)}", b"{}", _JSON)
            case 4 | 5 | 6 | 7 | 8:
                act = random.choice(often)
                kind = _JSON if random.random() < 0.9 else quote(random.choice(NASTY_TEXTS), errors="replace")[:100]
                yield Request("POST", f"{where}/{act}", _json(random, random.choice(shapes[act]), every), kind)
            case 9 | 10:
                text = random.choice((*NASTY_TEXTS, *(f"/{command}" for command in COMMANDS), "厨房漏水", "TEST-00001"))
                yield Request("POST", f"{where}/messages", body_of({"text": text}), _JSON)
            case 11:
                act = random.choice(("contact", "location", "sticker", "voice", "unblock", "unblock"))
                body = {"latitude": 30.5, "longitude": 114.3} if act == "location" else {}
                yield Request("POST", f"{where}/{act}", body_of(body), _JSON)
            case 12:
                content = random.choice((picture(random.randrange(5)), PDF, PROGRAM, random.randbytes(99)))
                name = quote(random.choice(NASTY_TEXTS), errors="replace")
                kind = random.choice(("photo", "document", "document"))
                yield Request("POST", f"{where}/{kind}?name={name}", content, random.choice(("image/png", "a/b", "")))
            case _:
                here = buttons(person)
                if here:
                    message_id, data = random.choice(here)
                    if random.random() < 0.1:
                        data = data[: random.randrange(1, len(data) + 1)] + random.choice((":", "0", "%", ":zz", ""))
                    yield Request("POST", f"{where}/taps", body_of({"message_id": message_id, "data": data}), _JSON)


def _json(random: Random, shape: Shape, others: list[Shape]) -> bytes:
    match random.randrange(6):
        case 0 | 1 | 2:
            return body_of(shape)
        case 3 | 4:
            return body_of(changed(random, shape, others))
        case _:
            return random.choice(
                (damaged(random, body_of(shape), [body_of(shape)]), nested(500), nested(20_000), b"[]", b"")
            )


def _looked_at(random: Random) -> str:
    value = quote(str(random.choice((*NASTY_TEXTS[:14], *NASTY_NUMBERS, "nan", "inf", "²", "１"))), errors="replace")
    name = random.choice(("since", "after", "limit", "wait"))
    # Nobody waits here: that is no hostile wish.
    if name == "wait":
        value = random.choice(("nan", "-inf", "-1", "x", "", "0", "0.001"))
    return random.choice((f"messages?{name}={value}", f"messages?limit=0&{name}={value}", f"taps/{value}?wait=0", ""))


def _files(random: Random) -> tuple[bytes, str]:
    """A body of files, and its media type."""
    boundary = random.choice(("b0undary", "b", "x" * 70, "ü", ""))
    parts = []
    for _ in range(random.choice((0, 1, 1, 2, 11))):
        name = random.choice(("file", "file[0]", "", "\0"))
        filename = random.choice((*NASTY_TEXTS[:14], "a.png", "a.pdf"))
        charset = random.choice(("utf-8", "no-such", "utf-16", ""))
        disposition = random.choice(
            (
                f'form-data; name="{name}"; filename="{filename}"',
                f"form-data; name={name}; filename*={charset}''{quote(filename, errors='replace')}",
                "form-data; name*0=file; name*1=x; filename*0*=a'b'c",
                "form-data",
                "\0",
            )
        )
        content = random.choice(
            (b"\x89PNG\r\n\x1a\n" + random.randbytes(30), b"%PDF-1.7", b"", b"\r\n--b0undary--", random.randbytes(50))
        )
        head = f"Content-Disposition: {disposition}\r\nContent-Type: {random.choice(('image/png', '', '?'))}"
        parts.append(b"--" + boundary.encode() + b"\r\n" + head.encode(errors="surrogatepass") + b"\r\n\r\n" + content)
    if random.random() < 0.5:
        caption = random.choice(NASTY_TEXTS).encode(errors="surrogatepass")
        parts.append(
            b"--" + boundary.encode() + b'\r\nContent-Disposition: form-data; name="caption"\r\n\r\n' + caption
        )
    body = b"\r\n".join([*parts, b"--" + boundary.encode() + b"--\r\n"])
    if random.random() < 0.3:
        body = damaged(random, body, [body])
    kind = random.choice(
        (
            f"multipart/form-data; boundary={quote(boundary)}",
            f'multipart/form-data; boundary="{boundary}"',
            "multipart/form-data; boundary*=utf-8''%C4%80",
            "multipart/form-data; boundary*=no-such''x",
            "multipart/form-data",
            "application/octet-stream",
        )
    )
    return body, kind.encode("latin-1", "replace").decode("latin-1")


# --- a bot's calls ---


def parameters(people: Sequence[int], file_ids: Sequence[str]) -> st.SearchStrategy[Shape]:
    """Parameters of the Bot API's methods, all of them at once: each method takes those that are its own."""
    chats = st.sampled_from(list(people))
    html = st.one_of(
        texts,
        st.sampled_from(["<b>x</b>", "<b>", "</b>", '<a href="x', "<tg-emoji emoji-id=5>x</tg-emoji>", "<" * 4000]),
    )
    button = _fields(text=texts, callback_data=callback_data(), url=texts, request_contact=st.booleans())
    rows = st.lists(st.lists(button, max_size=3), max_size=3)
    markup = st.one_of(
        _fields(inline_keyboard=rows),
        _fields(keyboard=rows, one_time_keyboard=st.booleans()),
        st.just({"remove_keyboard": True}),
        st.just({"force_reply": True}),
    )
    files = st.one_of(
        st.sampled_from(list(file_ids)), texts.filter(lambda text: "://" not in text), st.just("attach://f")
    )
    entities = st.lists(
        _fields(type=st.sampled_from(["bold", "code", "x"]), offset=_numbers, length=_numbers), max_size=3
    )
    media = st.lists(_fields(type=st.sampled_from(["photo", "document", "x"]), media=files, caption=html), max_size=4)
    return _fields(
        chat_id=chats,
        text=html,
        caption=html,
        parse_mode=st.sampled_from(["HTML", "html", "", "MarkdownV2"]),
        message_id=_numbers,
        message_ids=st.lists(_numbers, max_size=3),
        reply_markup=markup,
        reply_parameters=_fields(message_id=_numbers, allow_sending_without_reply=st.booleans()),
        reply_to_message_id=_numbers,
        entities=entities,
        caption_entities=entities,
        link_preview_options=_fields(is_disabled=st.booleans()),
        photo=files,
        document=files,
        media=media,
        file_id=files,
        latitude=_coordinates,
        longitude=_coordinates,
        action=texts,
        callback_query_id=texts,
        show_alert=st.booleans(),
        commands=st.lists(_fields(command=texts, description=texts), max_size=3),
        scope=_fields(type=st.sampled_from(["default", "chat", "chat_member", "x"]), chat_id=chats),
        language_code=st.sampled_from(NASTY_LANGUAGES),
        name=texts,
        description=texts,
        short_description=texts,
        menu_button=_fields(type=st.sampled_from(["commands", "default", "web_app"])),
        secret_token=texts,
        max_connections=_numbers,
        allowed_updates=st.lists(st.sampled_from(["message", "x", ""]), max_size=2),
        offset=_numbers,
        limit=_numbers,
        drop_pending_updates=st.booleans(),
    )


def calls(random: Random, token: str, shapes: list[Shape]) -> Iterator[Request]:
    """Calls of every method and of none, as JSON, as a form, as files, in the address; whole and damaged."""
    # Waiting for updates, and posting them elsewhere, is not what is tried here.
    methods = [name for name in METHODS if name not in ("getUpdates", "setWebhook")]
    for number in itertools.count():
        shape = random.choice(shapes)
        if number % 3 == 0:
            shape = changed(random, shape, shapes)
        name = random.choice(
            (*methods, *methods, *methods, "setWebhook", "getUpdates", "nothing", "%00", "send%4dessage")
        )
        if name == "setWebhook":
            shape = {**shape, "url": random.choice(("", "x", "https://", "http://[", "ftp://x", 5, [], "\0"))}
        target = f"bot{token}/{name}"
        match random.randrange(8):
            case 0 | 1 | 2:
                yield Request("POST", target, body_of(shape), _JSON)
            case 3 | 4:
                yield Request("POST", target, _form(shape), "application/x-www-form-urlencoded")
            case 5:
                yield Request("GET", f"{target}?{_form(shape).decode()[:4000]}", None, "")
            case 6:
                yield Request("POST", target, *_files(random))
            case _:
                yield Request(
                    "POST", target, damaged(random, body_of(shape), [body_of(shape)]), random.choice((_JSON, "", "?"))
                )


def _form(shape: Shape) -> bytes:
    """As python-telegram-bot writes it: what is nested is a text of JSON."""
    pairs = []
    for name, value in shape.items():
        text = value if isinstance(value, str) else json.dumps(value)
        pairs.append(f"{quote(str(name), errors='replace')}={quote(text, errors='replace')}")
    return "&".join(pairs).encode()
