"""Whom a broadcast is for, tap by tap: conditions that must all hold, or of which one must, or must not."""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, Update
from telegram.ext import filters

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas import MAX_NUMBERS, BroadcastOut, Everybody, Numbered, ParcelsOf, Rule
from bot.backend import InvalidInput, TooLarge, TooMany, UnsupportedType
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.ui import Page, button, pairs, rows
from handlers import staff_broadcast_screens as screens
from handlers import terms
from handlers.broadcast_audience import (
    KINDS,
    How,
    Places,
    condition_of,
    entrance_code,
    joined,
    sentence,
    without_last,
)
from handlers.facts import listed, named, phase_label
from handlers.menu import Row, turning
from handlers.staff_broadcast import OpenBroadcast, change, places_of, seen
from handlers.staff_broadcast_draft import Asked, Question, ask, asked_about, awaited
from handlers.staff_menu import staff_only
from locales import SUPPORTED, Html, join, lazy, native_name

SHOWN_UNKNOWN = 10
LARGEST_FILE = 20 * 1024 * 1024
"""Bytes that a bot gets from Telegram."""


class AddCondition(Callback, prefix="b_cond"):
    """One more condition: first, of which kind."""

    broadcast_id: int
    version: int
    how: How


class PickPlace(Callback, prefix="b_place"):
    """Places inside a place (``inside``: a letter and an id; empty: the projects)."""

    broadcast_id: int
    version: int
    how: How
    inside: str = ""
    page: int = 0


class Take(Callback, prefix="b_take"):
    """This condition (see ``condition_of``)."""

    broadcast_id: int
    version: int
    how: How
    code: str


class AskNumbers(Callback, prefix="b_nums"):
    """Agreement numbers out of a file."""

    broadcast_id: int
    version: int
    how: How


class TakeBack(Callback, prefix="b_back"):
    """The last condition, or with ``every`` all of them."""

    broadcast_id: int
    version: int
    every: bool


async def show_audience(
    ctx: Context, broadcast: BroadcastOut, note: Html | None = None, *, below: bool = False
) -> None:
    """The rule as a sentence, how many get it, and what can be done with it."""
    rule = broadcast.content.audience
    places = await places_of(ctx)
    count = await ctx.backend.broadcast_count(ctx.chat_id, broadcast.id) if rule is not None else None
    at = (broadcast.id, broadcast.version)
    if rule is None or isinstance(rule, Everybody):
        keys = [
            *([[button(ctx.plain("🏘 All families"), Take(*at, How.AND, "*"))]] if rule is None else []),
            [button(ctx.plain("➕ Choose families"), AddCondition(*at, How.AND))],
            [button(ctx.plain("➖ All but some families"), AddCondition(*at, How.AND_NOT))],
        ]
    else:
        keys = [
            [
                button(ctx.plain("➕ and also …"), AddCondition(*at, How.AND)),
                button(ctx.plain("➖ but not …"), AddCondition(*at, How.AND_NOT)),
            ],
            [button(ctx.plain("➕ or other families …"), AddCondition(*at, How.OR))],
            [
                button(ctx.plain("↩️ Remove the last"), TakeBack(*at, every=False)),
                button(ctx.plain("🗑 Begin anew"), TakeBack(*at, every=True)),
            ],
        ]
    text = join(
        "\n\n",
        [
            note,
            screens.heading(broadcast, ctx.words),
            ctx.t("For: <b>{families}</b>", families=sentence(rule, Places(places, ctx.words), ctx.words)),
            screens.counted(count, ctx.words) if count is not None else None,
        ],
    )
    keyboard = rows(*keys, button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id)))
    if below:
        await ctx.reply(text, keyboard, personal=True)
    else:
        await ctx.edit_or_reply(text, keyboard, personal=True)


