"""/settings: which agreements this chat sees, who else sees them, the language, and what the bot keeps."""

import asyncio

from telegram import InlineKeyboardButton, Update

import locales
from api.identity.schemas import AccessRequestMade, LapsedLink, LinkOut, LinkScope
from bot.backend import NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import Page, button, rows
from handlers import terms
from handlers.facts import agreement_line, day_of, quoted
from handlers.gate import Verify, ask_office_button, lapse_reason, verify_button
from handlers.menu import OpenLanguage, OpenMenu, OpenSettings, turning
from handlers.mutes import OpenMutes
from handlers.relatives import AskUnlink, OpenRelatives, known_by, link_dates, owned
from locales import Html, Translator, join

PAGE = 6
"""Links on one screen."""
SHOWN_REQUESTS = 3


class TurnLinks(Callback, prefix="set_page"):
    page: int


class Unlink(Callback, prefix="unlink_do"):
    link_id: int


class ShowStored(Callback, prefix="stored"):
    """What the bot keeps."""


async def show(update: Update, ctx: Context, tap: OpenSettings | TurnLinks | None = None) -> None:
    await _show(ctx, tap.page if isinstance(tap, TurnLinks) else 0)


async def _show(ctx: Context, number: int = 0, note: Html | None = None) -> None:
    found, asked = await asyncio.gather(ctx.backend.links(ctx.chat_id), ctx.backend.access_requests(ctx.chat_id))
    links = sorted(found.links, key=lambda link: not link.this_chat)
    page = Page(links, number, size=PAGE)
    numbered = list(enumerate(page.items, page.number * PAGE + 1))
    lapsed = list(enumerate(found.lapsed, len(links) + 1))[:PAGE] if page.number + 1 == page.count else []
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                note,
                ctx.t("<b>Settings</b>"),
                ctx.t("Language: {language}", language=locales.native_name(ctx.session.locale)),
                *(_entry(ctx, place, link) for place, link in numbered),
                *(_lapsed_entry(ctx, place, link) for place, link in lapsed),
                None if links or found.lapsed else ctx.t("No agreement is linked to this chat yet."),
                _asked_lines(ctx, asked.requests),
            ],
        ),
        rows(
            button(ctx.plain("👪 Let a relative see it"), OpenRelatives()) if owned(links) else None,
            *(_unlink_button(ctx, place, link) for place, link in numbered),
            *(button(ctx.plain("{n}. Take it off this list", n=place), Unlink(link.id)) for place, link in lapsed),
            turning(ctx, page.number, page.count, TurnLinks),
            button(ctx.plain("➕ Add another agreement"), Verify()) if links else verify_button(ctx),
            ask_office_button(ctx) if found.lapsed or asked.requests or not links else None,
            button(ctx.plain("Messages to you"), OpenMutes()),
            button(ctx.plain("Language"), OpenLanguage()),
            button(ctx.plain("What is kept about me"), ShowStored()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


def _entry(ctx: Context, place: int, link: LinkOut) -> Html:
    tr = ctx.words
    agreement = agreement_line(link.agreement, tr)
    shows = link.scope is LinkScope.PROGRESS or not link.this_chat
    if link.this_chat:
        heading = ctx.t("<b>{n}. You see:</b> {agreement}", n=place, agreement=agreement)
    else:
        heading = ctx.t("<b>{n}. Another Telegram account sees:</b> {agreement}", n=place, agreement=agreement)
    return join(
        "\n",
        [
            heading,
            ctx.t("🏠 {home}", home=link.agreement.home) if link.this_chat and link.agreement.home else None,
            ctx.t("Role: {role}", role=terms.name(tr, link.role)),
            ctx.t("Shown: {scope}", scope=terms.name(tr, link.scope)) if shows else None,
            known_by(tr, link),
            *link_dates(tr, link),
        ],
    )


def _lapsed_entry(ctx: Context, place: int, link: LapsedLink) -> Html:
    agreement = agreement_line(link.agreement, ctx.words)
    return join(
        "\n",
        [
            ctx.t("<b>{n}. Not shown any more:</b> {agreement}", n=place, agreement=agreement),
            lapse_reason(ctx, link.because),
        ],
    )


def _asked_lines(ctx: Context, requests: list[AccessRequestMade]) -> Html | None:
    if not requests:
        return None
    tr = ctx.words
    return join(
        "\n",
        [
            ctx.t("<b>What you asked the office</b>"),
            *(_asked_line(tr, request) for request in requests[:SHOWN_REQUESTS]),
        ],
    )


def _asked_line(tr: Translator, request: AccessRequestMade) -> Html:
    line = tr.t(
        "No. {number}, {day}, {kind}: {state}",
        number=request.id,
        day=day_of(request.created_at, tr),
        kind=terms.name(tr, request.kind),
        state=terms.name(tr, request.state),
    )
    # The notice that told it may have been missed.
    return join("\n", [line, quoted(request.reason) if request.reason else None])


def _unlink_button(ctx: Context, place: int, link: LinkOut) -> InlineKeyboardButton:
    if link.this_chat:
        return button(ctx.plain("{n}. No longer see it here", n=place), AskUnlink(link.id))
    return button(ctx.plain("{n}. Shut that account out", n=place), AskUnlink(link.id))


async def ask_unlink(update: Update, ctx: Context, tap: AskUnlink) -> None:
    link = await _find(ctx, tap.link_id)
    if link is None:
        await _show(ctx, note=ctx.t("This link is ended already."))
        return
    agreement = agreement_line(link.agreement, ctx.words)
    if link.this_chat:
        text = ctx.t(
            "After this you no longer see {agreement} in this chat. Complaints that you filed stay filed. To see it "
            "again you show who you are once more. Go on?",
            agreement=agreement,
        )
    else:
        text = ctx.t(
            "After this the other Telegram account ({role}) no longer sees {agreement}. To see it again it needs a new "
            "code, or its own papers. Go on?",
            role=terms.name(ctx.words, link.role),
            agreement=agreement,
        )
        text = join("\n\n", [text, join("\n", [known_by(ctx.words, link), *link_dates(ctx.words, link)])])
    await ctx.edit_or_reply(
        text,
        rows(
            button(ctx.plain("Yes, end it"), Unlink(link.id)),
            button(ctx.plain("No, leave it"), OpenSettings()),
        ),
        personal=True,
    )


async def unlink(update: Update, ctx: Context, tap: Unlink) -> None:
    try:
        await ctx.backend.unlink(ctx.chat_id, tap.link_id)
        note = ctx.t("✔️ It is ended.")
    except NotFound:
        note = ctx.t("This link is ended already.")
    await _show(ctx, note=note)


async def _find(ctx: Context, link_id: int) -> LinkOut | None:
    links = (await ctx.backend.links(ctx.chat_id)).links
    return next((link for link in links if link.id == link_id), None)


async def show_stored(update: Update, ctx: Context, tap: ShowStored) -> None:
    await ctx.edit_or_reply(
        ctx.t(
            "<b>What is kept</b>\n\n"
            "• The number of this Telegram chat, its language, what it wants to be told of, and which agreements it "
            "may see.\n"
            "• Complaints that you file, and one that you have begun, with their files.\n"
            "• How often somebody failed to show who they are, so that nobody can guess.\n\n"
            "The office keeps it in its own system; what you write is encrypted there. Characters of an ID number "
            "that you send me are compared and not kept. Which agreements this chat sees you can end under “Settings”."
        ),
        rows(button(ctx.plain("⬅️ Back"), OpenSettings())),
        personal=True,
    )


HANDLERS = [
    CommandHandler("settings", show),
    CallbackHandler(OpenSettings, show, reminds=True),
    CallbackHandler(TurnLinks, show),
    CallbackHandler(AskUnlink, ask_unlink),
    CallbackHandler(Unlink, unlink),
    CallbackHandler(ShowStored, show_stored),
]
