"""What a person sends into a complaint: texts, photos, documents, a location. Whatever the step, it is kept."""

from telegram import Update
from telegram.ext import filters

from api.cases.schemas import Location
from bot.context import Context
from bot.dispatch import InDialog, MessageHandler
from handlers.complaint_draft import Draft, Step
from handlers.complaint_steps import ask, go, screen, standing
from handlers.content import Content, message_of


def _draft(ctx: Context) -> Draft:
    return standing(ctx)[1]


def _keep(ctx: Context, draft: Draft) -> None:
    go(ctx, standing(ctx)[0], draft)


def _advance(ctx: Context, draft: Draft) -> None:
    step = standing(ctx)[0]
    go(ctx, draft.after(step) if step is Step.TEXT else step, draft)


CONTENT = Content(draft=_draft, keep=_keep, advance=_advance, screen=screen)


async def take_location(update: Update, ctx: Context) -> None:
    message = message_of(update)
    step, draft = standing(ctx)
    assert message.location is not None  # noqa: S101 - see the filter
    draft.location = Location(latitude=message.location.latitude, longitude=message.location.longitude)
    draft.receipt = None
    go(ctx, step, draft)
    await ask(ctx, ctx.t("✔️ I have the location.") if step is not Step.FILES else None)


async def take_anything_else(update: Update, ctx: Context) -> None:
    await ask(ctx, ctx.t("I cannot take this. Text, photos, documents and a location are fine."))


HANDLERS = [
    MessageHandler(InDialog("complaint") & filters.TEXT, CONTENT.take_text),
    MessageHandler(InDialog("complaint") & (filters.PHOTO | filters.Document.ALL), CONTENT.take_file),
    MessageHandler(InDialog("complaint") & filters.LOCATION, take_location),
    MessageHandler(InDialog("complaint") & (filters.VOICE | filters.VIDEO_NOTE | filters.AUDIO), CONTENT.take_voice),
    MessageHandler(InDialog("complaint") & filters.ALL, take_anything_else),
]