@staff_only
async def add_condition(update: Update, ctx: Context, tap: AddCondition) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    at = (tap.broadcast_id, tap.version, tap.how)

    def take(label: str, code: str) -> InlineKeyboardButton:
        return button(label, Take(*at, code))

    languages = [*dict.fromkeys([*SUPPORTED, *broadcast.content.bodies])]
    choices = [
        button(ctx.plain("🏘 Where the home is"), PickPlace(*at)),
        button(ctx.plain("📄 Numbers out of a file"), AskNumbers(*at)),
        *(take(ctx.plain(KINDS[kind]), f"k{kind.value}") for kind in AgreementKind),
        take(ctx.plain("with their keys"), "h1"),
        take(ctx.plain("without their keys yet"), "h0"),
        take(ctx.plain("with a transition fee overdue"), "a1"),
        take(ctx.plain("without a transition fee overdue"), "a0"),
        *(take(ctx.plain("reading {languages}", languages=native_name(one)), f"l{one}") for one in languages),
    ]
    stages = [
        take(
            ctx.plain("{kind}: {stage}", kind=terms.name(ctx.words, kind), stage=terms.name(ctx.words, stage)),
            f"r{kind.value}.{stage.value}",
        )
        for kind in RegistrationKind
        for stage in RegistrationStage
    ]
    question = ctx.t("<b>Which families not?</b>") if tap.how.negated else ctx.t("<b>Which families?</b>")
    await ctx.edit_or_reply(
        join("\n\n", [screens.heading(broadcast, ctx.words), question]),
        rows(*pairs(choices), *([key] for key in stages), _to_audience(ctx, broadcast)),
        personal=True,
    )


def _to_audience(ctx: Context, broadcast: BroadcastOut) -> Row:
    return [button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id))]


# --- places ---


@staff_only
async def pick_place(update: Update, ctx: Context, tap: PickPlace) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    projects = await places_of(ctx)
    inside = tap.inside
    if not inside and len(projects) == 1:
        inside = f"p{projects[0].id}"
    at = (tap.broadcast_id, tap.version, tap.how)
    found = _inside(ctx, projects, inside)
    page = Page(found, tap.page)
    keys = [button(label, Take(*at, code) if leaf else PickPlace(*at, code)) for code, label, leaf in page.items]
    whole = [button(ctx.plain("✅ All of it"), Take(*at, inside))] if inside else []
    names = Places(projects, ctx.words)
    title = _place_name(ctx, names, inside)
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                screens.heading(broadcast, ctx.words),
                title,
                ctx.t("Press a place to go on, or “All of it”.") if inside else ctx.t("Which project?"),
            ],
        ),
        rows(
            whole,
            *pairs(keys),
            turning(ctx, page.number, page.count, lambda n: PickPlace(*at, inside, n)),
            [button(ctx.plain("⬅️ Other conditions"), AddCondition(*at))],
        ),
        personal=True,
    )


def _inside(ctx: Context, projects: Sequence[ParcelsOf], inside: str) -> list[tuple[str, str, bool]]:
    """Code and label of each place inside, and whether there is nothing further inside it."""
    tr = ctx.words
    if not inside:
        return [(f"p{project.id}", project.name, False) for project in projects]
    for project in projects:
        if inside == f"p{project.id}":
            return [(f"c{one.id}", named(tr, lazy("Parcel {name}"), one.name), False) for one in project.parcels]
        for parcel in project.parcels:
            if inside == f"c{parcel.id}":
                return [(f"f{one.id}", phase_label(one.name, tr), False) for one in parcel.phases]
            for phase in parcel.phases:
                if inside == f"f{phase.id}":
                    return [
                        (f"b{one.id}", named(tr, lazy("Building {name}"), one.name), not one.entrances)
                        for one in phase.buildings
                    ]
                for building in phase.buildings:
                    if inside == f"b{building.id}":
                        return [
                            (entrance_code(building.id, one), named(tr, lazy("Entrance {name}"), one), True)
                            for one in building.entrances
                        ]
    return []


def _place_name(ctx: Context, names: Places, inside: str) -> Html | None:
    kind = {"p": "project", "c": "parcel", "f": "phase", "b": "building"}.get(inside[:1])
    if kind is None or not inside[1:].isdecimal():
        return None
    return ctx.t("<b>{place}</b>", place=names.name(kind, int(inside[1:]), ctx.words))


# --- a condition is chosen ---


@staff_only
async def take(update: Update, ctx: Context, tap: Take) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    condition = condition_of(tap.code, await places_of(ctx) if tap.code.startswith("e") else ())
    if condition is None:
        await show_audience(ctx, broadcast, ctx.t("That place is not there any more. Please choose again."))
        return
    await _join(ctx, broadcast, condition, tap.how)


async def _join(
    ctx: Context,
    broadcast: BroadcastOut,
    condition: Rule,
    how: How,
    note: Html | None = None,
    *,
    below: bool = False,
) -> None:
    rule = joined(broadcast.content.audience, condition, how)
    await _save(ctx, broadcast, rule, note, below=below)


