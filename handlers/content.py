"""What a person sends into a conversation that collects: texts, photos, documents. Whatever the step, it is kept.

Photos of an album, and the parts of a text that the app cut, come as updates of their own: the answer to the first is
edited for those that follow. An ID number is struck out, and the message that bore it deleted from the chat.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from telegram import InlineKeyboardMarkup, Message, Update

from api.cases.schemas import MAX_ATTACHMENTS, MAX_TEXT_CHARACTERS
from bot.backend import BackendError, BackendUnavailable
from bot.context import Context
from bot.ui import lines
from handlers.collected import Collected, DraftFile, Receipt
from handlers.id_texts import holds_id_number, without_id_numbers
from handlers.incoming_files import Refused, hand_over
from handlers.passages import is_cut
from locales import Html, join

Kept = TypeVar("Kept", bound=Collected)
Screen = tuple[Html, InlineKeyboardMarkup]


@dataclass(frozen=True)
class Content(Generic[Kept]):
    """Takes in what is sent into one conversation.

    Attributes:
        draft: what has been collected so far.
        keep: stays at the step, with this draft.
        advance: goes on to the step that follows once there is a text. Content that arrives on another step does not
            move the person away from it.
        screen: the question of the step that the conversation stands at.
    """

    draft: Callable[[Context], Kept]
    keep: Callable[[Context, Kept], None]
    advance: Callable[[Context, Kept], None]
    screen: Callable[[Context], Awaitable[Screen]]

    async def ask(self, ctx: Context, *notes: Html | None) -> int:
        """Put the question in a new message, below what there is to say about what was sent. Returns the message's
        id."""
        question, keyboard = await self.screen(ctx)
        return await ctx.reply(join("\n\n", [*notes, question]), keyboard, personal=True)

    async def take_text(self, update: Update, ctx: Context, *, earlier: bool = False) -> None:
        """
        Args:
            earlier: it was sent before the conversation began.
        """
        message, draft = message_of(update), self.draft(ctx)
        more = without_id_numbers((message.text or "").replace("\0", "").strip())
        if is_taken(message, draft, earlier=earlier) or not more:
            await self.ask(ctx)
            return
        struck_out = await take_id_number_away(ctx, message)
        had_text = bool(draft.text) and not draft.rewriting
        if await self._is_rest_of_refused(ctx, message, draft, more):
            return
        draft.receipt = None
        if not draft.take_text(more):
            await self._refuse_text(ctx, message, draft, more)
            return
        self.advance(ctx, draft)
        kept = ctx.t("✔️ Added to your text.") if had_text else ctx.t("✔️ I have your text.")
        await self.ask(ctx, struck_out, kept)

    async def _refuse_text(self, ctx: Context, message: Message, draft: Kept, text: str) -> None:
        given = len(draft.with_text(text))
        answer = await ctx.reply(too_long(ctx, given, len(draft.text)))
        await self.ask(ctx)
        if is_cut(text):
            draft.receipt = Receipt(message_id=answer, too_long=given, next_part=message.message_id + 1)
        self.keep(ctx, draft)

    async def _is_rest_of_refused(self, ctx: Context, message: Message, draft: Kept, more: str) -> bool:
        """The rest of a text that was too long and that the app had cut is no text of its own."""
        receipt = draft.receipt
        if receipt is None or receipt.next_part != message.message_id:
            return False
        receipt.too_long += len(more)
        receipt.next_part = message.message_id + 1
        await ctx.edit(receipt.message_id, too_long(ctx, receipt.too_long, len(draft.text)))
        self.keep(ctx, draft)
        return True

    async def take_file(self, update: Update, ctx: Context, *, earlier: bool = False) -> None:
        """As :meth:`take_text`."""
        message, draft = message_of(update), self.draft(ctx)
        if is_taken(message, draft, earlier=earlier):
            await self.ask(ctx)
            return
        # What is taken in by a button below it gets an answer of its own.
        album = None if earlier else message.media_group_id
        receipt = draft.receipt if album is not None and draft.receipt and draft.receipt.album == album else None
        draft.receipt = receipt
        caption_refused = _take_caption(ctx, message, draft)
        refused = await _store(ctx, message, draft)
        struck_out = await take_id_number_away(ctx, message)
        move = self.advance if draft.text else self.keep
        if receipt is not None:
            receipt.left_out += refused is not None
            move(ctx, draft)
            question, keyboard = await self.screen(ctx)
            notes = [struck_out, caption_refused, _left_out(ctx, receipt), refused]
            await ctx.edit(receipt.message_id, join("\n\n", [*notes, question]), keyboard)
            return
        move(ctx, draft)
        # Where words are asked for, the question does not show the files.
        kept = ctx.t("✔️ I have the file.") if refused is None and (earlier or not draft.text) else None
        answer = await self.ask(ctx, struck_out, caption_refused, refused, kept)
        if album is not None:
            draft.receipt = Receipt(message_id=answer, album=album, left_out=int(refused is not None))
            self.keep(ctx, draft)

    async def take_voice(self, update: Update, ctx: Context) -> None:
        await self.ask(
            ctx,
            ctx.t(
                "I cannot listen to voice messages. Please write it; with the microphone on your keyboard you can "
                "speak, and it writes for you."
            ),
        )


def message_of(update: Update) -> Message:
    assert update.message is not None  # noqa: S101 - message handlers only
    return update.message


def is_taken(message: Message, draft: Collected, *, earlier: bool = False) -> bool:
    """Whether Telegram brings the message a second time; else it is taken now. Ids of a chat's messages grow, but for
    what was sent earlier and is taken in by a button below it."""
    if earlier:
        if message.message_id in draft.earlier:
            return True
        draft.earlier.append(message.message_id)
        return False
    if message.message_id <= draft.taken:
        return True
    draft.taken = message.message_id
    return False


async def take_id_number_away(ctx: Context, message: Message) -> Html | None:
    """Returns what to say where there was one."""
    if not holds_id_number(message.text or message.caption or ""):
        return None
    await ctx.take_away()
    return ctx.t("There was what looks like an ID number in your message. I struck it out; everything else is kept.")


def too_long(ctx: Context, given: int, have: int) -> Html:
    return lines(
        ctx.t(
            "This text is too long: it has {given} characters, and {max} are possible.",
            given=ctx.words.number(given),
            max=ctx.words.number(MAX_TEXT_CHARACTERS),
        ),
        ctx.t("Together with what you wrote before it would be too much; that is kept.") if have else None,
        ctx.t("Please send it shorter, or put the rest into a file and send that."),
    )


def _left_out(ctx: Context, receipt: Receipt) -> Html | None:
    left_out = receipt.left_out
    return ctx.n("{n} file was not taken.", "{n} files were not taken.", left_out) if left_out else None


def _take_caption(ctx: Context, message: Message, draft: Collected) -> Html | None:
    """A caption is text like any other. Returns what to say where it is too long."""
    caption = without_id_numbers((message.caption or "").replace("\0", "").strip())
    if not caption or caption in draft.text or draft.take_text(caption):
        return None
    return too_long(ctx, len(draft.with_text(caption)), len(draft.text))


async def _store(ctx: Context, message: Message, draft: Collected) -> Html | None:
    """Fetch the file and hand it to the API. Returns what to say where it was not taken."""
    full = ctx.t("Up to {n} files can go along, so I did not take this one.", n=MAX_ATTACHMENTS)
    if draft.is_full:
        return full
    source = message.document or message.photo[-1]
    try:
        draft.take_file(await hand_over(ctx, source, len(draft.files) + 1, full=full))
    except Refused as refused:
        return refused.words
    return None


async def give_files_back(ctx: Context, files: Iterable[DraftFile]) -> None:
    await asyncio.gather(*(give_back(ctx, file.id) for file in files))


async def give_back(ctx: Context, attachment_id: int) -> None:
    """Delete a stored file. One that cannot be deleted now belongs to no case, and retention finds it."""
    try:
        await ctx.backend.detach(ctx.chat_id, attachment_id)
    except (BackendError, BackendUnavailable):
        return
