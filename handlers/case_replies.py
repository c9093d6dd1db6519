"""A reply to a message about a complaint.

Words that reply to a message of an open complaint go to the office at once, as the answer to what was asked or as
something added: whoever replies has sent it. With files one goes on collecting, since they come in several. What
replies to a closed complaint is kept, and the person asked what shall become of it: it is never merged silently.
"""

from telegram import Message, Update

from api.cases.schemas import MAX_TEXT_CHARACTERS, Add, CaseAction, CaseOut, Reply
from bot.backend import NotAllowedNow, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler, ReplyHandler
from bot.ui import button, rows
from handlers import complaint
from handlers import complaint_screens as homes
from handlers.case_buttons import AsNew, OpenCase, Say, case_of
from handlers.case_draft import CaseDraft, Step
from handlers.case_finding import find_case
from handlers.case_screens import question
from handlers.case_statement import CONTENT
from handlers.case_steps import ask, begin, is_about_case, is_busy, remind, standing
from handlers.complaint_draft import Step as ComplaintStep
from handlers.complaint_steps import ask as ask_complaint
from handlers.complaint_steps import begin_with, is_complaint
from handlers.complaint_steps import go as go_complaint
from handlers.complaint_steps import standing as complaint_standing
from handlers.content import message_of, take_id_number_away
from handlers.id_texts import without_id_numbers
from handlers.lookups import explain_nothing
from handlers.passages import passages
from locales import Html, join

_SECRET = ("verification.", "office.", "staff_")
"""Conversations whose answers are nobody else's business: what is sent there stays there."""


async def find(ctx: Context, answered: Message) -> str | None:
    """The complaint that a message of the bot's is about: by its buttons, else by what the courier reported."""
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name.startswith(_SECRET):
        return None
    number = case_of(answered)
    if number is None:
        try:
            number = (await ctx.backend.case_of_message(ctx.chat_id, answered.message_id)).number
        except NotFound:
            return None
    if is_about_case(ctx) and standing(ctx)[1].number == number:
        # It goes on with what it is in the midst of.
        return None
    return number


async def take_reply(update: Update, ctx: Context, number: str) -> None:
    case = await find_case(ctx, number)
    if case is None:
        return
    message = message_of(update)
    action = action_now(case)
    if action is not None and message.text:
        await _send_at_once(ctx, case, action, message)
    elif not await is_busy(ctx):
        await collect(update, ctx, case, action)


def action_now(case: CaseOut) -> CaseAction | None:
    """What a reply is now; None: nothing can be added."""
    return next((action for action in (CaseAction.REPLY, CaseAction.ADD) if action in case.allowed), None)


async def _send_at_once(ctx: Context, case: CaseOut, action: CaseAction, message: Message) -> None:
    words = without_id_numbers((message.text or "").replace("\0", "").strip())
    # A message holds more than a step; what is over follows as something added.
    parts = passages(words, MAX_TEXT_CHARACTERS)
    if not parts:
        await ctx.reply(ctx.t("I could not read any words in that. Please write it once more."))
        return
    struck_out = await take_id_number_away(ctx, message)
    try:
        for place, part in enumerate(parts):
            step: Add | Reply = (
                Reply(action=CaseAction.REPLY, text=part)
                if action is CaseAction.REPLY and place == 0
                else Add(action=CaseAction.ADD, text=part)
            )
            key = f"message-{message.message_id}-{place}"
            case = await ctx.backend.act_on_own_case(ctx.chat_id, case.number, step, idempotency_key=key)
    except NotAllowedNow:
        # It was closed, or the question was settled, in this very moment: what was written is kept.
        now = await find_case(ctx, case.number)
        if now is not None and not await is_busy(ctx):
            await collect(ctx.turn.update, ctx, now, action_now(now))
        return
    await ctx.reply(
        join("\n\n", [struck_out, _taken(ctx, case, action)]),
        rows(
            button(ctx.plain("➕ Add words or photos"), Say(case.number, CaseAction.ADD)),
            button(ctx.plain("🔎 See the complaint"), OpenCase(case.number)),
        ),
        personal=True,
    )
    await remind(ctx)


def _taken(ctx: Context, case: CaseOut, action: CaseAction) -> Html:
    if action is CaseAction.REPLY:
        return ctx.t("✅ Your answer is with the officer (complaint {number}).", number=case.number)
    return ctx.t("✅ It is added to complaint {number}; the officer is told.", number=case.number)


async def collect_answer(update: Update, ctx: Context, case: CaseOut) -> None:
    """What was sent without replying to anything, while the office waits for an answer: it is likely that answer, so it
    is kept, and goes only when the person says so."""
    await collect(update, ctx, case, CaseAction.REPLY)


async def collect(update: Update, ctx: Context, case: CaseOut, action: CaseAction | None) -> None:
    """Keep what was sent for a complaint, and ask whether it is to go; without an action, what shall become of it."""
    draft = CaseDraft(number=case.number, action=action or CaseAction.ADD)
    if action is CaseAction.REPLY and (asked := question(case)):
        draft.question = asked.event.text
    begin(ctx, Step.OFFER if action is None else Step.SAY, draft)
    if action is None:
        ctx.session.go(Step.OFFER, allowed=[action.value for action in case.allowed])
    message = message_of(update)
    if message.text:
        await CONTENT.take_text(update, ctx)
    elif message.photo or message.document:
        await CONTENT.take_file(update, ctx)
    elif message.voice or message.audio or message.video_note:
        await CONTENT.take_voice(update, ctx)
    else:
        await ask(ctx, ctx.t("I cannot take this. Text, photos and documents are fine."))


async def file_anew(update: Update, ctx: Context, tap: AsNew) -> None:
    """What was written becomes the draft of a new complaint, which goes its usual way."""
    _, draft = standing(ctx)
    choices = homes.choices(await ctx.backend.homes(ctx.chat_id))
    await ctx.remove_buttons()
    ctx.session.end_dialog()
    if not choices:
        await explain_nothing(ctx)
        return
    if is_complaint(ctx):
        # Another one waits already, which is not this one.
        await ctx.reply(
            ctx.t(
                "You have a complaint that is not finished. Please finish it first; what you just wrote stands above, "
                "so that you can send it again."
            )
        )
        await complaint.begin(update, ctx)
        return
    begin_with(ctx, choices[0] if len(choices) == 1 else None)
    _, complaint_draft = complaint_standing(ctx)
    complaint_draft.text, complaint_draft.files = draft.text, draft.files
    go_complaint(ctx, ComplaintStep.CATEGORY, complaint_draft)
    await ask_complaint(ctx)


FIRST = [ReplyHandler(find, take_reply)]
"""Ahead of all conversations: a reply belongs to what it replies to."""
HANDLERS = [CallbackHandler(AsNew, file_anew, dialog=Step.OFFER)]
