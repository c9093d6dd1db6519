"""What verification asks and answers, and with which keys."""

from enum import StrEnum
from math import ceil

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup

from api.chats.schemas import Dialog
from api.identity.schemas import LinkMethod, LinksOut
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.drafts import Drop
from bot.ui import Keyboard, button, contact_keyboard, lines, rows
from handlers import privacy, terms
from handlers.facts import agreement_line
from handlers.gate import ask_office_button
from locales import Html, join, lazy


class Step(StrEnum):
    """The dialog's name on each step."""

    NOTICE = "verification.notice"
    WAY = "verification.way"
    ID_CONSENT = "verification.id_consent"
    CONTACT = "verification.contact"
    PHONE_TAIL = "verification.phone_tail"
    NUMBER = "verification.number"
    NAME = "verification.name"
    ID_TAIL = "verification.id_tail"
    CODE = "verification.code"


CONSENTS = (Step.NOTICE, Step.ID_CONSENT)
BEFORE = {
    Step.ID_CONSENT: Step.WAY,
    Step.CONTACT: Step.WAY,
    Step.PHONE_TAIL: Step.CONTACT,
    Step.NUMBER: Step.WAY,
    Step.NAME: Step.NUMBER,
    Step.ID_TAIL: Step.NAME,
    Step.CODE: Step.WAY,
}


class ChooseWay(DialogCallback, prefix="way"):
    way: LinkMethod


class Agree(DialogCallback, prefix="vfy_agree"):
    """Agree to what the step asks consent for."""


class StartOver(DialogCallback, prefix="vfy_over"):
    """Give the agreement's number, the name and the characters anew."""


class Back(DialogCallback, prefix="vfy_back"):
    """One step back."""


READ, AGREED = lazy("I have read it – go on"), lazy("I agree – go on")
"""Keys by which consent is given."""
WAYS = {
    LinkMethod.PHONE: lazy("📱 With my phone"),
    LinkMethod.AGREEMENT: lazy("📄 With the agreement"),
    LinkMethod.CODE: lazy("🔑 With a code"),
}


def question(ctx: Context, step: Step, dialog: Dialog) -> tuple[Html, Keyboard | None]:
    if step is Step.NOTICE:
        return privacy.notice(ctx), rows(
            button(ctx.plain(READ), Agree(dialog.id)),
            button(ctx.plain("✖️ Cancel"), Drop(dialog.id)),
        )
    if step is Step.WAY:
        return _way(ctx, dialog)
    if step is Step.ID_CONSENT:
        return _id_consent(ctx, dialog)
    if step is Step.CONTACT:
        text = ctx.t(
            "Please press the big button “📱 Send my phone number” at the bottom of the screen. It must be the number "
            "that the office has on file for you."
        )
        return text, contact_keys(ctx)
    return _asked(ctx, step), step_keys(ctx)


def _way(ctx: Context, dialog: Dialog) -> tuple[Html, Keyboard]:
    text = lines(
        ctx.t("So that nobody else sees your home and your money, please show me who you are. Choose a way:"),
        "",
        ctx.t("📱 <b>Phone</b>: quickest, when the office has the number of this phone."),
        ctx.t("📄 <b>Agreement</b>: you need its number, the holder's name and ID number."),
        ctx.t("🔑 <b>Code</b>: from the office; children and other relatives get one from the holder."),
    )
    return text, rows(
        button(ctx.plain("📱 With my phone"), ChooseWay(dialog.id, LinkMethod.PHONE)),
        button(ctx.plain("📄 With the agreement"), ChooseWay(dialog.id, LinkMethod.AGREEMENT)),
        button(ctx.plain("🔑 With a code"), ChooseWay(dialog.id, LinkMethod.CODE)),
        button(ctx.plain("✖️ Cancel"), Drop(dialog.id)),
    )


