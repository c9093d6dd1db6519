"""A broadcast in a reader's words: the body of their language, filled in from their own homes, and its buttons."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from api.broadcasts.schemas import (
    LONGEST,
    BroadcastContent,
    Placeholder,
    RecipientFacts,
    Target,
    Topic,
)
from bot.callbacks import Callback
from bot.courier import CannotCompose
from bot.ui import Letter, button, rows
from handlers.broadcast_values import value_of
from locales import Html, Translator, is_right_to_left, is_spoken, isolated, lazy, translator
from locales.templates import cut, fill, used

Text = TypeVar("Text")

NOT_THERE = {Placeholder.NAME: lazy("neighbour")}
"""What is said where a value is not there, other than that it is not published yet."""

_KNOWN = frozenset(Placeholder)
_MARKS = 8
"""Of the room of a value, for the marks around it in a text from right to left."""


class FollowBroadcast(Callback, prefix="bc_open"):
    """What a button of a broadcast opens, below it: the message itself stays as it is."""

    target: Target


class ChooseTopics(Callback, prefix="bc_topics"):
    """Of which topics one wants to be told, likewise below."""


def chosen(bodies: Mapping[str, Text], fallback: str, locale: str | None) -> tuple[str, Text] | None:
    """The body for a reader's language, and its own: that of the language itself, of it without its region, or the one
    for everybody else. None: there is none."""
    wanted = locale or fallback
    for language in (wanted, wanted.partition("_")[0], fallback):
        if language in bodies:
            return language, bodies[language]
    return None


def broadcast_letter(content: BroadcastContent, facts: RecipientFacts, locale: str | None, tr: Translator) -> Letter:
    """
    Args:
        locale: the reader's, in which ``tr`` speaks as far as there are words.

    Raises:
        CannotCompose: there is no body for them, or one that says what this version does not know.
    """
    found = chosen(content.bodies, content.fallback, locale)
    if found is None:
        raise CannotCompose("no body")
    language, body = found
    names = used(body.text)
    if not names <= _KNOWN:
        raise CannotCompose("unknown placeholder")
    # The values are said in the language around them.
    words = translator(language, tr.time_zone) if is_spoken(language) else tr
    told = {name: _told(Placeholder(name), facts, words) for name in names}
    if is_right_to_left(language):
        told = {name: isolated(cut(value, LONGEST[Placeholder(name)] - _MARKS)) for name, value in told.items()}
    buttons = tuple((one.label, one.url, one.target) for one in body.buttons)
    return Letter(fill(body.text, told), _keyboard(buttons, content.topic, tr))


def _told(placeholder: Placeholder, facts: RecipientFacts, tr: Translator) -> Html:
    """Its value, or what is said in its place."""
    value = value_of(placeholder, facts, tr)
    return value if value is not None else tr.t(NOT_THERE.get(placeholder, lazy("not published yet")))


@lru_cache(maxsize=64)
def _keyboard(
    buttons: tuple[tuple[str, str | None, Target | None], ...], topic: Topic, tr: Translator
) -> InlineKeyboardMarkup | None:
    """The same for all readers of a language."""
    keys = [
        InlineKeyboardButton(label, url=url)
        if url is not None
        else button(label, FollowBroadcast(target or Target.MENU))
        for label, url, target in buttons
    ]
    if topic is not Topic.LEGAL:
        keys.append(button(tr.plain("🔔 Choose what you are told"), ChooseTopics()))
    return rows(*keys) if keys else None
