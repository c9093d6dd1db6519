"""What is being asked for a broadcast, while an answer is awaited. The broadcast itself lives in the API."""

from enum import StrEnum

from pydantic import BaseModel, Field
from telegram import InlineKeyboardButton

from api.broadcasts.schemas import BroadcastOut
from bot.context import Context
from bot.ui import button, rows
from handlers.menu import Row
from handlers.staff_broadcast import OpenBroadcast, find, show_changed
from locales import Html, join


class Asked(StrEnum):
    """The dialog's name at each question."""

    BODY = "staff_bc.body"
    BUTTON = "staff_bc.button"
    FILE = "staff_bc.file"
    NUMBERS = "staff_bc.numbers"
    TIME = "staff_bc.time"
    REASON = "staff_bc.reason"


class Question(BaseModel):
    """``version``: of the broadcast as the person saw it, or changed it last."""

    broadcast_id: int
    version: int
    locale: str = ""
    how: str = Field("", description="How numbers join the audience.")
    before: str | None = Field(None, description="The text that the newest one replaced.")
    taken: int = Field(0, description="Id of the newest message taken in: Telegram may bring one twice.")
    cut: bool = Field(False, description="The app had probably cut that one: what comes next goes on with it.")


def await_answer(ctx: Context, asked: Asked, question: Question) -> None:
    """What is sent next is the answer to this."""
    dialog = ctx.session.dialog
    data = question.model_dump(mode="json", exclude_defaults=True)
    if dialog is not None and dialog.name in set(Asked):
        ctx.session.go(asked, question=data)
    else:
        ctx.session.interrupt_with(asked, question=data)


def awaited(ctx: Context) -> Question:
    """What was asked."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a question only
    return Question.model_validate(dialog.data["question"])


async def asked_about(ctx: Context, question: Question) -> BroadcastOut | None:
    """The broadcast, where it is still as it was when this was asked; None otherwise, which is said. What was typed
    stands in the chat and can be sent once more."""
    broadcast = await find(ctx, question.broadcast_id)
    if broadcast is not None and broadcast.version != question.version:
        await show_changed(ctx, broadcast, below=True)
        return None
    return broadcast


async def ask(
    ctx: Context,
    asked: Asked,
    question: Question,
    text: Html,
    *keys: Row | InlineKeyboardButton | None,
    note: Html | None = None,
    below: bool = False,
) -> None:
    """Put a question about a broadcast; the way back leaves everything as it is."""
    await_answer(ctx, asked, question)
    back = button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(question.broadcast_id))
    words, keyboard = join("\n\n", [note, text]), rows(*keys, back)
    if below:
        await ctx.reply(words, keyboard, personal=True)
    else:
        await ctx.edit_or_reply(words, keyboard, personal=True)