def _id_consent(ctx: Context, dialog: Dialog) -> tuple[Html, Keyboard]:
    text = lines(
        ctx.t("<b>About the ID number</b>"),
        "",
        ctx.t(
            "An ID number needs special care, so I ask you separately. I only compare the last characters that you "
            "send with the office's roll. Then I delete your message, and I keep no copy."
        ),
        ctx.t("If you would rather not, the office can give you a code instead."),
    )
    return text, rows(
        button(ctx.plain(AGREED), Agree(dialog.id)),
        button(ctx.plain("🔑 With a code"), ChooseWay(dialog.id, LinkMethod.CODE)),
        [button(ctx.plain("⬅️ Back"), Back(dialog.id)), button(ctx.plain("✖️ Cancel"), Drop(dialog.id))],
    )


def _asked(ctx: Context, step: Step) -> Html:
    if step is Step.PHONE_TAIL:
        return lines(
            ctx.t("Now please send the <b>last four</b> characters of your ID number, or of your agreement number."),
            _deleted(ctx),
        )
    if step is Step.NUMBER:
        return ctx.t("Please send the <b>number of the agreement</b>. It stands on its first page.")
    if step is Step.NAME:
        return ctx.t("Please send the <b>name of the holder</b>, as it stands in the agreement.")
    if step is Step.ID_TAIL:
        return lines(
            ctx.t("Now please send the <b>last six</b> characters of the holder's ID number."),
            _deleted(ctx),
        )
    return lines(ctx.t("Please send the <b>code</b> that the office or the holder gave you."), _deleted(ctx))


def _deleted(ctx: Context) -> Html:
    return ctx.t("I delete your message as soon as I have read it.")


def contact_keys(ctx: Context) -> ReplyKeyboardMarkup:
    return contact_keyboard(ctx.plain("📱 Send my phone number"), ctx.plain("⬅️ Back"), ctx.plain("✖️ Cancel"))


def step_keys(ctx: Context) -> InlineKeyboardMarkup | None:
    dialog = ctx.session.dialog
    if dialog is None:
        return None
    return rows([button(ctx.plain("⬅️ Back"), Back(dialog.id)), button(ctx.plain("✖️ Cancel"), Drop(dialog.id))])


def locked_keys(ctx: Context, method: LinkMethod) -> InlineKeyboardMarkup | None:
    """This proof is not taken for a while. A code still is, unless it was codes that were wrong; and the office can
    look at one's papers."""
    dialog = ctx.session.dialog
    if dialog is None:
        return None
    return rows(
        None if method is LinkMethod.CODE else _ways(ctx, dialog)[LinkMethod.CODE],
        ask_office_button(ctx),
        [button(ctx.plain("⬅️ Back"), Back(dialog.id)), button(ctx.plain("✖️ Cancel"), Drop(dialog.id))],
    )


def elsewhere_keys(ctx: Context, method: LinkMethod) -> InlineKeyboardMarkup | None:
    """For who has not at hand what is asked for: the other ways, and the office."""
    dialog = ctx.session.dialog
    if dialog is None:
        return None
    return rows(
        *(key for way, key in _ways(ctx, dialog).items() if way is not method),
        ask_office_button(ctx),
        [button(ctx.plain("⬅️ Back"), Back(dialog.id)), button(ctx.plain("✖️ Cancel"), Drop(dialog.id))],
    )


def again_keys(ctx: Context, method: LinkMethod) -> InlineKeyboardMarkup | None:
    dialog = ctx.session.dialog
    if dialog is None:
        return None
    return rows(
        button(ctx.plain("🔁 Start over"), StartOver(dialog.id)) if method is LinkMethod.AGREEMENT else None,
        *(key for way, key in _ways(ctx, dialog).items() if way is not method),
        ask_office_button(ctx),
        button(ctx.plain("✖️ Cancel"), Drop(dialog.id)),
    )


def way_keys(ctx: Context, ways: list[LinkMethod]) -> InlineKeyboardMarkup | None:
    """One key for each of these ways."""
    dialog = ctx.session.dialog
    if dialog is None:
        return None
    return rows(
        *(key for way, key in _ways(ctx, dialog).items() if way in ways),
        ask_office_button(ctx),
        button(ctx.plain("✖️ Cancel"), Drop(dialog.id)),
    )


def _ways(ctx: Context, dialog: Dialog) -> dict[LinkMethod, InlineKeyboardButton]:
    return {way: button(ctx.plain(label), ChooseWay(dialog.id, way)) for way, label in WAYS.items()}


