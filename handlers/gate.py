"""The gate before everything personal: who has not proved who they are is told why, and shown the way in."""

from telegram import InlineKeyboardButton

from api.identity.schemas import LinkLapse
from bot.callbacks import Callback
from bot.context import Context
from bot.ui import button, lines, rows
from locales import Html, Translator, lazy

VERIFY = lazy("🔑 Verify my identity")
"""On the key that begins it."""


class Verify(Callback, prefix="verify"):
    """Begin to prove who one is; also by one who is known already and adds another agreement."""


class AskOffice(Callback, prefix="ask_office"):
    """Ask the office to look at one's papers; for whom what is on file does not let in (``handlers.office_help``)."""


def verify_button(ctx: Context | Translator) -> InlineKeyboardButton:
    return button(ctx.plain(VERIFY), Verify())


def ask_office_button(ctx: Context | Translator) -> InlineKeyboardButton:
    return button(ctx.plain("🏢 Ask the office for help"), AskOffice())


def lapse_reason(tr: Context | Translator, lapse: LinkLapse) -> Html:
    """Why somebody who saw a home is asked for proof again; they are no stranger."""
    if lapse is LinkLapse.DISUSED:
        return tr.t(
            "You have not been here for a long time. To be sure that it is still you, I ask once more who you are."
        )
    if lapse is LinkLapse.PHONE_REMOVED:
        return tr.t(
            "The office's roll no longer has the phone number with which you showed who you are. Please show it once "
            "more in another way; the office can also put the number right."
        )
    if lapse is LinkLapse.ISSUER_SUSPENDED:
        return tr.t(
            "Whoever let you in has to show once more who they are. Until then I show nothing of this home; as soon as "
            "they have done so, you see it again. Please tell them."
        )
    if lapse is LinkLapse.HOLDER_REPLACED:
        return tr.t(
            "The office's newest roll no longer names the person through whom you saw this home, so I show nothing of "
            "it. If that is a mistake, or if the home is yours in another way, the office will help you."
        )
    return tr.t(
        "The time for which you could see this home is over. For longer, the holder or the office can give you a new "
        "code."
    )


async def explain_gate(ctx: Context) -> None:
    """In place of an answer that only the family itself may see."""
    lapse = ctx.session.state.lapse
    if lapse is not None:
        await ctx.reply(lapse_reason(ctx, lapse), rows(verify_button(ctx), ask_office_button(ctx)))
        return
    await ctx.reply(
        lines(
            ctx.t("First I need to know who you are: what I know about a home and its money I tell only the family."),
            ctx.t("It takes a minute, and usually you do it only once."),
        ),
        rows(verify_button(ctx)),
    )
