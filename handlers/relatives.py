"""Letting a relative see one's home: how much, until when, a code to pass on; who was let in, and shutting them out.

For holders and co-owners, from /settings. The code itself comes in a message of its own that names neither home nor
holder: it is the only one that can be forwarded.
"""

import calendar
import contextlib
from datetime import date
from enum import StrEnum

from telegram import Update
from telegram.error import TelegramError

from api.agreements.schemas import AgreementRef
from api.identity.schemas import OWNERS, LinkOut, LinkScope, OpenCodeOut, RelativeCodeIn, RelativeCodeOut
from bot.backend import BackendError, BackendUnavailable, NotFound, TooMany
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import Page, button, rows
from handlers import terms
from handlers.facts import agreement_line
from handlers.lookups import choose, today
from handlers.menu import OpenMenu, OpenSettings, turning
from locales import Html, Translator, join

PAGE = 5


class OpenRelatives(Callback, prefix="rel"):
    """Which of one's agreements; with one, straight to it."""

    page: int = 0


class ShowRelatives(Callback, prefix="rel_show"):
    """Who sees it through a code, and the codes that nobody has used yet."""

    agreement_id: int
    page: int = 0


class Invite(Callback, prefix="rel_new"):
    """How much shall the relative see?"""

    agreement_id: int


class PickScope(Callback, prefix="rel_scope"):
    """Until when?"""

    agreement_id: int
    scope: LinkScope


class Until(StrEnum):
    NO_END = "no"
    MONTH = "m"
    YEAR = "y"


class MakeCode(Callback, prefix="rel_code"):
    agreement_id: int
    scope: LinkScope
    until: Until


class CancelCode(Callback, prefix="rel_stop"):
    agreement_id: int
    code_id: int


class AskUnlink(Callback, prefix="unlink"):
    """Ask back before a link is ended (``handlers.settings``)."""

    link_id: int


def last_day(until: Until, day: date) -> date | None:
    """The same day of a later month, or its last where that month is shorter."""
    if until is Until.NO_END:
        return None
    months = day.month if until is Until.MONTH else day.month + 11
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def owned(links: list[LinkOut]) -> list[AgreementRef]:
    """The agreements for which the chat may let others in."""
    return [link.agreement for link in links if link.this_chat and link.role in OWNERS]


async def open_relatives(update: Update, ctx: Context, tap: OpenRelatives) -> None:
    agreements = owned((await ctx.backend.links(ctx.chat_id)).links)
    if not agreements:
        await _not_ones_own(ctx)
    elif len(agreements) == 1:
        await _show(ctx, agreements[0].id)
    else:
        question = ctx.t("You have several agreements. Which home shall your relative see?")
        await choose(ctx, question, agreements, ShowRelatives, OpenRelatives, tap.page)


async def show(update: Update, ctx: Context, tap: ShowRelatives) -> None:
    await _show(ctx, tap.agreement_id, tap.page)


async def _show(ctx: Context, agreement_id: int, number: int = 0, note: Html | None = None) -> None:
    try:
        open_codes = await ctx.backend.relative_codes(ctx.chat_id, agreement_id)
    except NotFound:
        await _not_ones_own(ctx)
        return
    links = [link for link in (await ctx.backend.links(ctx.chat_id)).links if link.agreement.id == agreement_id]
    agreement = next((link.agreement for link in links if link.this_chat), None)
    if agreement is None:
        # Their own link has ended since the codes were looked up.
        await _not_ones_own(ctx)
        return
    page = Page([link for link in links if not link.this_chat], number, size=PAGE)
    numbered = list(enumerate(page.items, page.number * PAGE + 1))
    codes = list(enumerate(open_codes.codes, 1))
    tr = ctx.words
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                note,
                join("\n", [ctx.t("<b>Who else sees your home</b>"), agreement_line(agreement, tr)]),
                *(_link_line(ctx, place, link) for place, link in numbered),
                None if numbered else ctx.t("Nobody but this account."),
                ctx.t("<b>Codes that nobody has used yet</b>") if codes else None,
                *(_code_line(tr, place, code) for place, code in codes),
            ],
        ),
        rows(
            button(ctx.plain("➕ Make a new code"), Invite(agreement_id)) if len(codes) < open_codes.max_open else None,
            *(button(ctx.plain("{n}. Shut that account out", n=n), AskUnlink(link.id)) for n, link in numbered),
            *(button(ctx.plain("Cancel code {n}", n=n), CancelCode(agreement_id, code.id)) for n, code in codes),
            turning(ctx, page.number, page.count, lambda n: ShowRelatives(agreement_id, n)),
            button(ctx.plain("⬅️ Back"), OpenSettings()),
        ),
        personal=True,
    )


