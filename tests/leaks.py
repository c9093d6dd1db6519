"""Hears everything that is written down while a test runs, and looks in it for people's data.

Written down: all logs as a deployment writes them (bot, API, libraries; ``bot.logs``), what Python, child processes and
libraries put on stderr, every body of an error that the API answers, and its metrics. Personal: whatever was sealed or
looked up by its index meanwhile (names, ID numbers, phones, one-time codes, what people wrote), what people sent to the
bot, and who they are. So a new table or a new log line is covered on the day it is made.
"""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.privacy import Vault
from bot.logs import set_up_logs
from tests.people import Person

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ \-–](?=\d)")
_ID_NUMBER = re.compile(r"\d{17}[\dXx]")
_CODE = re.compile(r"(?=.*\d)[A-Z0-9]{8,}")
_A_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# Their digits are anybody's by chance.
_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\b0x[0-9a-f]+")
_VALUE_OF_METRIC = re.compile(r" [-+.\de]+$", re.MULTILINE)
_TELLING_LENGTH = 12


class Heard:
    """What was written down, and what must not stand in it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._answers: list[str] = []
        self._personal: set[str] = set()
        self.errors = 0
        """Error answers of the API that were looked through."""
        self.metrics = 0
        """Pages of metrics that were."""

    def personal(self, text: str, *, whole: bool = False) -> None:
        """Whatever in this text is somebody's own must appear nowhere; ``whole``: nor may the text itself."""
        self._personal.update([text] if whole and text else [], _telling(text))

    def also(self, text: str) -> None:
        """This was written down as well."""
        self._answers.append(text)

    def metrics_page(self, text: str) -> None:
        self.metrics += 1
        self.also(_VALUE_OF_METRIC.sub("", text))

    @property
    def written(self) -> str:
        return "\n".join([self._log.read_text(errors="replace"), *self._answers])

    def leaks(self) -> list[str]:
        """Each line that tells something personal."""
        found = []
        for line in _CLOCK.sub("", self.written).splitlines():
            # As JSON writes it, as an address does, as a person does.
            spellings = (line, _unescaped(line), unquote(line), _BETWEEN_DIGITS.sub("", line))
            found += [f"{secret!r} in: {line}" for secret in self._personal if any(secret in s for s in spellings)]
        return found

    def errors_of(self, app: ASGIApp) -> ASGIApp:
        """The same app, whose error bodies are looked through."""

        async def listening(scope: Scope, receive: Receive, send: Send) -> None:
            failed = False

            async def sending(message: Message) -> None:
                nonlocal failed
                if message["type"] == "http.response.start":
                    failed = message["status"] >= 400
                    if failed:
                        self.errors += 1
                        self.also(repr(message["headers"]))
                elif failed and message["type"] == "http.response.body":
                    self.also(message.get("body", b"").decode(errors="replace"))
                await send(message)

            await app(scope, receive, sending)

        return listening


def _telling(text: str) -> Iterator[str]:
    """The pieces of a personal text that could not stand in a log by chance."""
    if text[:1] in ("{", "["):
        try:
            for leaf in _leaves(json.loads(text)):
                yield from _telling(leaf)
        except ValueError:
            pass
        else:
            return
    if text.startswith("/start "):
        text = text.removeprefix("/start ")
    for line in filter(None, map(str.strip, text.splitlines())):
        if re.search(r"[\u3400-\u9fff]{2}|\S\s+\S.{5}", line) or _CODE.fullmatch(line):
            # Cut short it is as telling.
            yield line[:_TELLING_LENGTH]
        if _A_DAY.match(line):
            continue
        compact = _BETWEEN_DIGITS.sub("", line)
        for number in _ID_NUMBER.findall(compact):
            yield from (number[start : start + 8] for start in range(4, 11))
            yield number[-6:]
        for run in re.findall(r"\d{6,}", compact):
            # A phone also without its country's code.
            yield from {run, run[2:] if len(run) == 13 and run.startswith("86") else run}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)


def _unescaped(line: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), line)


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Heard]:
    """Hears all that is written down inside the block."""
    log = folder / "written-down.log"
    heard = Heard(log)
    _hear_what_is_personal(monkeypatch, heard)
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    hooks = threading.excepthook, sys.unraisablehook
    with log.open("a", buffering=1) as stream, redirect_stderr(stream):
        set_up_logs(readable=False)
        # Child processes inherit it.
        own_stderr = os.dup(2)
        os.dup2(stream.fileno(), 2)
        try:
            yield heard
        finally:
            os.dup2(own_stderr, 2)
            os.close(own_stderr)
            root.handlers[:], root.level = handlers, level
            structlog.configure(**configuration)
            threading.excepthook, sys.unraisablehook = hooks
    # For who looks for the reason of a failure.
    sys.stderr.write(heard.written)


def _hear_what_is_personal(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    seal, index, begin, send = Vault.seal, Vault.index, Person.__init__, Person.send

    def sealed(self: Vault, purpose: str, text: str) -> bytes:
        heard.personal(text)
        return seal(self, purpose, text)

    def indexed(self: Vault, purpose: str, normalised: str) -> bytes:
        if not purpose.startswith("verification."):  # where a try came from, and numbers of agreements
            heard.personal(normalised, whole=purpose.endswith("_code"))
        return index(self, purpose, normalised)

    def begun(self: Person, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        heard.personal(self.name)
        heard.personal(self.phone)

    async def sent(self: Person, text: str) -> None:
        heard.personal(text)
        await send(self, text)

    monkeypatch.setattr(Vault, "seal", sealed)
    monkeypatch.setattr(Vault, "index", indexed)
    monkeypatch.setattr(Person, "__init__", begun)
    monkeypatch.setattr(Person, "send", sent)
