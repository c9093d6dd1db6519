"""Showing who one is: by one's own phone, by the agreement's papers, or by a code from the office.

What bears characters of an ID number, or a code, is deleted from the chat as soon as it is read; it goes to the API and
nowhere else, neither into the dialog nor into a log. No answer tells which part of a try was wrong. What by its form
alone cannot be what was asked for (a question, a sentence) is no try: it is not counted, and is told where to look.
"""

from typing import Any

from telegram import Update
from telegram.ext import filters

from api.identity.schemas import AgreementProof, CodeProof, ConsentKind, LinkMethod, LinksOut, PhoneProof, Proof
from bot.backend import ConsentNeeded, Locked, NotMatched, WayClosed
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler, InDialog, MessageHandler, TurnHandler
from bot.drafts import Drop, Resume, remind_of_draft, remind_of_interrupted
from bot.turns import not_again
from bot.ui import no_keyboard
from handlers import verification_screens as screens
from handlers.gate import Verify
from handlers.menu import main_menu
from handlers.verification_screens import Agree, Back, ChooseWay, StartOver, Step
from handlers.verification_texts import code_in, given, is_too_short, tail_in
from locales import Html

MAX_CHARACTERS = 80
"""Of a name or a number; nothing longer is one."""
PHONE_TAIL, ID_TAIL = 4, 6
"""Characters asked for; who sends the whole number is understood as well."""
MAX_PHONE = 40


# --- the way in, and out ---


async def begin(update: Update, ctx: Context, tap: Verify | None = None) -> None:
    agreed = [consent.kind.value for consent in (await ctx.backend.consents(ctx.chat_id)).consents]
    await put_keys_away(ctx)
    ctx.session.interrupt_with(Step.WAY if ConsentKind.NOTICE in agreed else Step.NOTICE, agreed=agreed)
    await ask(ctx)


async def ask(ctx: Context) -> None:
    """Put the question of the step that the conversation stands at."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    text, keyboard = screens.question(ctx, Step(dialog.name), dialog)
    await ctx.reply(text, keyboard)


async def ask_below(ctx: Context, note: Html) -> None:
    """Put the question anew below what there is to say. A long text, to which people agree by a button, stands above
    already: its buttons alone come again."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - asked in a verification only
    if dialog.name in screens.CONSENTS:
        await ctx.reply(note, screens.question(ctx, Step(dialog.name), dialog)[1])
        return
    await ctx.reply(note)
    await ask(ctx)


async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    await ctx.remove_buttons()
    await ask(ctx)


async def choose_way(update: Update, ctx: Context, tap: ChooseWay) -> None:
    await put_keys_away(ctx)
    steps = {LinkMethod.PHONE: Step.CONTACT, LinkMethod.AGREEMENT: Step.NUMBER, LinkMethod.CODE: Step.CODE}
    step = steps.get(tap.way, Step.WAY)
    if tap.way is LinkMethod.CODE or ConsentKind.ID_NUMBER in _known(ctx, "agreed"):
        ctx.session.go(step)
    else:
        ctx.session.go(Step.ID_CONSENT, then=step)
    await ctx.remove_buttons()
    await ask(ctx)


async def agree(update: Update, ctx: Context, tap: Agree) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - a button of the dialog
    kind = {Step.NOTICE: ConsentKind.NOTICE, Step.ID_CONSENT: ConsentKind.ID_NUMBER}.get(Step(dialog.name))
    if kind is None:
        return  # tapped twice
    await ctx.backend.agree(ctx.chat_id, kind)
    await ctx.remove_buttons()
    agreed = [*_known(ctx, "agreed"), kind.value]
    then = Step(dialog.data.get("then", Step.WAY))
    if then is Step.PHONE_TAIL and ConsentKind.ID_NUMBER not in agreed:
        # They shared their number before anything was asked.
        ctx.session.go(Step.ID_CONSENT, agreed=agreed, then=then)
    else:
        ctx.session.go(then, agreed=agreed, then=Step.WAY)
    if kind is ConsentKind.NOTICE and "code" in dialog.data:
        await _try(ctx, CodeProof(method=LinkMethod.CODE, code=dialog.data["code"]))
    else:
        await ask(ctx)


async def start_over(update: Update, ctx: Context, tap: StartOver) -> None:
    ctx.session.go(Step.NUMBER)
    await ctx.remove_buttons()
    await ask(ctx)


async def back(update: Update, ctx: Context, tap: Back) -> None:
    await ctx.remove_buttons()
    await go_back(ctx)


async def go_back(ctx: Context) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    step = Step(dialog.name)
    if step not in screens.BEFORE:
        await cancel(ctx.turn.update, ctx)
        return
    await put_keys_away(ctx)
    ctx.session.go(screens.BEFORE[step])
    await ask(ctx)


