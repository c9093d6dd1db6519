"""What a person is told when something fails, and what is written down about it (never what was said)."""

import asyncio
import contextlib
import re
import unicodedata
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

from bot.backend import BackendUnavailable, VersionConflict
from bot.context import Context, is_harmless
from bot.logs import place_of
from bot.outcomes import halt_seconds
from bot.trails import current_trail
from bot.turns import Turn, delivery, in_group
from locales import Html

log = structlog.get_logger()

LONGEST_HALT = 5.0
"""Seconds an answer waits when Telegram asks for a pause; a longer pause fails the turn."""
HALTS = 2
_CHARACTERS = re.compile(r"\d{3,17}[\dXx]", re.ASCII)
"""The last four of an ID number or more."""


class Patience(BaseRateLimiter[Any]):
    """Waits when Telegram answers 429, shortly and not often: a person is waiting at the other end. In a group nobody
    is, and whoever makes the bot talk there too fast would hold the place of a turn in which somebody is.

    The rate of notices and broadcasts is kept elsewhere (design §5).
    """

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to give back."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Any,
    ) -> Any:
        for _ in range(0 if in_group() else HALTS):
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as halt:
                seconds = halt_seconds(halt)
                if seconds > LONGEST_HALT:
                    raise
                await asyncio.sleep(seconds)
        return await callback(*args, **kwargs)


def may_pass(error: BaseException | None) -> bool:
    """Whether the same turn may succeed in a moment."""
    if isinstance(error, BackendUnavailable | VersionConflict | RetryAfter):
        return True
    return isinstance(error, NetworkError) and not isinstance(error, BadRequest)


def _is_out_of_reach(error: BaseException | None, turn: Turn) -> bool:
    if isinstance(error, BadRequest | ChatMigrated) and not turn.private:
        return True
    return isinstance(error, Forbidden) or (isinstance(error, BadRequest) and "chat not found" in error.message.lower())


async def on_error(update: object, ctx: Context) -> None:
    """PTB's error handler: discards what the turn changed, tells the person; a group is told nothing, and its update
    does not come again. Raises nothing."""
    error, turn = ctx.error, ctx.turn
    turn.failed = True
    if _is_out_of_reach(error, turn):
        # Blocked, deleted, or a group in which the bot may not write: there is nobody to tell.
        current_trail().outcome = "out_of_reach"
        log.info("out_of_reach")
        return
    if is_harmless(error):
        return
    how = delivery.get()
    if turn.private and how is not None and not how.last_try and may_pass(error):
        how.passing = True
        current_trail().outcome = "again"
        log.warning("turn_will_be_tried_again", **_about(error, turn))
        return
    current_trail().outcome = "unavailable" if may_pass(error) else "failed"
    if may_pass(error):
        log.warning("turn_failed", **_about(error, turn))
    else:
        log.error("turn_failed", **_about(error, turn))
    if not turn.private:
        return
    try:
        await _take_away_characters(ctx)
        await ctx.answer()
        await ctx.reply(_sentence(ctx, error))
    except TelegramError as failure:
        if how is not None and how.may_come_again and may_pass(failure):
            how.passing = True
            how.pause = halt_seconds(failure) if isinstance(failure, RetryAfter) else 0.0
            log.warning("turn_will_be_tried_again", **_about(failure, turn))
        else:
            log.warning("person_not_told", error=type(failure).__name__, update_id=turn.update.update_id)


async def _take_away_characters(ctx: Context) -> None:
    """Delete what may be the end of an ID number, when it was not even known what had been asked for: the person has to
    send it again anyhow, and it should not stand in the chat until then."""
    message = ctx.turn.update.message
    if ctx.session.stored or message is None or not message.text:
        return
    if _CHARACTERS.fullmatch(re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", message.text))):
        with contextlib.suppress(TelegramError):
            await ctx.bot.delete_message(ctx.chat_id, message.message_id)


def _sentence(ctx: Context, error: BaseException | None) -> Html:
    if isinstance(error, VersionConflict):
        return ctx.t("Several of your messages crossed each other. Please send the last one again.")
    if may_pass(error):
        return ctx.t(
            "The office's system cannot be reached right now. What you entered before is kept. "
            "Please try again in a minute."
        )
    return ctx.t("Something went wrong on our side, and it has been noted. Please try again, or choose /help.")


def _about(error: BaseException | None, turn: Turn) -> dict[str, Any]:
    """Type and place; a message's text may quote what a person wrote."""
    dialog = turn.session.dialog
    return {
        "error": type(error).__name__,
        "at": place_of(error) if error is not None else "?",
        "reason": str(error) if isinstance(error, BackendUnavailable) else None,
        "dialog": dialog.name if dialog is not None else None,
        "update_id": turn.update.update_id,
    }
