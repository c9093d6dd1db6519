"""/forget: says what is erased, what stays and why, asks back, and erases.

Personal Information Protection Law, articles 15 and 47. What stays, and for how long, the API tells
(``api.rights.erasure``).
"""

from telegram import Update

from api.rights.schemas import ErasureOut
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, rows
from handlers.facts import how_long
from handlers.menu import OpenCases
from handlers.privacy import AskForMyData, AskToForget, OpenPrivacy
from locales import Html, join


class Forget(Callback, prefix="forget_do"):
    """Erase it, now."""


async def ask(update: Update, ctx: Context, tap: AskToForget | None = None) -> None:
    ends = await ctx.backend.erasure(ctx.chat_id)
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                ctx.t("<b>Delete what is kept about you?</b>"),
                join("\n", [ctx.t("<b>This is deleted, at once and for good:</b>"), *_erased(ctx, ends)]),
                join("\n", [ctx.t("<b>This stays, and why:</b>"), *_kept(ctx, ends)]),
                _open_cases(ctx, ends),
                ctx.t("The messages on your phone you can delete yourself, in Telegram."),
            ],
        ),
        rows(
            button(ctx.plain("My complaints"), OpenCases()) if ends.open_cases else None,
            button(ctx.plain("📄 First a copy of my data"), AskForMyData()),
            button(ctx.plain("🗑 Yes, delete it"), Forget()),
            button(ctx.plain("No, leave it as it is"), OpenPrivacy()),
        ),
        personal=True,
    )


def _erased(ctx: Context, ends: ErasureOut) -> list[Html | None]:
    return [
        ctx.n(
            "• That you see {n} agreement here. To see it again you show once more who you are.",
            "• That you see {n} agreements here. To see them again you show once more who you are.",
            ends.links,
        )
        if ends.links
        else None,
        ctx.n(
            "• {n} person whom you let in with a code no longer sees your home either, and is told so.",
            "• {n} people whom you let in with a code no longer see your home either, and are told so.",
            ends.let_in,
        )
        if ends.let_in
        else None,
        ctx.t("• What you have begun to write and not sent.") if ends.draft else None,
        ctx.n("• {n} file that you sent and did not file.", "• {n} files that you sent and did not file.", ends.files)
        if ends.files
        else None,
        _requests(ctx, ends),
        ctx.t("• Your codes, your reminders, your language, and news for you that has not been sent yet."),
    ]


def _open_cases(ctx: Context, ends: ErasureOut) -> Html | None:
    if not ends.open_cases:
        return None
    return ctx.n(
        "⚠️ <b>{n} complaint is not settled yet.</b> The office goes on with it, but cannot bring you the answer here "
        "any more; it is told so, and can phone or write. If you want the answer here, please wait until it has come.",
        "⚠️ <b>{n} complaints are not settled yet.</b> The office goes on with them, but cannot bring you the answers "
        "here any more; it is told so, and can phone or write. If you want the answers here, please wait until they "
        "have come.",
        ends.open_cases,
    )


def _requests(ctx: Context, ends: ErasureOut) -> Html | None:
    if not ends.requests:
        return None
    asked = ctx.t("• What you asked the office.")
    return join(" ", [asked, ctx.t("It will not be answered any more.") if ends.open_requests else None])


def _kept(ctx: Context, ends: ErasureOut) -> list[Html | None]:
    days = ends.kept_days
    return [
        ctx.n(
            "• The complaint that you filed, with its files: the Regulations on Petition Work oblige the office to keep"
            " it.",
            "• The {n} complaints that you filed, with their files: the Regulations on Petition Work oblige the office "
            "to keep them.",
            ends.cases,
        )
        if ends.cases
        else None,
        ctx.t("• The office's own rolls: your agreement rests on them. This bot only reads them."),
        ctx.t(
            "• That you had agreed, and no longer do: for {time}, so that the office can show that it was allowed to "
            "answer you.",
            time=how_long(days.consents, ctx.words),
        ),
        ctx.t(
            "• How often somebody tried here to show who they are: for {time}. Otherwise a stranger could erase "
            "everything and go on guessing.",
            time=how_long(days.attempts, ctx.words),
        ),
        ctx.t(
            "• The record of who looked at what and when. No names and no content stand in it, and nobody can delete "
            "from it, not even the office."
        ),
        ctx.t("• Your account as the office's staff: that is ended by the office.") if ends.is_staff else None,
    ]


async def forget(update: Update, ctx: Context, tap: Forget) -> None:
    await ctx.backend.forget(ctx.chat_id)
    ctx.session.forget()
    await ctx.edit_or_reply(
        ctx.t(
            "✔️ It is deleted. I no longer know who you are.\n\n"
            "Should you want to see your home here again one day, just send /start."
        )
    )


HANDLERS = [
    CommandHandler("forget", ask, reminds=False),
    CallbackHandler(AskToForget, ask),
    CallbackHandler(Forget, forget),
]
