"""What happened with a complaint: each step with its day, who took it, and what was said with it."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from telegram import InlineKeyboardMarkup, Update

from api.cases.schemas import CaseActor, CaseEventKind, CaseEventOut, CaseOut, Outcome
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import Page, button, rows
from handlers import terms
from handlers.case_buttons import ShowCase, ShowHistory, ShowNewest, ShowSaid
from handlers.case_finding import find_case
from handlers.facts import day_of, quoted
from handlers.menu import turning
from handlers.passages import passages
from locales import Html, Translator, join

PAGE = 6
"""Steps on a screen."""
SHOWN = 250
"""Characters of what was said with each."""
ANSWERS = (CaseEventKind.ANSWERED, CaseEventKind.REVIEW_ANSWERED, CaseEventKind.SECOND_REVIEW_ANSWERED)


class Happened(NamedTuple):
    """A step; ``place`` is its place in the case's history."""

    place: int
    event: CaseEventOut


def history(case: CaseOut) -> Iterator[Happened]:
    for place, event in enumerate(case.events):
        yield Happened(place, event)


def newest(case: CaseOut, *kinds: CaseEventKind) -> Happened | None:
    """The newest step of one of these kinds."""
    return next((step for step in reversed([*history(case)]) if step.event.kind in kinds), None)


def step_line(step: Happened, tr: Translator) -> Html:
    return tr.t(
        "• {moment}: {event} ({who})",
        moment=tr.datetime(step.event.happened_at),
        event=_what(step.event, tr),
        who=who(step, tr),
    )


def who(step: Happened, tr: Translator) -> Html:
    """By role and department: no names."""
    match step.event.by:
        case CaseActor.RESIDENT:
            return tr.t("you")
        case CaseActor.SYSTEM:
            return tr.t("automatically")
        case CaseActor.SUPERVISOR:
            return tr.t("supervisor")
    department = step.event.handled_by
    return tr.t("officer, {department}", department=department) if department else tr.t("officer")


def _what(event: CaseEventOut, tr: Translator) -> Html:
    if event.department is not None:
        return tr.t("Passed on to {department}", department=event.department)
    if event.kind in ANSWERS and event.outcome is not None:
        name = terms.name(tr, event.kind)
        return tr.t("{event}: {outcome}", event=name, outcome=terms.name(tr, event.outcome))
    if event.kind is CaseEventKind.EXTENDED and event.days is not None:
        return tr.n("Answer put off by {n} day", "Answer put off by {n} days", event.days)
    if event.kind is CaseEventKind.RATED and event.rating is not None:
        return tr.t("Answer rated, {stars} of 5", stars=event.rating)
    return terms.name(tr, event.kind)


def answered_at(case: CaseOut) -> datetime | None:
    """When the answer was given that stands now."""
    answer = newest(case, *ANSWERS)
    return None if answer is None else answer.event.happened_at


def outcome_line(outcome: Outcome, tr: Translator) -> Html:
    match outcome:
        case Outcome.SUPPORTED:
            return tr.t("What you asked for is <b>supported</b>.")
        case Outcome.EXPLAINED:
            return tr.t("The office <b>explains</b> how things are and why.")
        case Outcome.NOT_SUPPORTED:
            return tr.t("What you asked for is <b>not supported</b>; the reasons are in the answer.")


async def show_history(update: Update, ctx: Context, tap: ShowHistory) -> None:
    case = await find_case(ctx, tap.number)
    if case is None:
        return
    steps = [*history(case)]
    # The newest page is full; on each, what came first stands first.
    page = Page(steps[::-1], tap.page, size=PAGE)
    shown = page.items[::-1]
    heading = ctx.t("<b>All that happened with complaint {number}</b>", number=case.number)
    blocks = [
        join("\n", [step_line(step, ctx.words), quoted(step.event.text, SHOWN) if step.event.text else None])
        for step in shown
    ]
    cut = [step for step in shown if len(step.event.text) > SHOWN]
    await ctx.edit_or_reply(
        join("\n\n", [heading, *blocks]),
        rows(
            *(
                button(
                    ctx.plain(
                        "📖 Read all: {event}, {day}",
                        event=terms.name(ctx.words, step.event.kind),
                        day=day_of(step.event.happened_at, ctx.words),
                    ),
                    ShowSaid(case.number, step.place),
                )
                for step in cut
            ),
            turning(ctx, page.number, page.count, lambda number: ShowHistory(case.number, number)),
            button(ctx.plain("⬅️ Back"), ShowCase(case.number)),
        ),
        personal=True,
    )


async def show_said(update: Update, ctx: Context, tap: ShowSaid) -> None:
    case = await find_case(ctx, tap.number)
    if case is None:
        return
    steps = [*history(case)]
    await _read_out(ctx, case, steps[tap.place] if 0 <= tap.place < len(steps) else None)


async def show_newest(update: Update, ctx: Context, tap: ShowNewest) -> None:
    case = await find_case(ctx, tap.number)
    if case is not None:
        await _read_out(ctx, case, newest(case, tap.kind))


async def _read_out(ctx: Context, case: CaseOut, step: Happened | None) -> None:
    """Whole, in as many messages as it takes, each of which ends with a sentence."""
    back = rows(button(ctx.plain("⬅️ Back to the complaint"), ShowCase(case.number)))
    if step is None or not step.event.text:
        await ctx.reply(ctx.t("There is nothing to read there."), back, personal=True)
        return
    heading = join(
        "\n",
        [
            ctx.t("<b>Complaint {number}</b>", number=case.number),
            step_line(step, ctx.words),
            outcome_line(step.event.outcome, ctx.words) if step.event.outcome else None,
        ],
    )
    parts = passages(step.event.text)
    for place, part in enumerate(parts, 1):
        count = ctx.t("<i>Part {place} of {count}</i>", place=place, count=len(parts)) if len(parts) > 1 else None
        words = [heading if place == 1 else None, quoted(part, len(part)), count]
        # Each bears the button, so that a reply to any of them finds the complaint.
        await ctx.reply(join("\n\n", words), _below(ctx, back, case, last=place == len(parts)), personal=True)


def _below(ctx: Context, back: InlineKeyboardMarkup, case: CaseOut, *, last: bool) -> InlineKeyboardMarkup:
    return back if last else rows(button(case.number, ShowCase(case.number)))


HANDLERS = [
    CallbackHandler(ShowHistory, show_history),
    CallbackHandler(ShowSaid, show_said),
    CallbackHandler(ShowNewest, show_newest),
]
