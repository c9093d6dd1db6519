"""Asking the office, for whom what is on file does not let in: the holder died, the home was sold, a name or a phone
changed. One message goes to staff, who look at the papers; nobody is left standing before a closed door.
"""

from enum import StrEnum

from telegram import Update
from telegram.ext import filters

from api.identity.schemas import MAX_REQUEST_CHARACTERS, AccessRequestIn, AccessRequestKind, ConsentKind
from bot.backend import ConsentNeeded, TooMany
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.drafts import Drop, Resume, remind_of_interrupted
from bot.ui import button, rows
from handlers import privacy, terms, verification
from handlers.facts import day_of
from handlers.gate import AskOffice
from handlers.menu import main_menu
from handlers.verification_texts import given
from locales import Html, join


class Step(StrEnum):
    """The dialog's name on each step."""

    NOTICE = "office.notice"
    KIND = "office.kind"
    TEXT = "office.text"


class Agree(DialogCallback, prefix="off_agree"):
    """Agree to the notice about one's data."""


class PickKind(DialogCallback, prefix="off_kind"):
    kind: AccessRequestKind


class Back(DialogCallback, prefix="off_back"):
    """To the question before."""


async def begin(update: Update, ctx: Context, tap: AskOffice) -> None:
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name.startswith("verification."):
        await verification.leave(ctx)
    consents = (await ctx.backend.consents(ctx.chat_id)).consents
    agreed = any(consent.kind is ConsentKind.NOTICE for consent in consents)
    ctx.session.interrupt_with(Step.KIND if agreed else Step.NOTICE)
    await ask(ctx)


async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    await ctx.remove_buttons()
    await ask(ctx)


