"""What the bot says without being asked: each notice of the API in words, and the one tap that shuts a stranger out.

A courier (``bot.courier``) sends them, in the chat's language and protected like everything that is about a family.
"""

from typing import assert_never

from pydantic import TypeAdapter, ValidationError
from telegram import Update

from api.agreements.schemas import AgreementRef
from api.identity.schemas import LinkLapse
from api.messages.schemas import (
    CORRECTED,
    AccessDeclined,
    AccessGranted,
    BroadcastOnDesk,
    CaseOnDesk,
    CaseUpdated,
    Claimed,
    DraftsWait,
    EndedBy,
    LinkEnded,
    LinkSuspended,
    NewLink,
    Notice,
)
from bot.backend import NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.courier import CannotCompose
from bot.dispatch import CallbackHandler
from bot.ui import Letter, OpenMenuBelow, button, rows
from handlers import case_notices, staff_notices, terms
from handlers.facts import agreement_line, quoted
from handlers.gate import ask_office_button, lapse_reason, verify_button
from handlers.menu import OpenHome, OpenMenu, OpenSettings
from handlers.relatives import OpenRelatives, ShowRelatives
from locales import Html, Translator, join

_NOTICE: TypeAdapter[Notice] = TypeAdapter(Notice)


class ShutOut(Callback, prefix="shut_out"):
    """End the link that a notice told of, at once: asking back would only help a stranger who is reading along."""

    link_id: int


def compose(message: Claimed, tr: Translator) -> Letter:
    """
    Raises:
        CannotCompose: it is no notice that this version knows.
    """
    if message.kind == CORRECTED:
        return Letter(
            tr.t("✏️ The office has changed this message. What it says now counts. Tap the quote above to read it.")
        )
    try:
        notice = _NOTICE.validate_python(message.payload)
    except ValidationError:
        # Its message would quote the notice.
        raise CannotCompose(message.kind) from None
    match notice:
        case NewLink():
            return _new_link(notice, tr)
        case LinkEnded():
            return _link_ended(notice, tr)
        case LinkSuspended():
            return _link_suspended(notice, tr)
        case AccessGranted():
            return _access_granted(notice, tr)
        case AccessDeclined():
            return _access_declined(notice, tr)
        case CaseUpdated():
            return case_notices.case_updated(notice, tr)
        case CaseOnDesk():
            return staff_notices.on_desk(notice, tr)
        case DraftsWait():
            return staff_notices.drafts_wait(notice, tr)
        case BroadcastOnDesk():
            return staff_notices.broadcast_on_desk(notice, tr)
    assert_never(notice)


def _new_link(notice: NewLink, tr: Translator) -> Letter:
    facts = [
        tr.t("{moment}, {method}", moment=tr.datetime(notice.linked_at), method=terms.name(tr, notice.method)),
        tr.t("Role: {role}", role=terms.name(tr, notice.role)),
        tr.t("Shown: {scope}", scope=terms.name(tr, notice.scope)),
    ]
    heading = _about(notice.agreement, tr.t("🔔 <b>One more Telegram account can see your home now</b>"), tr)
    if not notice.can_end:
        way_on = tr.t(
            "If nobody in your family knows about this, please tell the holder or the office: they can shut that "
            "account out."
        )
        return Letter(join("\n\n", [heading, join("\n", facts), way_on]), rows(ask_office_button(tr)))
    way_on = tr.t(
        "Was it you, or somebody you let in? Then all is well. If not, press the button below: that account is shut "
        "out at once."
    )
    return Letter(
        join("\n\n", [heading, join("\n", facts), way_on]),
        rows(
            button(tr.plain("🚫 Not one of us: shut it out now"), ShutOut(notice.link_id)),
            button(tr.plain("Who else sees your home"), ShowRelatives(notice.agreement.id)),
        ),
    )


def _link_ended(notice: LinkEnded, tr: Translator) -> Letter:
    heading = _about(notice.agreement, tr.t("<b>This chat no longer shows this home</b>"), tr)
    filed = tr.t("Complaints that you filed stay filed.")
    if notice.by is EndedBy.OWNER:
        told = tr.t(
            "The holder or a co-owner has ended it. If that was a mistake, please ask them: they can give you a new "
            "code."
        )
        return Letter(join("\n\n", [heading, told, filed]), rows(button(tr.plain("Main menu"), OpenMenuBelow())))
    told = tr.t(
        "The office has ended it. If that was a mistake, please show once more who you are, or ask the office what is "
        "the matter."
    )
    return Letter(join("\n\n", [heading, told, filed]), rows(verify_button(tr), ask_office_button(tr)))


def _link_suspended(notice: LinkSuspended, tr: Translator) -> Letter:
    heading = _about(notice.agreement, tr.t("<b>For the time being this chat does not show this home</b>"), tr)
    return Letter(
        join("\n\n", [heading, lapse_reason(tr, LinkLapse(notice.because.value))]),
        rows(verify_button(tr), ask_office_button(tr)),
    )


def _access_granted(notice: AccessGranted, tr: Translator) -> Letter:
    facts = [
        tr.t("Role: {role}", role=terms.name(tr, notice.role)),
        tr.t("Shown: {scope}", scope=terms.name(tr, notice.scope)),
        tr.t("Until {day}", day=tr.date(notice.valid_until)) if notice.valid_until else None,
    ]
    heading = _about(notice.agreement, tr.t("✔️ <b>The office has let you in: you can see this home now</b>"), tr)
    return Letter(
        join("\n\n", [heading, join("\n", facts)]),
        rows(button(tr.plain("My home"), OpenHome()), button(tr.plain("Main menu"), OpenMenuBelow())),
    )


def _access_declined(notice: AccessDeclined, tr: Translator) -> Letter:
    return Letter(
        join(
            "\n\n",
            [
                join("\n", [tr.t("<b>The office could not let you in. It says:</b>"), quoted(notice.reason, 1000)]),
                tr.t("If you have more papers, or if something has changed, please ask once more."),
            ],
        ),
        rows(ask_office_button(tr), button(tr.plain("Main menu"), OpenMenuBelow())),
    )


def _about(agreement: AgreementRef, heading: Html, tr: Translator) -> Html:
    home = tr.t("🏠 {home}", home=agreement.home) if agreement.home else None
    return join("\n", [heading, agreement_line(agreement, tr), home])


async def shut_out(update: Update, ctx: Context, tap: ShutOut) -> None:
    try:
        await ctx.backend.unlink(ctx.chat_id, tap.link_id)
    except NotFound:
        await ctx.edit_or_reply(
            ctx.t(
                "There is nothing left to end: that account does not see your home any more, or it is no longer for "
                "you to decide. Under “Settings” you see who can see what."
            ),
            rows(button(ctx.plain("Settings"), OpenSettings())),
            personal=True,
        )
        return
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                ctx.t(
                    "✔️ <b>It is done.</b> That account no longer sees your home, nor does anybody whom it had let in."
                ),
                ctx.t(
                    "Somebody had a code or papers of your family. Please see whether a code is still waiting that you "
                    "did not make, and if you do not know how this came about, tell the office."
                ),
            ],
        ),
        rows(
            button(ctx.plain("Who else sees your home"), OpenRelatives()),
            ask_office_button(ctx),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


HANDLERS = [CallbackHandler(ShutOut, shut_out)]
