"""Brings chats what the API has to say to them: claims messages, sends them, reports what became of each (design §5).

A courier keeps nothing. What it has claimed is its own as long as the lease lasts; whatever happens to it meanwhile,
the API hands the message out again afterwards. It never has more in hand than its batch, so no more can arrive twice
when it dies.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog
from telegram.error import RetryAfter, TelegramError
from telegram.ext import ExtBot

from api.broadcasts.schemas import BroadcastContent, Operation, RecipientFacts
from api.messages.schemas import AS_IT_WAS, CORRECTED, Claim, Claimed, NoticeKind, Outcome, Report, Result
from bot.backend import Backend, BackendError, BackendUnavailable, Unreachable
from bot.letters import Go, Letters, NotYet
from bot.logs import place_of
from bot.metrics import Metrics
from bot.outcomes import Failure, correction_failure, failure, halt_seconds
from bot.rests import Rests
from bot.ui import Letter
from locales import SUPPORTED, Translator, translator

log = structlog.get_logger()

Compose = Callable[[Claimed, Translator], Letter]
"""Puts a notice into the reader's words. Raises ``CannotCompose``, or whatever it stumbles on."""
ComposeBroadcast = Callable[[BroadcastContent, RecipientFacts, str | None, Translator], Letter]
"""Fills a broadcast's body in for a reader of that language. Raises likewise."""
Answer = TypeVar("Answer")

LEASE = 60
"""Seconds; more than all time-outs of a call of Telegram's together."""
WAIT = 25.0
"""Seconds that the API may keep a claim waiting for news."""
DRAIN = 8.0
"""Seconds that a courier takes to end: container engines kill after ten."""
LONGEST_REST = 30.0
KEPT = 600.0
"""Seconds after its lease for which a result is kept while the API is away. As long as nobody else has claimed the
message, it takes the report late, too; what is never reported goes out once more."""
MOST_RESULTS = 100
GATHER = 0.02
"""Seconds between two reports, so that at a high pace each tells of many messages."""
LONGEST_HALT = 86_400.0


class CannotCompose(Exception):
    """There are no words for this message. A newer courier may have some, so it is tried again, for hours."""


@dataclass(frozen=True)
class _Told:
    """A result, and until when (of the loop's clock) the message is nobody else's."""

    result: Result
    until: float


