"""Who sees an agreement, for the office's people: whom the roll names, which accounts are linked, shutting one out, and
a code for somebody who stands at the counter. Everything is masked."""

from enum import StrEnum

from telegram import Update
from telegram.ext import filters

from api.identity.schemas import LinkRole, LinkScope, LinkSuspension
from api.staff.schemas import LETS_IN, StaffAgreementFound, StaffAgreementOut, StaffLinkOut, StaffPartyOut
from bot.backend import NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.drafts import Drop, Resume
from bot.ui import Page, button, rows
from handlers import terms
from handlers.facts import agreement_line, day_of
from handlers.menu import OpenStaff, turning
from handlers.staff_menu import AskNumber, may, staff_only
from handlers.verification_texts import given
from locales import Html, join

PAGE = 5
"""Links on one screen."""
LONGEST_NUMBER = 80


class Step(StrEnum):
    """The dialog's name."""

    NUMBER = "staff_links.number"


class ShowAgreement(Callback, prefix="s_agr"):
    """Whom the roll names, and who sees it."""

    agreement_id: int
    page: int = 0


class AskRevoke(Callback, prefix="s_end"):
    """Ask back before a link is ended."""

    agreement_id: int
    link_id: int


class Revoke(Callback, prefix="s_end_do"):
    agreement_id: int
    link_id: int


class NewCode(Callback, prefix="s_code"):
    """How much shall the code show?"""

    agreement_id: int


class MakeCode(Callback, prefix="s_code_do"):
    agreement_id: int
    scope: LinkScope


# --- which agreement ---


@staff_only
async def ask_number(update: Update, ctx: Context, tap: AskNumber) -> None:
    await ctx.backend.staff_me(ctx.chat_id)
    ctx.session.interrupt_with(Step.NUMBER)
    await _ask(ctx)


@staff_only
async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    await ctx.remove_buttons()
    await _ask(ctx)


async def _ask(ctx: Context, note: Html | None = None) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at the step only
    question = ctx.t("Please send the number of the agreement, as it stands in the roll.")
    await ctx.reply(join("\n\n", [note, question]), rows(button(ctx.plain("✖️ Cancel"), Drop(dialog.id))))


@staff_only
async def take_number(update: Update, ctx: Context) -> None:
    found = await find(ctx, given(update))
    if isinstance(found, Html):
        await _ask(ctx, found)
        return
    ctx.session.end_dialog()
    if len(found) == 1:
        await _show(ctx, found[0].agreement.id)
    else:
        await ctx.reply(
            ctx.t("Several projects use this number. Which one is it?"),
            rows(*(button(one.project, ShowAgreement(one.agreement.id)) for one in found)),
            personal=True,
        )


async def find(ctx: Context, number: str) -> list[StaffAgreementFound] | Html:
    """The agreements with this number; a sentence where there is none."""
    found = await ctx.backend.find_agreements(ctx.chat_id, number) if 0 < len(number) <= LONGEST_NUMBER else []
    return found or ctx.t("No agreement has this number. Please check it.")


async def not_a_number(update: Update, ctx: Context) -> None:
    await _ask(ctx, ctx.t("Please write it as a text."))


# --- who sees it ---


@staff_only
async def show(update: Update, ctx: Context, tap: ShowAgreement) -> None:
    await _show(ctx, tap.agreement_id, tap.page)


async def _show(ctx: Context, agreement_id: int, number: int = 0, note: Html | None = None) -> None:
    try:
        found = await ctx.backend.agreement_links(ctx.chat_id, agreement_id)
    except NotFound:
        await ctx.edit_or_reply(
            ctx.t("This agreement is not on file any more."), rows(button(ctx.plain("⬅️ Back"), OpenStaff()))
        )
        return
    lets_in = may(await ctx.backend.staff_me(ctx.chat_id), LETS_IN)
    page = Page(found.links, number, size=PAGE)
    numbered = list(enumerate(page.items, page.number * PAGE + 1))
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                note,
                heading(ctx, found),
                join("\n", [ctx.t("<b>The roll names</b>"), *(party_line(ctx, party) for party in found.parties)]),
                ctx.t("<b>Who sees it in Telegram</b>") if found.links else ctx.t("Nobody sees it in Telegram yet."),
                *(_link_line(ctx, place, link) for place, link in numbered),
            ],
        ),
        rows(
            *(
                button(ctx.plain("{n}. Shut that account out", n=place), AskRevoke(agreement_id, link.id))
                for place, link in numbered
                if lets_in
            ),
            turning(ctx, page.number, page.count, lambda n: ShowAgreement(agreement_id, n)),
            button(ctx.plain("➕ Make a new code"), NewCode(agreement_id)) if lets_in else None,
            button(ctx.plain("🔎 Another agreement"), AskNumber()),
            button(ctx.plain("⬅️ Back"), OpenStaff()),
        ),
        personal=True,
    )


def heading(ctx: Context, found: StaffAgreementOut) -> Html:
    """The agreement, its home and its project."""
    agreement = found.agreement
    return join(
        "\n",
        [
            agreement_line(agreement, ctx.words),
            ctx.t("🏠 {home}", home=agreement.home) if agreement.home else None,
            ctx.t("Project: {project}", project=found.project),
        ],
    )


def party_line(ctx: Context, party: StaffPartyOut) -> Html:
    role = terms.name(ctx.words, LinkRole(party.role.value))
    if party.valid_until is None:
        return ctx.t("{name}, {role}", name=party.name, role=role)
    return ctx.t("{name}, {role} until {day}", name=party.name, role=role, day=ctx.words.date(party.valid_until))


