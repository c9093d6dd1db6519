"""/mydata: a copy of all that is kept about the person, as a document in the chat."""

from telegram import Update

from bot.backend import TooMany
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, rows
from handlers.lookups import today
from handlers.menu import OpenMenu
from handlers.my_data_document import document
from handlers.privacy import AskForMyData, AskToForget


async def send_copy(update: Update, ctx: Context, tap: AskForMyData | None = None) -> None:
    try:
        data = await ctx.backend.my_data(ctx.chat_id)
    except TooMany as limit:
        await ctx.reply(
            ctx.n(
                "You have had a copy within the last 24 hours; it stands further up in this chat. Tomorrow I make you "
                "a new one.",
                "You have had {n} copies within the last 24 hours; they stand further up in this chat. Tomorrow I make "
                "you a new one.",
                int(limit.details.get("max", 0)),
            ),
            rows(button(ctx.plain("Main menu"), OpenMenu())),
        )
        return
    await ctx.reply_with_document(
        document(data, ctx.words, ctx.office, today(ctx)).encode(),
        ctx.plain("my-data-{day}.html", day=today(ctx).isoformat()),
        ctx.t(
            "📄 This is what is kept about you here. Press it to read it.\n\n"
            "It is for you alone, so it cannot be forwarded. If you need it on paper, the office prints it for you."
        ),
        rows(
            button(ctx.plain("🗑 Delete my data"), AskToForget()),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
    )


HANDLERS = [
    CommandHandler("mydata", send_copy),
    CallbackHandler(AskForMyData, send_copy),
]
