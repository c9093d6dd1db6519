"""A Bot API that misbehaves: it asks for pauses, fails, hangs and hangs up, with and without having done what it was
asked. It keeps what really arrived, and when it was asked."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from typing import Any

import orjson

from tests.bench.fake_telegram import Connection, FakeTelegram, Params, Reply

RESET = 0
"""Instead of a status: the connection breaks."""
_REASONS = {403: "Forbidden: bot was blocked by the user", 400: "Bad Request: message is too long"}
_BAD_CHATS = {403: (97, 5), 400: (197, 7)}
"""Chats that never get anything: those whose id leaves this remainder."""


class RoughTelegram(FakeTelegram):
    """``faults``: how often one of each sort befalls a message, by name; see :meth:`call`."""

    def __init__(self, faults: dict[str, float], seed: int) -> None:
        super().__init__(0)
        self._faults = faults
        self._random = random.Random(seed)
        self.asked: list[float] = []
        self.arrived: defaultdict[int, list[int]] = defaultdict(list)
        self.injected: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.count = 0

    def call(self, method: str, params: Params, reply: Reply) -> asyncio.Task[None] | None:
        """
        The faults: ``pause`` (429), ``error`` (500), ``cut`` and ``hang`` before it arrives; ``cut_late`` and
        ``hang_late`` after it has.
        """
        if method != "sendMessage":
            return super().call(method, params, reply)
        self.asked.append(time.monotonic())
        chat_id = int(params["chat_id"])
        for status, (divisor, remainder) in _BAD_CHATS.items():
            if chat_id % divisor == remainder:
                self.refused[status] += 1
                reply(status, _refusal(status, _REASONS[status]))
                return None
        fault = self._fault()
        if fault == "pause":
            reply(429, _refusal(429, "Too Many Requests: retry after 1", parameters={"retry_after": 1}))
        elif fault == "error":
            reply(500, _refusal(500, "Internal Server Error"))
        elif fault == "cut":
            reply(RESET, b"")
        elif fault != "hang":
            answer = self.send_message(params)
            self.count += 1
            self.arrived[chat_id].append(self._message_id)
            if fault is None:
                reply(200, answer)
            elif fault == "cut_late":
                reply(RESET, b"")
        return None

    def _fault(self) -> str | None:
        dice = self._random.random()
        for name, share in self._faults.items():
            if dice < share:
                self.injected[name] += 1
                return name
            dice -= share
        return None

    def most_in_a_second(self) -> int:
        """Of all that it was asked, refused or not."""
        most = first = 0
        for last, moment in enumerate(self.asked):
            while self.asked[first] <= moment - 1:
                first += 1
            most = max(most, last - first + 1)
        return most


class RoughConnection(Connection):
    def _reply(self, status: int, body: bytes) -> None:
        if status == RESET:
            self._transport.abort()
            return
        head = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        self._transport.write(head + body)


def _refusal(status: int, words: str, **more: Any) -> bytes:
    return orjson.dumps({"ok": False, "error_code": status, "description": words, **more})