async def cancel(update: Update, ctx: Context, tap: Drop | None = None) -> None:
    await ctx.remove_buttons()
    await leave(ctx)
    await ctx.reply(ctx.t("Stopped. Nothing was changed. What would you like to know?"), main_menu(ctx))
    await remind_of_interrupted(ctx)


async def leave(ctx: Context) -> None:
    """End whatever conversation is going on, the keys of this one with it."""
    await put_keys_away(ctx)
    ctx.session.end_dialog()


async def put_keys_away(ctx: Context) -> None:
    """The key that shares the number would otherwise stay on the screen, and its neighbours send text."""
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name == Step.CONTACT:
        await ctx.reply(ctx.t("All right."), no_keyboard())


def is_taken(update: Update, ctx: Context) -> bool:
    """Whether Telegram brings a message a second time: it must not answer the next question. Ids of a chat's messages
    grow."""
    dialog, message = ctx.session.dialog, update.message
    if dialog is None or message is None or message.message_id <= dialog.data.get("taken", 0):
        return True
    ctx.session.go(dialog.name, taken=message.message_id)
    return False


# --- by phone ---


async def take_contact(update: Update, ctx: Context) -> None:
    message = update.message
    assert message is not None  # noqa: S101 - see the filter
    contact, sender = message.contact, message.from_user
    if contact is None or sender is None or contact.user_id != sender.id or len(contact.phone_number) > MAX_PHONE:
        await ctx.reply(
            ctx.t(
                "This is not the number of this Telegram account. For everyone's safety I can only take your own: "
                "please press the big button “📱 Send my phone number” below."
            ),
            screens.contact_keys(ctx),
        )
        return
    ctx.session.go(Step.PHONE_TAIL, phone=contact.phone_number)
    await ctx.reply(ctx.t("Thank you, I have your number."), no_keyboard())
    await ask(ctx)


async def take_phone_tail(update: Update, ctx: Context) -> None:
    if is_taken(update, ctx):
        return
    text = given(update)
    await ctx.take_away()
    tail = tail_in(text, PHONE_TAIL)
    if tail is None:
        too_short = ctx.t("I need four characters: the last four of your ID number, or of your agreement number.")
        await _not_tried(ctx, LinkMethod.PHONE, too_short if is_too_short(text, PHONE_TAIL) else None)
        return
    await _try(ctx, PhoneProof(method=LinkMethod.PHONE, phone=_known(ctx, "phone"), tail=tail))


# --- by the agreement's papers ---


async def take_number(update: Update, ctx: Context) -> None:
    if is_taken(update, ctx):
        await ask(ctx)
        return
    number = given(update)
    if not await _usable(ctx, number):
        return
    ctx.session.go(Step.NAME, number=number)
    await ask(ctx)


async def take_name(update: Update, ctx: Context) -> None:
    if is_taken(update, ctx):
        await ask(ctx)
        return
    name = given(update)
    if not await _usable(ctx, name):
        return
    ctx.session.go(Step.ID_TAIL, holder=name)
    await ask(ctx)


async def _usable(ctx: Context, text: str) -> bool:
    if len(text) <= MAX_CHARACTERS:
        return True
    await ctx.reply(ctx.t("That is too long to be right."))
    await ask(ctx)
    return False


async def take_id_tail(update: Update, ctx: Context) -> None:
    if is_taken(update, ctx):
        return
    text = given(update)
    await ctx.take_away()
    tail = tail_in(text, ID_TAIL)
    if tail is None:
        too_short = ctx.t("I need the last six characters of the ID number. Where it ends in X, send the X too.")
        await _not_tried(ctx, LinkMethod.AGREEMENT, too_short if is_too_short(text, ID_TAIL) else None)
        return
    proof = AgreementProof(
        method=LinkMethod.AGREEMENT, agreement_number=_known(ctx, "number"), name=_known(ctx, "holder"), id_tail=tail
    )
    await _try(ctx, proof)


# --- by a code ---


async def take_code(update: Update, ctx: Context) -> None:
    if is_taken(update, ctx):
        return
    code = code_in(given(update))
    await ctx.take_away()
    if code is None:
        await _not_tried(ctx, LinkMethod.CODE)
    else:
        await _try(ctx, CodeProof(method=LinkMethod.CODE, code=code))


async def try_code(ctx: Context, code: str) -> None:
    """A code that comes while no conversation waits for one."""
    await _try(ctx, CodeProof(method=LinkMethod.CODE, code=code), in_dialog=False)


async def take_deep_link(update: Update, ctx: Context) -> None:
    """``/start CODE``, from the link that staff gave."""
    await ctx.take_away()
    draft = ctx.session.dialog
    code = code_in(ctx.payload)
    if code is None:
        await ctx.reply(screens.no_code(ctx), main_menu(ctx))
    else:
        await try_code(ctx, code)
    if draft is not None:
        await remind_of_draft(ctx, draft)