def _link_line(ctx: Context, place: int, link: StaffLinkOut) -> Html:
    tr = ctx.words
    since = day_of(link.linked_at, tr)
    role, scope = terms.name(tr, link.role), terms.name(tr, link.scope)
    return join(
        "\n",
        [
            ctx.t("<b>{n}. {role}</b> ({name}) sees {scope}", n=place, role=role, name=link.person, scope=scope)
            if link.person
            else ctx.t("<b>{n}. {role}</b> sees {scope}", n=place, role=role, scope=scope),
            ctx.t("Since {day}, {method}", day=since, method=terms.name(tr, link.method)),
            ctx.t("Last used on {day}", day=tr.date(link.used_on)),
            ctx.t("Until {day}", day=tr.date(link.valid_until)) if link.valid_until is not None else None,
            None if link.live else _why_not(ctx, link.suspended_because),
        ],
    )


def _why_not(ctx: Context, because: LinkSuspension | None) -> Html:
    if because is LinkSuspension.HOLDER_REPLACED:
        return ctx.t("⏸ Shows nothing now: the roll names somebody else")
    if because is LinkSuspension.PHONE_REMOVED:
        return ctx.t("⏸ Shows nothing now: the phone is no longer in the roll")
    if because is LinkSuspension.ISSUER_SUSPENDED:
        return ctx.t("⏸ Shows nothing now: who let them in has to show anew who they are")
    return ctx.t("⏸ Shows nothing now: its time is over, or nobody has used it for long")


# --- shutting out ---


@staff_only
async def ask_revoke(update: Update, ctx: Context, tap: AskRevoke) -> None:
    try:
        found = await ctx.backend.agreement_links(ctx.chat_id, tap.agreement_id)
    except NotFound:
        found = None
    link = next((link for link in found.links if link.id == tap.link_id), None) if found is not None else None
    if found is None or link is None:
        await _show(ctx, tap.agreement_id, note=ctx.t("This link is ended already."))
        return
    await ctx.edit_or_reply(
        ctx.t(
            "After this the account ({role}) no longer sees {agreement}, nor do those whom it let in with codes. Each "
            "of them is told that the office ended it. Go on?",
            role=terms.name(ctx.words, link.role),
            agreement=agreement_line(found.agreement, ctx.words),
        ),
        rows(
            button(ctx.plain("Yes, end it"), Revoke(tap.agreement_id, tap.link_id)),
            button(ctx.plain("No, leave it"), ShowAgreement(tap.agreement_id)),
        ),
        personal=True,
    )


@staff_only
async def revoke(update: Update, ctx: Context, tap: Revoke) -> None:
    try:
        await ctx.backend.revoke_link(ctx.chat_id, tap.link_id)
        note = ctx.t("✔️ It is ended.")
    except NotFound:
        note = ctx.t("This link is ended already.")
    await _show(ctx, tap.agreement_id, note=note)


# --- a code ---


@staff_only
async def new_code(update: Update, ctx: Context, tap: NewCode) -> None:
    await ctx.backend.staff_me(ctx.chat_id)
    await ctx.edit_or_reply(
        ctx.t(
            "How much shall the code show? Give it only to somebody whose papers you have seen: whoever uses it first "
            "sees the home. The family is told as soon as it is used."
        ),
        rows(
            button(ctx.plain("🏗 Only how far the home is"), MakeCode(tap.agreement_id, LinkScope.PROGRESS)),
            button(ctx.plain("📋 Everything"), MakeCode(tap.agreement_id, LinkScope.EVERYTHING)),
            button(ctx.plain("⬅️ Back"), ShowAgreement(tap.agreement_id)),
        ),
        personal=True,
    )


@staff_only
async def make_code(update: Update, ctx: Context, tap: MakeCode) -> None:
    try:
        code = await ctx.backend.issue_link_code(ctx.chat_id, tap.agreement_id, scope=tap.scope)
    except NotFound:
        await _show(ctx, tap.agreement_id)
        return
    await ctx.remove_buttons()
    # Not personal: this message is meant to be passed on, and names neither home nor holder.
    await ctx.reply(
        ctx.t(
            "🏠 An invitation from the office to see your home here. Tap here:\n{link}\n\n"
            "Or open @{bot} and send this code: <code>{code}</code>\n\n"
            "It works once, until {moment}.",
            link=f"https://t.me/{ctx.bot.username}?start={code.code}",
            bot=ctx.bot.username,
            code=code.code,
            moment=ctx.words.datetime(code.expires_at),
        )
    )
    await ctx.reply(
        ctx.t("⬆️ Please pass the message above on, or write the code down for them. It is shown only now."),
        rows(button(ctx.plain("⬅️ Back"), ShowAgreement(tap.agreement_id))),
        personal=True,
    )


HANDLERS = [
    CallbackHandler(AskNumber, ask_number),
    CallbackHandler(Resume, resume, dialog="staff_links"),
    MessageHandler(InDialog(Step.NUMBER) & filters.TEXT, take_number),
    MessageHandler(InDialog("staff_links") & filters.ALL, not_a_number),
    CallbackHandler(ShowAgreement, show),
    CallbackHandler(AskRevoke, ask_revoke),
    CallbackHandler(Revoke, revoke),
    CallbackHandler(NewCode, new_code),
    CallbackHandler(MakeCode, make_code),
]
