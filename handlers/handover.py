"""/handover: when the family gets its keys, how sure that is, and how often it was put off."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from telegram import InlineKeyboardButton, Update

from api.agreements.schemas import HandoverOut
from api.chats.schemas import Facts
from api.estate.schemas import ForecastOut
from bot.backend import NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button
from handlers import terms
from handlers.facts import Fact, agreement_line, building_label, screens, shortened, told, unit_lines
from handlers.gate import explain_gate
from handlers.lookups import (
    ShowHandover,
    ShowHome,
    ShowPayments,
    ShowSlips,
    WatchHandover,
    choose,
    explain_gone,
    known,
    show_screen,
    today,
)
from handlers.menu import OpenHandover
from locales import Html, Translator, join

SHOWN_SLIPS = 1


def view(handovers: Sequence[HandoverOut], tr: Translator, today: date) -> list[Html]:
    """One agreement's handover on one screen (a part for each building), the newest slips with it.

    ``handovers`` is not empty and all of one agreement.
    """
    watching = tr.t("🔔 Noted: you want to be told when the date changes.") if handovers[0].watching else None
    heading = join("\n", [tr.t("<b>Handover</b>"), agreement_line(handovers[0].agreement, tr), watching])
    paragraphs: list[str] = []
    for handover in handovers:
        paragraphs.append(_place(handover, tr))
        paragraphs += _handed_over(handover, tr) if handover.handed_over else _expected(handover, tr, today)
    return screens(heading, paragraphs)


def slips_view(handovers: Sequence[HandoverOut], tr: Translator) -> list[Html]:
    """Every change of the date, newest first."""
    heading = join("\n", [tr.t("<b>How the date changed</b>"), agreement_line(handovers[0].agreement, tr)])
    paragraphs: list[str] = []
    for handover in handovers:
        paragraphs += [_place(handover, tr), *(_slip_lines(newer, older, tr) for newer, older in _slips(handover))]
    return screens(heading, paragraphs)


def has_more_slips(handovers: Sequence[HandoverOut]) -> bool:
    """Whether ``slips_view`` tells more than ``view``."""
    return any(len(_slips(handover)) > (0 if handover.handed_over else SHOWN_SLIPS) for handover in handovers)


def _place(handover: HandoverOut, tr: Translator) -> Html:
    if handover.units:
        return unit_lines(handover.units, tr)
    if handover.building is not None:
        return tr.t("🏠 <b>{home}</b>", home=building_label(handover.building, tr))
    return tr.t("🏠 Which home you get: not published yet.")


def _handed_over(handover: HandoverOut, tr: Translator) -> list[Html]:
    if handover.handed_over_on is not None:
        line = tr.t("Handed over on <b>{day}</b>.", day=tr.date(handover.handed_over_on))
    else:
        line = tr.t("Handed over; the day is not published.")
    return told([Fact([line, *_status_lines(handover, tr)], handover.source, handover.as_of)], tr)


def _expected(handover: HandoverOut, tr: Translator, today: date) -> list[str]:
    paragraphs: list[str] = []
    if handover.current is None:
        paragraphs.append(tr.t("The handover date is <b>not published yet</b>."))
    else:
        paragraphs += told([_current_fact(handover, handover.current, tr, today)], tr)
    facts: list[Fact] = []
    if handover.contractual is not None:
        facts.append(_contract_fact(handover.contractual, tr, today))
    if status := _status_lines(handover, tr):
        facts.append(Fact(status, handover.source, handover.as_of))
    paragraphs += told(facts, tr)
    slips = _slips(handover)
    if slips:
        paragraphs.append(
            # Apart from the plural: not every language tells one from many by it.
            tr.t("The date has changed once:")
            if len(slips) == 1
            else tr.n(
                "The date has changed {n} time. The last time:",
                "The date has changed {n} times. The last time:",
                len(slips),
            )
        )
        paragraphs += [_slip_lines(newer, older, tr) for newer, older in slips[:SHOWN_SLIPS]]
    return paragraphs


def _status_lines(handover: HandoverOut, tr: Translator) -> list[str]:
    return (
        [tr.t("In the register: {status}", status=shortened(handover.handover_status))]
        if handover.handover_status
        else []
    )


def _current_fact(handover: HandoverOut, forecast: ForecastOut, tr: Translator, today: date) -> Fact:
    expected = span(forecast, tr)
    lines: list[str] = []
    if expected is None:
        lines.append(tr.t("The office says that no handover date can be given yet."))
    else:
        lines.append(tr.t("Handover is expected: <b>{when}</b>.", when=expected))
        lines.append(tr.t("This is {basis}.", basis=terms.name(tr, forecast.basis)))
        if passed(forecast, today):
            lines.append(tr.t("⚠️ This date has passed; no newer one is published yet."))
    if forecast.reason and not _slips(handover):  # else it stands with the change
        lines.append(tr.t("Reason: {reason}", reason=shortened(forecast.reason)))
    lines.append(tr.t("Published on {day}", day=tr.date(forecast.published_on)))
    if forecast.next_update_on is None:
        lines.append(tr.t("Next news: not published yet"))
    elif forecast.next_update_on < today:
        lines.append(tr.t("News was due on {day}; none is published yet.", day=tr.date(forecast.next_update_on)))
    else:
        lines.append(tr.t("Next news: {day}", day=tr.date(forecast.next_update_on)))
    return Fact(lines, forecast.source, forecast.confirmed_on)


def _contract_fact(forecast: ForecastOut, tr: Translator, today: date) -> Fact:
    agreed = span(forecast, tr)
    if agreed is None:
        lines: list[str] = [tr.t("Agreed in the contract: no date")]
    else:
        lines = [tr.t("Agreed in the contract: {when}", when=agreed)]
        if passed(forecast, today):
            lines.append(tr.t("The agreed date has passed."))
    return Fact(lines, forecast.source, forecast.confirmed_on)


def _slips(handover: HandoverOut) -> list[tuple[ForecastOut, ForecastOut]]:
    """Each change as the later and the earlier statement, newest first; the same date stated anew is no change."""
    stated = [forecast for forecast in (handover.current, *handover.history) if forecast is not None]
    return [
        (newer, older)
        for newer, older in pairwise(stated)
        if (newer.earliest_on, newer.latest_on) != (older.earliest_on, older.latest_on)
    ]


def _slip_lines(newer: ForecastOut, older: ForecastOut, tr: Translator) -> Html:
    before, after = (span(forecast, tr) or tr.t("no date") for forecast in (older, newer))
    return join(
        "\n",
        [
            tr.t("{before} → {after}", before=before, after=after),
            tr.t("This is {basis}.", basis=terms.name(tr, newer.basis)) if newer.basis is not older.basis else None,
            tr.t("Reason: {reason}", reason=shortened(newer.reason)) if newer.reason else tr.t("Reason: not published"),
            tr.t(
                "<i>Published on {day}. Source: {source}</i>",
                day=tr.date(newer.published_on),
                source=newer.source,
            ),
        ],
    )


def span(forecast: ForecastOut, tr: Translator) -> str | None:
    """The day or window in words; nothing where the office gave none."""
    earliest, latest = forecast.earliest_on, forecast.latest_on
    if earliest is not None and latest is not None:
        return tr.period(earliest, latest)
    if earliest is not None:
        return tr.t("not before {day}", day=tr.date(earliest))
    if latest is not None:
        return tr.t("by {day}", day=tr.date(latest))
    return None


def passed(forecast: ForecastOut, today: date) -> bool:
    last = forecast.latest_on or forecast.earliest_on
    return last is not None and last < today


class ChooseHandover(Callback, prefix="hands"):
    """The agreements of a family that has several, page by page."""

    page: int = 0


async def open_handover(update: Update, ctx: Context, tap: OpenHandover | ChooseHandover | None = None) -> None:
    every = await ctx.handovers()
    agreements = known([handover.agreement for handover in every])
    if not agreements:
        await explain_gate(ctx)
    elif len(agreements) == 1:
        await _show(ctx, every, agreements[0].id, 0)
    else:
        page = tap.page if isinstance(tap, ChooseHandover) else 0
        question = ctx.t("You have several agreements. Which one's handover would you like to see?")
        await choose(ctx, question, agreements, ShowHandover, ChooseHandover, page)


async def show_handover(update: Update, ctx: Context, tap: ShowHandover) -> None:
    every = await ctx.handovers()
    await _show(ctx, every, tap.agreement_id, tap.screen)


async def show_slips(update: Update, ctx: Context, tap: ShowSlips) -> None:
    every = await ctx.handovers()
    mine = _of(every, tap.agreement_id)
    if not mine:
        await explain_gone(ctx, any_left=bool(every))
        return
    back = [button(ctx.plain("Handover"), ShowHandover(tap.agreement_id))]
    screens = slips_view(mine, ctx.words)
    await show_screen(ctx, screens, tap.screen, lambda number: ShowSlips(tap.agreement_id, number), back)


async def watch(update: Update, ctx: Context, tap: WatchHandover) -> None:
    """The wish is stored; it is naturally repeatable."""
    try:
        await ctx.backend.watch_handover(ctx.chat_id, tap.agreement_id, watching=tap.watching)
    except NotFound:
        await explain_gone(ctx, any_left=ctx.session.linked)
        return
    await ctx.answer(
        ctx.plain("Noted: you want to be told when the date changes.")
        if tap.watching
        else ctx.plain("Noted: you do not want to be told any more.")
    )
    await _show(ctx, await ctx.backend.handovers(ctx.chat_id), tap.agreement_id, 0)


def _of(every: Sequence[HandoverOut], agreement_id: int) -> list[HandoverOut]:
    return [handover for handover in every if handover.agreement.id == agreement_id]


async def _show(ctx: Context, every: list[HandoverOut], agreement_id: int, screen: int) -> None:
    mine = _of(every, agreement_id)
    if not mine:
        await explain_gone(ctx, any_left=bool(every))
        return
    await show_screen(
        ctx,
        view(mine, ctx.words, today(ctx)),
        screen,
        lambda number: ShowHandover(agreement_id, number),
        [button(ctx.plain("All changes of the date"), ShowSlips(agreement_id))] if has_more_slips(mine) else [],
        _watch_row(ctx, mine),
        [
            button(ctx.plain("My home"), ShowHome(agreement_id)),
            *([] if mine[0].agreement.progress_only else [button(ctx.plain("Payments"), ShowPayments(agreement_id))]),
        ],
        [button(ctx.plain("Other agreements"), ChooseHandover())] if len(every) > len(mine) else [],
    )


def _watch_row(ctx: Context, mine: list[HandoverOut]) -> list[InlineKeyboardButton]:
    agreement_id = mine[0].agreement.id
    if mine[0].watching:
        return [button(ctx.plain("🔕 Do not tell me any more"), WatchHandover(agreement_id, False))]
    if all(handover.handed_over for handover in mine):
        return []
    return [button(ctx.plain("🔔 Tell me when it changes"), WatchHandover(agreement_id, True))]


HANDLERS = [
    CommandHandler("handover", open_handover, needs=Facts.HANDOVER),
    CallbackHandler(OpenHandover, open_handover, reminds=True, needs=Facts.HANDOVER),
    CallbackHandler(ChooseHandover, open_handover, needs=Facts.HANDOVER),
    CallbackHandler(ShowHandover, show_handover, needs=Facts.HANDOVER),
    CallbackHandler(ShowSlips, show_slips, needs=Facts.HANDOVER),
    CallbackHandler(WatchHandover, watch),
]