async def ask(ctx: Context, note: Html | None = None) -> None:
    """Put the question of the step that the conversation stands at."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    cancel = button(ctx.plain("✖️ Cancel"), Drop(dialog.id))
    step = Step(dialog.name)
    if step is Step.NOTICE:
        text = privacy.notice(ctx)
        keyboard = rows(button(ctx.plain("I have read it – go on"), Agree(dialog.id)), cancel)
    elif step is Step.KIND:
        text = ctx.t("What is the matter? The office will look at it with you.")
        keyboard = rows(
            *(button(terms.name(ctx.words, kind), PickKind(dialog.id, kind)) for kind in AccessRequestKind), cancel
        )
    else:
        text = _what_to_write(ctx, AccessRequestKind(dialog.data["kind"]))
        keyboard = rows([button(ctx.plain("⬅️ Back"), Back(dialog.id)), cancel])
    await ctx.reply(join("\n\n", [note, text]), keyboard)


def _papers(ctx: Context, kind: AccessRequestKind) -> Html:
    """Which papers the office will ask for, in plain words."""
    if kind is AccessRequestKind.HOLDER_DIED:
        return ctx.t(
            "We are sorry for your loss. The office will ask for these papers:\n"
            "• the death certificate\n"
            "• the household register, or another paper that shows how you are related\n"
            "• the notary's or the court's paper about the inheritance, if there is one already\n"
            "• your ID card, and the agreement if you have it"
        )
    if kind is AccessRequestKind.RESOLD:
        return ctx.t(
            "The office will ask for these papers:\n"
            "• the contract by which you bought the home\n"
            "• the seller's agreement, if you were given it\n"
            "• receipts of what you paid\n"
            "• your ID card"
        )
    if kind is AccessRequestKind.NAME_CHANGED:
        return ctx.t(
            "The office will ask for these papers:\n"
            "• your ID card as it is now\n"
            "• the page of the household register, or the police's paper, with the old and the new name or number\n"
            "• the agreement, if you have it"
        )
    if kind is AccessRequestKind.PHONE_CHANGED:
        return ctx.t(
            "The office will ask for these papers:\n"
            "• your ID card\n"
            "• the agreement, if you have it\n"
            "Once your new number stands in the roll you can show with it who you are."
        )
    return ctx.t(
        "The office will ask for these papers:\n"
        "• your ID card\n"
        "• the agreement, if you have it\n"
        "• whatever shows what has happened"
    )


def _what_to_write(ctx: Context, kind: AccessRequestKind) -> Html:
    return join(
        "\n\n",
        [
            _papers(ctx, kind),
            ctx.t("Photos of them on your phone will do for a first look at the office. Please do not send them here."),
            _contact(ctx),
            ctx.t(
                "<b>Now please write one message</b> with\n"
                "• the number of the agreement, if you know it\n"
                "• your name\n"
                "• how the office can reach you\n"
                "• in a few words what has happened\n\n"
                "Please leave out your ID number. Only the office's staff read it."
            ),
        ],
    )


def _contact(ctx: Context) -> Html | None:
    contact = ctx.office_contact
    return ctx.t("🏢 The office: {contact}", contact=contact) if contact else None


async def agree(update: Update, ctx: Context, tap: Agree) -> None:
    await ctx.backend.agree(ctx.chat_id, ConsentKind.NOTICE)
    await ctx.remove_buttons()
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - the button matches in its dialog only
    if "text" in dialog.data:
        await _file(ctx, dialog.data["text"])
        return
    ctx.session.go(Step.KIND)
    await ask(ctx)


async def pick_kind(update: Update, ctx: Context, tap: PickKind) -> None:
    await ctx.remove_buttons()
    ctx.session.go(Step.TEXT, kind=tap.kind.value)
    await ask(ctx)


async def back(update: Update, ctx: Context, tap: Back) -> None:
    await ctx.remove_buttons()
    ctx.session.go(Step.KIND)
    await ask(ctx)


async def take_text(update: Update, ctx: Context) -> None:
    text = given(update)
    if len(text) > MAX_REQUEST_CHARACTERS:
        await ask(
            ctx,
            ctx.n(
                "That is too long: please write at most {n} character.",
                "That is too long: please write at most {n} characters.",
                MAX_REQUEST_CHARACTERS,
            ),
        )
    else:
        await _file(ctx, text)


async def _file(ctx: Context, text: str) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    request = AccessRequestIn(kind=AccessRequestKind(dialog.data["kind"]), text=text)
    try:
        made = await ctx.backend.request_access(ctx.chat_id, request, idempotency_key=dialog.id)
    except ConsentNeeded:
        # The words have changed since the person agreed; what they wrote is kept until they agree to the new ones.
        ctx.session.go(Step.NOTICE, text=text)
        await ask(ctx)
        return
    except TooMany as limit:
        ctx.session.end_dialog()
        waiting = ctx.n(
            "{n} request of yours is with the office already. Please wait for the answer, or go there.",
            "{n} requests of yours are with the office already. Please wait for the answers, or go there.",
            int(limit.details.get("max", 0)),
        )
        await ctx.reply(join("\n\n", [waiting, _contact(ctx)]), main_menu(ctx))
        await remind_of_interrupted(ctx)
        return
    ctx.session.end_dialog()
    day = day_of(made.created_at, ctx.words)
    await ctx.reply(
        join(
            "\n\n",
            [
                ctx.t("✅ Your request No. {number} of {day} is with the office.", number=made.id, day=day),
                ctx.t("I tell you here as soon as it is answered. How far it is you see under /settings."),
                _contact(ctx),
            ],
        ),
        main_menu(ctx),
        personal=True,
    )
    await remind_of_interrupted(ctx)


async def picture(update: Update, ctx: Context) -> None:
    """Papers belong on the office's table, not into a chat."""
    await ctx.take_away()
    await ask(ctx, ctx.t("Please do not send pictures of your papers here. I did not keep it."))


async def unexpected(update: Update, ctx: Context) -> None:
    if InDialog(Step.TEXT).filter(update):
        await ask(ctx, ctx.t("Please write it as a text."))
    else:
        await ask(ctx, ctx.t("Please press one of the buttons."))


HANDLERS = [
    CallbackHandler(AskOffice, begin),
    CallbackHandler(Agree, agree, dialog="office"),
    CallbackHandler(PickKind, pick_kind, dialog="office"),
    CallbackHandler(Back, back, dialog="office"),
    CallbackHandler(Resume, resume, dialog="office"),
    MessageHandler(InDialog(Step.TEXT) & filters.TEXT, take_text),
    MessageHandler(InDialog("office") & (filters.PHOTO | filters.Document.ALL), picture),
    MessageHandler(InDialog("office") & filters.ALL, unexpected),
]