def _link_line(ctx: Context, place: int, link: LinkOut) -> Html:
    tr = ctx.words
    return join(
        "\n",
        [
            ctx.t(
                "<b>{n}. {role}</b> sees {scope}",
                n=place,
                role=terms.name(tr, link.role),
                scope=terms.name(tr, link.scope),
            ),
            known_by(tr, link),
            *link_dates(tr, link),
        ],
    )


def known_by(tr: Translator, link: LinkOut) -> Html | None:
    """Who it is, as far as that is on file: several relatives would else look alike."""
    if link.name is None:
        return None
    if link.phone is None:
        return tr.t("In the roll: {name}", name=link.name)
    return tr.t("In the roll: {name}, phone {phone}", name=link.name, phone=link.phone)


def link_dates(tr: Translator, link: LinkOut) -> list[Html]:
    """Since when, until when, and when it was last used."""
    since = tr.date(link.linked_at.astimezone(tr.time_zone).date())
    if not link.this_chat and link.name is None:
        # Nothing else tells relatives apart who came by a code: whoever let them in knows when that was.
        since = tr.datetime(link.linked_at)
    lines = [tr.t("Since {day}, {method}", day=since, method=terms.name(tr, link.method))]
    if link.valid_until is not None:
        lines.append(tr.t("Until {day}", day=tr.date(link.valid_until)))
    if not link.this_chat:
        lines.append(tr.t("Last used on {day}", day=tr.date(link.used_on)))
    return lines


def _code_line(tr: Translator, place: int, code: OpenCodeOut) -> Html:
    return tr.t(
        "Code {n}: shows {scope}, good until {moment}",
        n=place,
        scope=terms.name(tr, code.scope),
        moment=tr.datetime(code.expires_at),
    )


# --- a new code ---


async def invite(update: Update, ctx: Context, tap: Invite) -> None:
    await ctx.edit_or_reply(
        ctx.t(
            "How much shall your relative see?\n\n"
            "🏗 <b>Only how far the home is:</b> when the keys come, and how far the building is. No money, no "
            "complaints.\n\n"
            "📋 <b>Everything:</b> what is paid and owed as well. They can also file complaints."
        ),
        rows(
            button(ctx.plain("🏗 Only how far the home is"), PickScope(tap.agreement_id, LinkScope.PROGRESS)),
            button(ctx.plain("📋 Everything"), PickScope(tap.agreement_id, LinkScope.EVERYTHING)),
            button(ctx.plain("⬅️ Back"), ShowRelatives(tap.agreement_id)),
        ),
        personal=True,
    )


async def pick_scope(update: Update, ctx: Context, tap: PickScope) -> None:
    def until(length: Until) -> MakeCode:
        return MakeCode(tap.agreement_id, tap.scope, length)

    await ctx.edit_or_reply(
        ctx.t("For how long? You can end it yourself at any time."),
        rows(
            button(ctx.plain("Until I end it"), until(Until.NO_END)),
            button(ctx.plain("For a month"), until(Until.MONTH)),
            button(ctx.plain("For a year"), until(Until.YEAR)),
            button(ctx.plain("⬅️ Back"), Invite(tap.agreement_id)),
        ),
        personal=True,
    )