async def _save(
    ctx: Context, broadcast: BroadcastOut, rule: Rule | None, note: Html | None = None, *, below: bool = False
) -> None:
    try:
        changed = await change(ctx, broadcast, below=below, audience=rule.model_dump() if rule is not None else None)
    except (ValueError, InvalidInput):
        refused = ctx.t("That would be more conditions than there may be. Please make it simpler, or use a file.")
        await show_audience(ctx, broadcast, refused, below=below)
        return
    if changed is not None:
        await show_audience(ctx, changed, note, below=below)


@staff_only
async def take_back(update: Update, ctx: Context, tap: TakeBack) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    rule = broadcast.content.audience
    await _save(ctx, broadcast, None if tap.every or rule is None else without_last(rule))


# --- numbers out of a file ---


@staff_only
async def ask_numbers(update: Update, ctx: Context, tap: AskNumbers) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is not None:
        await ask_for_numbers(ctx, broadcast, tap.how)


async def ask_for_numbers(
    ctx: Context, broadcast: BroadcastOut, how: How, note: Html | None = None, *, below: bool = False
) -> None:
    text = ctx.t(
        "Please send a table (Excel or CSV) with a column of agreement numbers, or write the numbers, one on a line. "
        "Up to {n}.",
        n=ctx.words.number(MAX_NUMBERS),
    )
    question = Question(broadcast_id=broadcast.id, version=broadcast.version, how=how.value)
    await ask(ctx, Asked.NUMBERS, question, text, note=note, below=below)


@staff_only
async def take_numbers(update: Update, ctx: Context) -> None:
    message, question = update.message, awaited(ctx)
    assert message is not None  # noqa: S101 - a message handler
    broadcast = await asked_about(ctx, question)
    if broadcast is None:
        return
    how = How(question.how)
    document = message.document
    if document is not None and (document.file_size or 0) > LARGEST_FILE:
        too_large = ctx.t("This file is larger than 20 MB, so I could not take it. Please send a smaller one.")
        await ask_for_numbers(ctx, broadcast, how, too_large, below=True)
        return
    if document is not None:
        file = await ctx.bot.get_file(document.file_id)
        data, name = bytes(await file.download_as_bytearray()), document.file_name or "numbers.csv"
    elif message.text:
        data, name = message.text.replace("\0", "").encode(), "numbers.txt"
    else:
        note = ctx.t("I cannot take this. A table, or numbers as a text, are fine.")
        await ask_for_numbers(ctx, broadcast, how, note, below=True)
        return
    try:
        found = await ctx.backend.read_numbers(ctx.chat_id, data, filename=name)
    except TooMany:
        note = ctx.t("There are more numbers in it than I can take.")
    except (TooLarge, UnsupportedType, InvalidInput):
        note = ctx.t("I cannot read a table from this. Excel, CSV and plain text are fine.")
    else:
        if found.found:
            told = ctx.n("✔️ {n} agreement was found.", "✔️ {n} agreements were found.", len(found.found))
            await _join(
                ctx,
                broadcast,
                Numbered(numbers=found.found),
                how,
                join("\n", [told, _unknown(ctx, found.unknown)]),
                below=True,
            )
            return
        note = join("\n", [ctx.t("No agreement with such a number is on file."), _unknown(ctx, found.unknown)])
    await ask_for_numbers(ctx, broadcast, how, note, below=True)


def _unknown(ctx: Context, numbers: list[str]) -> Html | None:
    if not numbers:
        return None
    shown = numbers[:SHOWN_UNKNOWN]
    more = "…" if len(numbers) > SHOWN_UNKNOWN else None
    return ctx.n(
        "⚠️ {n} number is not on file: {numbers}",
        "⚠️ {n} numbers are not on file: {numbers}",
        len(numbers),
        numbers=listed([*shown, more], ctx.words),
    )


HANDLERS = [
    CallbackHandler(AddCondition, add_condition),
    CallbackHandler(PickPlace, pick_place),
    CallbackHandler(Take, take),
    CallbackHandler(TakeBack, take_back),
    CallbackHandler(AskNumbers, ask_numbers),
    MessageHandler(InDialog(Asked.NUMBERS) & filters.ALL, take_numbers),
]
