"""/privacy: what is kept about a person and by what right; the notice that comes before everything personal.

Personal Information Protection Law: article 17 (what a notice tells), 29 and 30 (sensitive personal information), 38
and 39 (Telegram's servers stand abroad), 44 to 47 (copy, correction, erasure).
"""

from telegram import Update

from api.identity.schemas import ConsentKind
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, rows
from handlers.facts import day_of
from handlers.menu import OpenMenu
from locales import Html, join


class OpenPrivacy(Callback, prefix="privacy"):
    """What is kept about me."""


class AskForMyData(Callback, prefix="mydata"):
    """A copy of it."""


class AskToForget(Callback, prefix="forget"):
    """Ask back before everything is erased."""


class WithdrawIdConsent(Callback, prefix="id_no"):
    """Characters of an ID number may be compared no longer."""


def notice(ctx: Context) -> Html:
    """Who, what, what for, how long, and one's rights. When these words change in meaning, so does
    ``api.identity.schemas.CONSENT_VERSION``."""
    return join(
        "\n\n",
        [
            ctx.t("<b>How your data is handled</b>"),
            ctx.t("{office} runs this bot to tell each family about its own home.", office=ctx.office),
            ctx.t(
                "• <b>What:</b> the number of this Telegram chat; your phone number, if you share it; what the office's"
                " rolls say about your agreement; what you write and send in complaints."
            ),
            ctx.t("• <b>What for:</b> to be sure that it is you, to answer you, and to work on your complaints."),
            ctx.t(
                "• <b>Who sees it:</b> you, relatives whom you let in, and the office's staff for their work. Messages "
                "travel through Telegram, whose computers stand abroad."
            ),
            ctx.t(
                "• <b>How long:</b> until you say /forget. The office's own rolls, and complaints that were filed, stay"
                " as long as the law wants them kept."
            ),
            ctx.t(
                "• <b>Your rights:</b> /mydata gives you a copy, /forget erases, /privacy shows this page. Mistakes in "
                "the rolls are put right by the office."
            ),
        ],
    )


async def show(update: Update, ctx: Context, tap: OpenPrivacy | None = None) -> None:
    await _show(ctx)


async def _show(ctx: Context, note: Html | None = None) -> None:
    consents = (await ctx.backend.consents(ctx.chat_id)).consents
    lines = [
        ctx.t("✔️ You agreed to this on {day}.", day=day_of(consent.given_at, ctx.words))
        if consent.kind is ConsentKind.NOTICE
        else ctx.t(
            "✔️ On {day} you agreed that characters of an ID number are compared.",
            day=day_of(consent.given_at, ctx.words),
        )
        for consent in consents
    ]
    may_compare = any(consent.kind is ConsentKind.ID_NUMBER for consent in consents)
    await ctx.edit_or_reply(
        join("\n\n", [note, notice(ctx), join("\n", lines) if lines else None]),
        rows(
            button(ctx.plain("📄 A copy of my data"), AskForMyData()),
            button(ctx.plain("Do not compare my ID number any more"), WithdrawIdConsent()) if may_compare else None,
            button(ctx.plain("🗑 Delete my data"), AskToForget()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
    )


async def withdraw(update: Update, ctx: Context, tap: WithdrawIdConsent) -> None:
    await ctx.backend.withdraw_id_consent(ctx.chat_id)
    await _show(
        ctx,
        ctx.t(
            "✔️ I compare no ID number any more. What you see here stays; to prove anew who you are you would need a "
            "code from the office."
        ),
    )


HANDLERS = [
    CommandHandler("privacy", show),
    CallbackHandler(OpenPrivacy, show, reminds=True),
    CallbackHandler(WithdrawIdConsent, withdraw),
]