async def make_code(update: Update, ctx: Context, tap: MakeCode) -> None:
    wanted = RelativeCodeIn(scope=tap.scope, valid_until=last_day(tap.until, today(ctx)))
    try:
        code = await ctx.backend.invite_relative(ctx.chat_id, tap.agreement_id, wanted)
    except TooMany as limit:
        note = ctx.n(
            "{n} code is waiting for somebody already. Please cancel it first.",
            "{n} codes are waiting for somebody already. Please cancel one of them first.",
            int(limit.details.get("max", 0)),
        )
        await _show(ctx, tap.agreement_id, note=note)
        return
    except NotFound:
        await _not_ones_own(ctx)
        return
    try:
        await _show_code(ctx, tap.agreement_id, code)
    except TelegramError:
        # The turn is tried again, perhaps by Telegram itself, and makes another one.
        with contextlib.suppress(BackendError, BackendUnavailable):
            await ctx.backend.cancel_code(ctx.chat_id, tap.agreement_id, code.id)
        raise
    # Last: while the code has not arrived, pressing the button again brings one.
    with contextlib.suppress(TelegramError):
        await ctx.remove_buttons()


async def _show_code(ctx: Context, agreement_id: int, code: RelativeCodeOut) -> None:
    # Not personal: this message is meant to be passed on.
    await ctx.reply(_to_pass_on(ctx, code))
    shown = [ctx.t("It shows {scope}.", scope=terms.name(ctx.words, code.scope))]
    if code.valid_until is not None:
        shown.append(ctx.t("What it shows ends after {day}.", day=ctx.words.date(code.valid_until)))
    await ctx.reply(
        join(
            "\n\n",
            [
                ctx.t(
                    "⬆️ Please pass the message above on to your relative, and to nobody else: whoever uses it first "
                    "sees your home."
                ),
                join("\n", shown),
                ctx.t("You are told as soon as it is used."),
            ],
        ),
        rows(
            button(ctx.plain("Who else sees your home"), ShowRelatives(agreement_id)),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


def _to_pass_on(ctx: Context, code: RelativeCodeOut) -> Html:
    link = f"https://t.me/{ctx.bot.username}?start={code.code}"
    about = (
        ctx.t("🏠 An invitation to see how our home is coming along.")
        if code.scope is LinkScope.PROGRESS
        else ctx.t("🏠 An invitation to see our home, what is paid and what is owed.")
    )
    how = ctx.t(
        "Tap here:\n{link}\n\nOr open @{bot} and send this code: <code>{code}</code>\n\nIt works once, until {moment}.",
        link=link,
        bot=ctx.bot.username,
        code=code.code,
        moment=ctx.words.datetime(code.expires_at),
    )
    return join(" ", [about, how])


async def cancel_code(update: Update, ctx: Context, tap: CancelCode) -> None:
    try:
        await ctx.backend.cancel_code(ctx.chat_id, tap.agreement_id, tap.code_id)
        note = ctx.t("✔️ The code no longer works.")
    except NotFound:
        note = ctx.t("This code is used or over already.")
    await _show(ctx, tap.agreement_id, note=note)


async def _not_ones_own(ctx: Context) -> None:
    await ctx.edit_or_reply(
        ctx.t("Only the holder or a co-owner can let others see a home. Please ask them."),
        rows(button(ctx.plain("⬅️ Back"), OpenSettings())),
        personal=True,
    )


HANDLERS = [
    CallbackHandler(OpenRelatives, open_relatives),
    CallbackHandler(ShowRelatives, show),
    CallbackHandler(Invite, invite),
    CallbackHandler(PickScope, pick_scope),
    CallbackHandler(MakeCode, make_code),
    CallbackHandler(CancelCode, cancel_code),
]
