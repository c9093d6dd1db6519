"""First contact, the main menu, help, and the end of whatever had been begun."""

from telegram import Update

from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.drafts import Drop
from bot.ui import OpenMenuBelow
from handlers.menu import OpenHelp, OpenMenu, back_to_menu, main_menu
from locales import join


async def start(update: Update, ctx: Context) -> None:
    """``/start``, and the button that Telegram shows before anything else."""
    await ctx.reply(
        ctx.t(
            "Hello. Here you can see when you get your keys, what has been paid and what is owed, and file a "
            "complaint.\n\nAll of it comes from the office's records, and each answer tells its date and source.\n\n"
            "What would you like to know?"
        ),
        main_menu(ctx),
    )


async def show_menu(update: Update, ctx: Context, tap: OpenMenu | OpenMenuBelow | None = None) -> None:
    await ctx.edit_or_reply(ctx.t("What would you like to know?"), main_menu(ctx))


async def show_help(update: Update, ctx: Context, tap: OpenHelp | None = None) -> None:
    contact = ctx.office_contact
    topics = ctx.t(
        "Choose what you need:\n\n"
        "/handover – when you get your keys\n"
        "/home – your home and how far the building is\n"
        "/payments – what is paid and owed\n"
        "/complain – file a complaint\n"
        "/cases – your complaints and their answers\n"
        "/settings – who may see your home here\n"
        "/privacy – how your data is handled\n"
        "/mydata – a copy of what is kept about you\n"
        "/forget – delete what is kept about you\n"
        "/language – 中文 / English\n"
        "/cancel – stop what you had begun\n\n"
        "Only people who have shown who they are see anything about a home."
    )
    few_words = ctx.t("You can also just write a few words, such as “keys” or “transition fee”.")
    office = ctx.t("🏢 The office: {contact}", contact=contact) if contact else None
    await ctx.edit_or_reply(join("\n\n", [topics, few_words, office]), back_to_menu(ctx))


async def cancel(update: Update, ctx: Context, tap: Drop | None = None) -> None:
    if ctx.session.dialog is None:
        await ctx.reply(ctx.t("There is nothing to cancel. What would you like to know?"), main_menu(ctx))
        return
    ctx.session.end_dialog()
    await ctx.edit_or_reply(ctx.t("Cancelled. Nothing was sent. What would you like to know?"), main_menu(ctx))


HANDLERS = [
    CommandHandler("start", start),
    CommandHandler("help", show_help),
    CommandHandler("cancel", cancel, reminds=False),
    CallbackHandler(OpenMenu, show_menu, reminds=True),
    CallbackHandler(OpenMenuBelow, show_menu, reminds=True),
    CallbackHandler(OpenHelp, show_help, reminds=True),
    CallbackHandler(Drop, cancel),
]