# --- what every way has in common ---


def _known(ctx: Context, part: str) -> Any:
    dialog = ctx.session.dialog
    return dialog.data[part] if dialog is not None else ""


async def _not_tried(ctx: Context, method: LinkMethod, sentence: Html | None = None) -> None:
    """What came cannot be what was asked for, as its form tells; whether it would match is never looked at."""
    await ctx.reply(sentence or screens.not_tried(ctx, method), screens.elsewhere_keys(ctx, method))


async def _try(ctx: Context, proof: Proof, *, in_dialog: bool = True) -> None:
    try:
        links = await ctx.backend.prove(ctx.chat_id, proof)
    except ConsentNeeded as needed:
        await _ask_for_consent(ctx, proof, [ConsentKind(kind) for kind in needed.details["kinds"]])
    except NotMatched:
        # A wrong try is counted, and locks: tried again while Telegram takes no answers, one slip would be five.
        not_again()
        method = LinkMethod(proof.method)
        await ctx.reply(
            screens.not_matched(ctx, method), screens.again_keys(ctx, method) if in_dialog else main_menu(ctx)
        )
    except Locked as locked:
        method = LinkMethod(proof.method)
        keys = screens.locked_keys(ctx, method) if in_dialog else main_menu(ctx)
        await ctx.reply(screens.locked(ctx, method, locked.retry_after_seconds), keys)
    except WayClosed as closed:
        ways = [LinkMethod(way) for way in closed.open]
        await ctx.reply(screens.way_closed(ctx, ways), screens.way_keys(ctx, ways) if in_dialog else main_menu(ctx))
    else:
        await _welcome(ctx, links)


async def _ask_for_consent(ctx: Context, proof: Proof, kinds: list[ConsentKind]) -> None:
    """A code came without being asked for, or the words have changed since the person agreed. A code is kept until
    then, sealed like the whole dialog; characters of an ID number are not, and are asked for again."""
    dialog = ctx.session.dialog
    agreed = [kind.value for kind in ConsentKind if kind not in kinds]
    step = Step.NOTICE if ConsentKind.NOTICE in kinds else Step.ID_CONSENT
    code = {"code": proof.code.get_secret_value()} if isinstance(proof, CodeProof) else {}
    if dialog is not None and dialog.name.startswith("verification."):
        ctx.session.go(step, agreed=agreed, then=dialog.name, **code)
    else:
        ctx.session.interrupt_with(step, agreed=agreed, then=Step.CODE, **code)
    await ask(ctx)


async def _welcome(ctx: Context, links: LinksOut) -> None:
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name.startswith("verification."):
        await leave(ctx)
    ctx.session.linked = True
    await ctx.reply(screens.found(ctx, links), main_menu(ctx), personal=True)
    await remind_of_interrupted(ctx)


async def picture(update: Update, ctx: Context) -> None:
    """Many people photograph their papers; the chat is no place for that."""
    await ctx.take_away()
    note = ctx.t("Please do not send pictures of your papers. I did not keep it. Just type what I ask for.")
    await ask_below(ctx, note)


async def unexpected(update: Update, ctx: Context) -> None:
    await ask_below(ctx, ctx.t("I cannot use that here."))


_TEXT = filters.TEXT

HANDLERS = [
    TurnHandler(
        lambda turn: turn.private and turn.command is not None and turn.command[0] == "start" and bool(turn.command[1]),
        take_deep_link,
    ),
    CallbackHandler(Verify, begin),
    CallbackHandler(ChooseWay, choose_way, dialog="verification"),
    CallbackHandler(Agree, agree, dialog="verification"),
    CallbackHandler(StartOver, start_over, dialog="verification"),
    CallbackHandler(Back, back, dialog="verification"),
    CallbackHandler(Resume, resume, dialog="verification"),
    CallbackHandler(Drop, cancel, dialog="verification"),
    CommandHandler("cancel", cancel, dialog="verification", reminds=False),
    MessageHandler(InDialog(Step.PHONE_TAIL) & _TEXT, take_phone_tail),
    MessageHandler(InDialog(Step.NUMBER) & _TEXT, take_number),
    MessageHandler(InDialog(Step.NAME) & _TEXT, take_name),
    MessageHandler(InDialog(Step.ID_TAIL) & _TEXT, take_id_tail),
    MessageHandler(InDialog(Step.CODE) & _TEXT, take_code),
    MessageHandler(InDialog(Step.CONTACT) & filters.CONTACT, take_contact),
    MessageHandler(InDialog("verification") & (filters.PHOTO | filters.Document.ALL), picture),
    MessageHandler(InDialog("verification") & filters.ALL, unexpected),
]
