"""Words that people type instead of pressing a key: "back", "go on", "when do we get the keys".

They stand in the catalogs, many to an entry with a sign between them, so that each language has its own. Those of the
language in which they are written here are understood in every language.
"""

import re
import unicodedata

from telegram import Update
from telegram.ext.filters import UpdateFilter

from bot.turns import current_turn
from locales import Translator, lazy, translator

BETWEEN = re.compile(r"[|｜]")

# Translators: what people type who want to go one step back. Any number of words, with | between them.
BACK = lazy("back | go back | previous | return")
# Translators: what people type who want to stop what they have begun. Any number of words, with | between them.
STOP = lazy("cancel | stop | quit | exit | never mind | no thanks")
# Translators: what people type who want to go on, or agree. Any number of words, with | between them.
ON = lazy("go on | continue | next | next step | ok | okay | yes | all right | agree | I agree | I have read it")
# Translators: what people type who do not agree to what they are asked. Any number of words, with | between them.
NO = lazy("no | I do not agree | I don't agree | I disagree | not now | do not want to")
# Translators: what people type who have written all they want to. Any number of words, with | between them.
DONE = lazy("send | send it | submit | finish | finished | done | that is all | nothing more")
# Translators: what people type who want to be waited for. Any number of words, with | between them.
WAIT = lazy("wait | one moment | just a moment | wait a moment | hold on")


def letters(text: str) -> str:
    """Without what a person leaves out or adds: signs, spaces, capitals."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if sign.isalnum()).casefold()


def words_of(tr: Translator, words: str) -> set[str]:
    """All that may be typed for it, by their letters alone."""
    return {letters(word) for word in (*BETWEEN.split(tr.plain(words)), *BETWEEN.split(words))} - {""}


SHORT = 12
"""Letters of a text that is no more than what it begins with."""
# Translators: a short text that begins with one of these ("never mind, I will call them") is somebody who stops.
STOPS = lazy("never mind | forget it")
# Translators: likewise of somebody who wants to be waited for ("wait, I am looking for it").
WAITS = lazy("wait | hold on | one moment | just a moment")


class Begins(UpdateFilter):
    """A short message that begins with one of these words."""

    __slots__ = ("_words",)

    def __init__(self, words: str) -> None:
        super().__init__(name="Begins")
        self._words = words

    def filter(self, update: Update) -> bool:
        typed = letters((update.message.text if update.message is not None else None) or "")
        words = words_of(translator(current_turn().session.locale), self._words)
        most = SHORT * 3 if typed.isascii() else SHORT
        return len(typed) <= most and any(typed.startswith(word) for word in words)


class Typed(UpdateFilter):
    """A message that is nothing but one of these words."""

    __slots__ = ("_words",)

    def __init__(self, words: str) -> None:
        super().__init__(name="Typed")
        self._words = words

    def filter(self, update: Update) -> bool:
        text = update.message.text if update.message is not None else None
        return text is not None and letters(text) in words_of(translator(current_turn().session.locale), self._words)
