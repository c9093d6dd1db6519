"""Asking Telegram for updates, so that one which cannot be read neither stops the others nor is written down.

python-telegram-bot reads a batch as a whole. Where one update of it fails, it logs all of them, with what people wrote,
and confirms none: Telegram brings the same batch again, for ever.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import structlog
from telegram import Update
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData

from bot.logs import place_of
from bot.transport import NotUnderstood, Parameters

log = structlog.get_logger()


class PollingBot(ExtBot[None]):
    """Reads what it polls update by update."""

    __slots__ = ("_polls",)

    def __init__(self, token: str, polls: BaseRequest, **more: Any) -> None:
        """
        Args:
            token: the bot's.
            polls: the transport of getUpdates alone.
            more: as ``ExtBot`` takes it.
        """
        super().__init__(token, get_updates_request=polls, **more)
        self._polls = polls

    async def get_updates(
        self,
        offset: int | None = None,
        limit: int | None = None,
        timeout: int | timedelta | None = None,  # noqa: ASYNC109 - Telegram's, how long it may wait for an update
        allowed_updates: Sequence[str] | None = None,
        **_: Any,
    ) -> tuple[Update, ...]:
        seconds = int(timeout.total_seconds() if isinstance(timeout, timedelta) else timeout or 0)
        asked = {"offset": offset, "limit": limit, "timeout": seconds, "allowed_updates": allowed_updates}
        given = {name: value for name, value in asked.items() if value is not None}
        batch = await self._polls.post(
            f"{self.base_url}/getUpdates",
            cast(RequestData, Parameters(given)),
            read_timeout=(self._polls.read_timeout or 0) + seconds,
        )
        return tuple(self._read(wire) for wire in _numbered(batch))

    def _read(self, wire: dict[str, Any]) -> Update:
        number: int = wire["update_id"]
        try:
            return Update.de_json(wire, self)
        except Exception as error:
            log.warning("update_not_understood", error=type(error).__name__, at=place_of(error), update_id=number)
            # Empty, but with its number, which confirms it.
            return Update(number)


def _numbered(batch: Any) -> list[dict[str, Any]]:
    """What can be confirmed: an update that bears no number is passed over.

    Raises:
        NotUnderstood: it is no list, or holds nothing else. To ask at once would bring the same.
    """
    wires = batch if isinstance(batch, list) else [None]
    numbered = [wire for wire in wires if isinstance(wire, dict) and isinstance(wire.get("update_id"), int)]
    if wires and not numbered:
        raise NotUnderstood("The answer holds no updates")
    return numbered