def phone_key(ctx: Context) -> InlineKeyboardMarkup | None:
    """The way by phone, the others below it."""
    dialog = ctx.session.dialog
    if dialog is None:
        return None
    return rows(*_ways(ctx, dialog).values(), button(ctx.plain("✖️ Cancel"), Drop(dialog.id)))


def way_closed(ctx: Context, ways: list[LinkMethod]) -> Html:
    return lines(
        ctx.t(
            "Somebody is guessing at numbers, so this way is closed to everybody for some hours. That protects your "
            "family's data; you did nothing wrong."
        ),
        ctx.t("Please use your phone instead, or go to the office with your ID card: there you get a code.")
        if LinkMethod.PHONE in ways
        else ctx.t("Please go to the office with your ID card: there you get a code."),
    )


def not_matched(ctx: Context, method: LinkMethod) -> Html:
    if method is LinkMethod.CODE:
        return ctx.t(
            "This code does not work. A code works once and only for a short time. Please check it and send it again, "
            "or ask whoever gave it to you for a new one."
        )
    again = (
        ctx.t("Please check and send the last four characters again, or try another way.")
        if method is LinkMethod.PHONE
        else ctx.t("Please check and send the last six characters again, start over, or try another way.")
    )
    return lines(
        ctx.t("What you gave does not match what is on file. For everyone's safety I cannot say what differs."),
        again,
        ctx.t("The office can also give you a code; please bring your ID card."),
    )


def not_tried(ctx: Context, method: LinkMethod) -> Html:
    """Somebody wrote words where the end of a number, or a code, is asked for."""
    if method is LinkMethod.CODE:
        return no_code(ctx)
    if method is LinkMethod.PHONE:
        wanted = ctx.t(
            "I need only four characters: the last four of your <b>ID number</b>, which is at the bottom of the side "
            "of the ID card with your picture; or the last four of your <b>agreement's number</b>, on its first page."
        )
    else:
        wanted = ctx.t(
            "I need only six characters: the last six of the holder's <b>ID number</b>. It is at the bottom of the "
            "side of the ID card with the picture. Where it ends in X, send the X too."
        )
    return lines(
        ctx.t("I see no number in this, so I have not checked it. It does not count as a wrong try."),
        wanted,
        ctx.t("Not at hand? Take your time, choose another way below, or let the office help you."),
    )


def no_code(ctx: Context) -> Html:
    return lines(
        ctx.t("I see no code in this, so I have not checked it. It does not count as a wrong try."),
        ctx.t(
            "A code has <b>ten</b> letters and digits, as on the slip from the office or in the message from your "
            "family. The digits 0 and 1 and the letters O and I are never in it."
        ),
        ctx.t("If you have none, please ask the holder or the office for one, or choose another way."),
    )


def locked(ctx: Context, method: LinkMethod, seconds: int) -> Html:
    in_a_while = ctx.n(
        "Please try again in {n} minute.", "Please try again in {n} minutes.", max(1, ceil(seconds / 60))
    )
    if method is LinkMethod.CODE:
        return lines(
            ctx.t("Those were several codes that do not work, so there is a pause now for codes."),
            in_a_while,
            ctx.t("If yours is not accepted then either, please ask whoever gave it to you for a new one."),
        )
    return lines(
        ctx.t("Those were several wrong tries, so there is a pause now. It protects your family's data."),
        in_a_while,
        ctx.t("If you are not sure of the numbers, please go to the office with your ID card: there you get a code."),
        ctx.t("A code works at once, also during the pause."),
    )


def found(ctx: Context, links: LinksOut) -> Html:
    """The agreements that this chat may see from now on."""
    own = [link for link in links.links if link.this_chat]
    tr = ctx.words
    return join(
        "\n\n",
        [
            ctx.n("✅ Thank you. I found {n} agreement:", "✅ Thank you. I found {n} agreements:", len(own)),
            *(
                join(
                    "\n",
                    [
                        agreement_line(link.agreement, tr),
                        ctx.t("🏠 {home}", home=link.agreement.home) if link.agreement.home else None,
                        ctx.t("You: {role}", role=terms.name(tr, link.role)),
                    ],
                )
                for link in own[:10]
            ),
            ctx.t("What would you like to know?"),
        ],
    )
