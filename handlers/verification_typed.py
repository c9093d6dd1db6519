"""What people type, or share, where verification waits for a button: they are led on to where they wanted to go."""

import re

from telegram import Message, Update
from telegram.ext import filters

from api.identity.schemas import ConsentKind
from bot.context import Context
from bot.dispatch import InDialog, MessageHandler
from bot.turns import current_turn
from bot.ui import rows
from handlers import verification_screens as screens
from handlers.gate import AskOffice, ask_office_button
from handlers.loose_topics import DOUBTS, holds_one, topic
from handlers.typed_words import BACK, NO, ON, STOP, Typed
from handlers.verification import MAX_PHONE, ask, ask_below, cancel, go_back, is_taken, take_code, try_code
from handlers.verification_screens import Step
from handlers.verification_texts import code_in, given, is_phone_number, looks_like_code

# --- words that mean a key ---


async def typed_back(update: Update, ctx: Context) -> None:
    if is_taken(update, ctx):
        await ask(ctx)
    else:
        await go_back(ctx)


async def typed_stop(update: Update, ctx: Context) -> None:
    await cancel(update, ctx)


async def typed_on(update: Update, ctx: Context) -> None:
    """Consent is given by its button alone: a word may be about anything."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see the filter
    if dialog.name in screens.CONSENTS:
        note = ctx.t("Whether you agree is for you to say with the button below; a word is not enough for that.")
        await ask_below(ctx, note)
    else:
        await ask(ctx)


async def typed_no(update: Update, ctx: Context) -> None:
    """Whoever does not agree is asked nothing more; there is a way without an ID number."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see the filter
    if dialog.name == Step.ID_CONSENT:
        await ask_below(
            ctx, ctx.t("All right, then without it. With a code from the office you need no ID number, or go back.")
        )
    else:
        await cancel(update, ctx)


# --- a phone, where the way is still to be chosen ---


async def shared_early(update: Update, ctx: Context) -> None:
    """Their own number, shared before it was asked for: kept in the dialog until they have agreed to its use."""
    message, dialog = update.message, ctx.session.dialog
    assert message is not None and dialog is not None  # noqa: S101, PT018 - see the filter
    contact, sender = message.contact, message.from_user
    if contact is None or sender is None or contact.user_id != sender.id or len(contact.phone_number) > MAX_PHONE:
        await ctx.reply(ctx.t("I can only take the number of this Telegram account itself, for everyone's safety."))
        await ask(ctx)
        return
    await ctx.reply(ctx.t("Thank you, I have your number."))
    step = Step(dialog.name)
    if step is Step.WAY:
        step = Step.PHONE_TAIL if ConsentKind.ID_NUMBER in dialog.data["agreed"] else Step.ID_CONSENT
    ctx.session.go(step, phone=contact.phone_number, then=Step.PHONE_TAIL)
    await ask(ctx)


async def typed_phone_number(update: Update, ctx: Context) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see the filter
    note = ctx.t(
        "You need not type your phone number. Telegram can send it to me by itself, so that I am sure that the phone "
        "is yours."
    )
    if dialog.name == Step.WAY:
        await ctx.reply(note, screens.phone_key(ctx))
    else:
        await ask_below(ctx, note)


async def typed_instead_of_contact(update: Update, ctx: Context) -> None:
    if not any(one.isdigit() for one in given(update)):
        await ctx.reply(
            ctx.t(
                "I can answer that once I know who you are. Please press the big button “📱 Send my phone number” "
                "below; with “⬅️ Back” you can choose another way, or ask the office for help."
            ),
            screens.contact_keys(ctx),
        )
        return
    await ctx.reply(
        ctx.t(
            "Please do not type the number. Press the big button “📱 Send my phone number” below: only so can I "
            "be sure that the phone is yours."
        ),
        screens.contact_keys(ctx),
    )


# --- a code, or anything else, where a way is to be chosen ---


async def take_code_unasked(update: Update, ctx: Context) -> None:
    """A code typed without choosing "With a code" first."""
    if ctx.session.dialog is None:
        await ctx.take_away()
        await try_code(ctx, code_in(given(update)) or given(update))
    else:
        ctx.session.go(Step.CODE)
        await take_code(update, ctx)


async def text_at_choice(update: Update, ctx: Context) -> None:
    if topic(ctx.words, given(update)) is AskOffice:
        await ctx.reply(
            ctx.t("At the office somebody can help you. Press the button to write to them, or go on here:"),
            rows(ask_office_button(ctx)),
        )
        await ask(ctx)
    elif holds_one(ctx.words, given(update), DOUBTS):
        await ask_below(
            ctx,
            ctx.t(
                "Only you, the relatives whom you allow, and staff who need it for their work see it. Of an ID number "
                "I keep no copy. If you would rather not, the office can give you a code instead."
            ),
        )
    else:
        await ask_below(
            ctx,
            ctx.t("Please press one of the buttons.")
            if ctx.session.linked
            else ctx.t("I can answer that once I know who you are. Please press one of the buttons."),
        )


class _Free(filters.UpdateFilter):
    """No conversation goes on: in one, ten letters and digits may be what was asked for."""

    def filter(self, update: Update) -> bool:
        return current_turn().session.dialog is None


_SAID = re.compile("码|code", re.IGNORECASE)


class _Code(filters.MessageFilter):
    """A text that is nothing but a code, or says that there is one in it."""

    def filter(self, message: Message) -> bool:
        text = message.text or ""
        # "My code is …" as well, where it is said that it is one.
        return looks_like_code(text) or (_SAID.search(text) is not None and code_in(text) is not None)


class _PhoneNumber(filters.MessageFilter):
    """A text that is nothing but a phone number."""

    def filter(self, message: Message) -> bool:
        return message.text is not None and is_phone_number(message.text)


_HERE = InDialog("verification")
_CHOOSING = InDialog(Step.NOTICE) | InDialog(Step.WAY) | InDialog(Step.ID_CONSENT)

HANDLERS = [
    MessageHandler(_HERE & Typed(BACK), typed_back),
    MessageHandler(_HERE & Typed(STOP), typed_stop),
    MessageHandler(_CHOOSING & Typed(NO), typed_no),
    MessageHandler(_HERE & (Typed(ON) | Typed(screens.READ) | Typed(screens.AGREED)), typed_on),
    MessageHandler(_CHOOSING & filters.CONTACT, shared_early),
    MessageHandler(_CHOOSING & _PhoneNumber(), typed_phone_number),
    MessageHandler(InDialog(Step.CONTACT) & filters.TEXT, typed_instead_of_contact),
    MessageHandler(_Code() & (_CHOOSING | _Free()), take_code_unasked),
    MessageHandler(_CHOOSING & filters.TEXT, text_at_choice),
]
