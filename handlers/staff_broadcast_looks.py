"""How a broadcast will look, before it goes out: to three of its readers, and to oneself."""

from api.broadcasts.schemas import BroadcastOut, PreviewOut
from bot.backend import HasProblems, NotAllowedNow, NotFound
from bot.context import Context
from bot.courier import CannotCompose
from bot.ui import Letter, button, rows
from handlers import staff_broadcast_screens as screens
from handlers.broadcast_words import broadcast_letter
from handlers.staff_broadcast import OpenBroadcast, show, show_broadcast
from locales import Html, join, native_name, translator
from locales.templates import length

LONGEST_MESSAGE = 4_096


async def preview(ctx: Context, broadcast: BroadcastOut) -> None:
    """Three messages as three families would read them now, and the way back below."""
    try:
        found = await ctx.backend.preview_broadcast(ctx.chat_id, broadcast.id)
    except HasProblems as refused:
        await show_broadcast(ctx, broadcast, screens.problems(refused.problems, ctx.words))
        return
    except NotFound:
        await show(ctx, broadcast.id)
        return
    if not found.readers:
        await show_broadcast(ctx, broadcast, ctx.t("There is nobody yet who would get it, so there is no preview."))
        return
    await ctx.edit_or_reply(_heading(ctx, broadcast, found), personal=True)
    for place, reader in enumerate(found.readers, 1):
        tr = translator(reader.locale, ctx.words.time_zone)
        who = ctx.t(
            "<i>👤 {n} of {all} · {language}</i>",
            n=place,
            all=len(found.readers),
            language=native_name(reader.locale) if reader.locale else ctx.t("language not known"),
        )
        try:
            letter = broadcast_letter(found.content, reader.facts, reader.locale, tr)
        except CannotCompose:
            await ctx.reply(join("\n\n", [who, ctx.t("There is no text for this reader yet.")]), personal=True)
            continue
        await _show(ctx, who, letter)
    await show_broadcast(ctx, broadcast, below=True)


async def _show(ctx: Context, who: Html, letter: Letter) -> None:
    """In one message with whose it is; where it is as long as a message can be, in two."""
    together = join("\n\n", [who, Html(letter.text)])
    if length(together) <= LONGEST_MESSAGE:
        await ctx.reply(together, letter.keyboard, personal=True)
        return
    await ctx.reply(who, personal=True)
    await ctx.reply(letter.text, letter.keyboard, personal=True)


def _heading(ctx: Context, broadcast: BroadcastOut, found: PreviewOut) -> Html:
    media = found.content.media
    return join(
        "\n\n",
        [
            screens.heading(broadcast, ctx.words),
            ctx.n(
                "So it looks to {n} of those who get it, as they are now:",
                "So it looks to {n} of those who get it, as they are now:",
                len(found.readers),
            ),
            ctx.t("📎 Each comes with: {name}", name=media.filename) if media is not None else None,
        ],
    )


async def send_test(ctx: Context, broadcast: BroadcastOut) -> None:
    """A courier brings it in a moment, as one of its readers would get it."""
    try:
        await ctx.backend.test_broadcast(ctx.chat_id, broadcast.id)
    except HasProblems as refused:
        await show_broadcast(ctx, broadcast, screens.problems(refused.problems, ctx.words))
    except NotAllowedNow:
        await show(ctx, broadcast.id)
    else:
        await ctx.answer(ctx.plain("It comes into this chat in a moment, as a family would get it."), alert=True)


async def send_lacking(ctx: Context, broadcast: BroadcastOut) -> None:
    """The families of whom a value is not there, as a table."""
    data = await ctx.backend.export_missing(ctx.chat_id, broadcast.id)
    await send_table(
        ctx,
        broadcast,
        data,
        ctx.plain("without-a-value-{number}.xlsx", number=broadcast.id),
        ctx.t("Families of whom a value is not there, by agreement number."),
    )


async def send_table(ctx: Context, broadcast: BroadcastOut, data: bytes, filename: str, caption: Html) -> None:
    keyboard = rows(button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id)))
    if not await ctx.offer_document(data, filename, caption, keyboard):
        await ctx.reply(ctx.t("Telegram does not take this file. Please ask the operator for it."), keyboard)