class Courier:
    """One of any number of them, here or elsewhere; the API sees to it that together they keep Telegram's pace."""

    def __init__(
        self,
        backend: Backend,
        bot: ExtBot[Any],
        compose: Compose,
        compose_broadcast: ComposeBroadcast,
        *,
        time_zone: ZoneInfo,
        batch: int,
        metrics: Metrics | None = None,
    ) -> None:
        """
        Args:
            backend: open as long as the courier runs; so is ``bot``.
            compose: the words of notices.
            compose_broadcast: the words of broadcasts.
            time_zone: the office's, in which moments are told.
            batch: messages in hand at most: being sent, or not reported yet.
            metrics: where outcomes are counted.
        """
        self._backend = backend
        self._compose = compose
        self._compose_broadcast = compose_broadcast
        self._letters = Letters(bot, backend.broadcast_file)
        self._time_zone = time_zone
        self._batch = batch
        self._in_hand = 0
        self._metrics = metrics
        if metrics is not None:
            metrics.watch_courier(lambda: self._in_hand)
        self._room = asyncio.Event()
        self._empty = asyncio.Event()
        self._news = asyncio.Event()
        self._all_told = asyncio.Event()
        self._heard = asyncio.Event()
        self._heard.set()
        self._told: list[_Told] = []
        self._hold(0)
        self._sending: set[asyncio.Task[None]] = set()
        self._halt_until = 0.0
        self._telegram = Rests(LONGEST_REST)
        self._telegram_until = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; then it finishes what it has in hand. Raises nothing."""
        reporting = asyncio.create_task(self._report())
        ended = asyncio.create_task(stop.wait())
        try:
            await self._claim(ended)
            await self._finish()
        finally:
            for task in (reporting, ended, *self._sending):
                task.cancel()
            await asyncio.wait([reporting, ended, *self._sending])
        log.info("courier_stopped", unreported=self._in_hand)

    def _hold(self, more: int) -> None:
        self._in_hand += more
        _turn(self._room, self._in_hand <= self._batch // 2)
        _turn(self._empty, self._in_hand == 0)
        _turn(self._all_told, self._in_hand == len(self._told))

    # Claiming

    async def _claim(self, ended: asyncio.Task[Any]) -> None:
        api = Rests(LONGEST_REST)
        _find_words(self._time_zone)
        while not ended.done():
            if not self._room.is_set():
                await _unless(ended, self._room.wait())
            elif not self._heard.is_set():
                # First what became of the last ones: their leases may be over, and it would get them once more.
                await _unless(ended, self._heard.wait())
            elif (rest := self._telegram_until - self._now()) > 0:
                await _unless(ended, asyncio.sleep(rest))
            else:
                try:
                    await self._claim_once(ended)
                    api.over()
                except Exception as error:
                    _complain("messages_not_claimed", error)
                    await _unless(ended, asyncio.sleep(api.next()))

    async def _claim_once(self, ended: asyncio.Task[Any]) -> None:
        asked = Claim(limit=self._batch - self._in_hand, lease_seconds=LEASE, wait_seconds=WAIT)
        batch = await _unless(ended, self._backend.claim_messages(asked))
        claimed = self._now()
        until = claimed + LEASE
        if batch is None:
            return
        contents = {content.id: content for content in batch.broadcasts}
        for message in batch.messages:
            self._hold(1)
            if ended.done():
                self._tell(_result(message, Outcome.UNSENT), until)
            else:
                content = contents.get(message.broadcast_id or 0)
                task = asyncio.create_task(self._deliver(message, content, claimed + message.wait_seconds, until))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    # Sending

    async def _deliver(self, message: Claimed, content: BroadcastContent | None, due: float, until: float) -> None:
        try:
            result = await self._send(message, content, due, until)
        except Exception as error:
            log.error("message_failed", delivery=message.id, error=type(error).__name__, at=place_of(error))
            result = _result(message, Outcome.UNKNOWN, "not_understood")
        self._tell(result, until)

    async def _send(self, message: Claimed, content: BroadcastContent | None, due: float, until: float) -> Result:
        try:
            go = self._ready(message, content)
        except Exception as error:
            # Only what kind of message it was: an error may quote what stands in it.
            log.error(
                "message_not_composed",
                delivery=message.id,
                kind=message.kind,
                error=type(error).__name__,
                at=place_of(error),
            )
            return _result(message, Outcome.RETRY, "no_words")
        if (early := due - self._now()) > 0:
            await asyncio.sleep(early)
            if (halt := self._halt_until - self._now()) > 0:
                return _result(message, Outcome.UNSENT, "too_many_requests", after=halt)
        mends = message.message_id is not None and message.kind != CORRECTED
        found: str | None = None
        try:
            message_id = await go(until)
        except NotYet:
            return _result(message, Outcome.UNSENT, "file_on_its_way", after=NotYet.SECONDS)
        except (BackendUnavailable, BackendError) as error:
            _complain("file_not_read", error)
            return _result(message, Outcome.RETRY, "file_not_read")
        except TelegramError as error:
            failed = correction_failure(error) if mends else failure(error)
            if failed is not None:
                return self._failed(message, error, failed)
            message_id, found = message.message_id, AS_IT_WAS
        self._telegram.over()
        return _result(message, Outcome.SENT, found, message_id=message_id)

    def _ready(self, message: Claimed, content: BroadcastContent | None) -> Go:
        """Its words are found; what is left is to send them.

        Raises:
            CannotCompose, pydantic.ValidationError, …: this version has none.
        """
        tr = translator(message.locale, self._time_zone)
        if message.kind == NoticeKind.BROADCAST_TEST:
            content = BroadcastContent.model_validate(message.payload["content"])
            facts = RecipientFacts.model_validate(message.payload["facts"])
        elif message.kind == CORRECTED:
            return self._letters.letter(message.chat_id, self._compose(message, tr), reply_to=message.message_id)
        elif message.kind != NoticeKind.BROADCAST:
            return self._letters.letter(message.chat_id, self._compose(message, tr))
        elif content is None:
            raise CannotCompose(message.kind)
        elif content.operation is Operation.DELETE and message.message_id is not None:
            return self._letters.deletion(message.chat_id, message.message_id)
        else:
            facts = RecipientFacts.model_validate(message.payload)
        letter = self._compose_broadcast(content, facts, message.locale, tr)
        if message.message_id is not None:
            return self._letters.edit(message.chat_id, message.message_id, letter, has_media=content.media is not None)
        if content.media is not None:
            return self._letters.with_media(message.chat_id, letter, content.id, content.media)
        return self._letters.letter(message.chat_id, letter)

    def _failed(self, message: Claimed, error: TelegramError, failed: Failure) -> Result:
        log.info("message_not_sent", delivery=message.id, outcome=failed.outcome.value, reason=failed.reason)
        if isinstance(error, RetryAfter):
            self._halt_until = max(self._halt_until, self._now() + min(halt_seconds(error), LONGEST_HALT))
        elif failed.outcome in (Outcome.RETRY, Outcome.UNSENT) and self._telegram_until < self._now():
            # It is Telegram, or the way there: more of the same would fail like this one.
            self._telegram_until = self._now() + self._telegram.next()
        return _result(message, failed.outcome, failed.reason, after=min(failed.after, LONGEST_HALT))

    # Reporting

    def _tell(self, result: Result, until: float) -> None:
        if self._metrics is not None:
            self._metrics.message(result.outcome.value)
        self._told.append(_Told(result, until))
        self._news.set()
        _turn(self._all_told, self._in_hand == len(self._told))

    async def _report(self) -> None:
        """Tell the API what is to be told: the first at once, what comes shortly after with the next report."""
        api = Rests(LONGEST_REST)
        while True:
            await self._news.wait()
            self._news.clear()
            while self._told:
                try:
                    await self._report_once()
                    api.over()
                except Exception as error:
                    # What the API will not take at all must not keep everything up.
                    is_away = isinstance(error, Unreachable)
                    _turn(self._heard, not is_away)
                    _complain("messages_not_reported", error)
                    await asyncio.sleep(api.next())
                    self._forget_what_is_too_late(KEPT if is_away else 0.0)
                await self._gather()
            self._heard.set()

    async def _gather(self) -> None:
        """A little time between two reports, unless nothing more can come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER):
                await self._all_told.wait()

    async def _report_once(self) -> None:
        told = self._told[:MOST_RESULTS]
        halt = self._halt_until - self._now()
        await self._backend.report_messages(
            Report(results=[one.result for one in told], halt_seconds=halt if halt > 0 else None)
        )
        del self._told[: len(told)]
        self._hold(-len(told))

    def _forget_what_is_too_late(self, kept_for: float) -> None:
        """So many seconds after its lease: by then somebody else has it."""
        kept = [one for one in self._told if one.until + kept_for > self._now()]
        if late := len(self._told) - len(kept):
            log.error("reports_too_late", messages=late)
            self._told = kept
            self._hold(-late)

    async def _finish(self) -> None:
        """What is in hand is sent and reported, or there was no more time for it."""
        try:
            async with asyncio.timeout(DRAIN):
                await self._empty.wait()
        except TimeoutError:
            log.warning("courier_not_finished", in_hand=self._in_hand)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def carrying(courier: Courier) -> AsyncIterator[None]:
    """The courier goes about for as long as the block runs."""
    stop = asyncio.Event()
    task = asyncio.create_task(courier.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _unless(ended: asyncio.Task[Any], work: Coroutine[Any, Any, Answer]) -> Answer | None:
    """What the work gives; None where the end came first, which breaks it off."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([ended, task], return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        await asyncio.wait([task])
    return None if task.cancelled() else task.result()


def _find_words(time_zone: ZoneInfo) -> None:
    """Load what telling of days and sums in each language takes. Done only when the first messages are due it would
    keep all of them up, and they would go out at once, past the pace."""
    for locale in SUPPORTED:
        tr = translator(locale, time_zone)
        tr.date(datetime.now(time_zone).date())
        tr.money(Decimal(1))


def _turn(event: asyncio.Event, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()


def _result(
    message: Claimed,
    outcome: Outcome,
    reason: str | None = None,
    *,
    message_id: int | None = None,
    after: float = 0.0,
) -> Result:
    return Result(
        id=message.id, lease=message.lease, outcome=outcome, message_id=message_id, reason=reason, after=after
    )


def _complain(event: str, error: Exception) -> None:
    if isinstance(error, BackendUnavailable | BackendError):
        # Their messages tell a status or a code, nothing of anybody.
        log.warning(event, error=type(error).__name__, reason=str(error))
    else:
        log.error(event, error=type(error).__name__, at=place_of(error))
