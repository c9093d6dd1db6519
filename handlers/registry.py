"""Which conversations there are, in the order in which they are asked whether an update is theirs."""

from telegram import Update
from telegram.ext import BaseHandler

from bot.context import Context
from handlers import (
    broadcast_buttons,
    broadcast_words,
    case_replies,
    cases,
    complaint,
    fallback,
    for_office,
    forgetting,
    handover,
    home,
    id_numbers,
    language,
    mutes,
    my_data,
    notices,
    office_help,
    payments,
    privacy,
    relatives,
    settings,
    staff,
    staff_broadcast,
    staff_broadcast_audience,
    staff_broadcast_parts,
    staff_broadcast_steps,
    staff_broadcast_text_buttons,
    staff_broadcast_texts,
    staff_case,
    staff_case_steps,
    staff_links,
    staff_queue,
    staff_requests,
    start,
    typed_keys,
    typed_pages,
    verification,
    verification_typed,
)
from locales import lazy

COMMANDS = (
    ("handover", lazy("When you get your keys")),
    ("home", lazy("Your home and how far the building is")),
    ("payments", lazy("What is paid and owed")),
    ("complain", lazy("File a complaint")),
    ("cases", lazy("My complaints")),
    ("settings", lazy("Who may see your home here")),
    ("privacy", lazy("How your data is handled")),
    ("mydata", lazy("A copy of my data")),
    ("forget", lazy("Delete my data")),
    ("language", lazy("Language")),
    ("help", lazy("Help")),
    ("cancel", lazy("Stop what you had begun")),
)
"""The command menu. ``/start`` needs no entry: Telegram has a button for it."""

DESCRIPTION = lazy(
    "See when you get your keys, what has been paid and what is owed, and file a complaint. "
    "Press the button below to begin."
)
"""Shown in an empty chat."""

SHORT_DESCRIPTION = lazy("Your home, its handover, your payments and complaints.")
"""Shown on the bot's profile."""


HANDLERS: list[BaseHandler[Update, Context, None]] = [
    *fallback.FIRST,
    *id_numbers.HANDLERS,
    *case_replies.FIRST,
    *typed_keys.HANDLERS,
    *typed_pages.HANDLERS,
    *for_office.HANDLERS,
    *staff.HANDLERS,
    *staff_queue.HANDLERS,
    *staff_case.HANDLERS,
    *staff_case_steps.HANDLERS,
    *staff_broadcast.HANDLERS,
    *staff_broadcast_parts.HANDLERS,
    *staff_broadcast_audience.HANDLERS,
    *staff_broadcast_texts.HANDLERS,
    *staff_broadcast_text_buttons.HANDLERS,
    *staff_broadcast_steps.HANDLERS,
    *staff_requests.HANDLERS,
    *staff_links.HANDLERS,
    *office_help.HANDLERS,
    *verification_typed.HANDLERS,
    *verification.HANDLERS,
    *complaint.HANDLERS,
    *case_replies.HANDLERS,
    *cases.HANDLERS,
    *settings.HANDLERS,
    *mutes.HANDLERS,
    *relatives.HANDLERS,
    *notices.HANDLERS,
    *broadcast_buttons.HANDLERS,
    *privacy.HANDLERS,
    *my_data.HANDLERS,
    *forgetting.HANDLERS,
    *start.HANDLERS,
    *language.HANDLERS,
    *handover.HANDLERS,
    *home.HANDLERS,
    *payments.HANDLERS,
    *fallback.LAST,
]
"""In the order in which they are asked whether an update is theirs."""

compose = notices.compose
"""Puts a notice that a courier brings into words."""
compose_broadcast = broadcast_words.broadcast_letter
"""Likewise a broadcast."""
