"""What a few words are about that somebody typed of their own accord: the keys, the money, a complaint, the office.

Only short texts are looked at: whoever writes more has something to say, and a page in answer to one word of it would
be no answer. The words stand in the catalogs (``handlers.typed_words``).
"""

import re
import unicodedata

from bot.callbacks import Callback
from handlers.gate import AskOffice, Verify
from handlers.menu import (
    OpenCases,
    OpenComplaint,
    OpenHandover,
    OpenHelp,
    OpenHome,
    OpenLanguage,
    OpenMenu,
    OpenPayments,
    OpenSettings,
)
from handlers.privacy import AskToForget
from handlers.typed_words import BACK, BETWEEN, STOP, letters, words_of
from locales import Translator, lazy

# Translators: of these entries, each lists what people type of their own accord, any number of words with | between
# them. A word of two signs or more is also found within a short text: no word that may as well be about anything else.
ABOUT: tuple[tuple[str, type[Callback]], ...] = (
    (
        lazy("keys | handover | hand over | handover date | move in | moving in | moving day"),
        OpenHandover,
    ),
    (
        lazy("fee | fees | transition fee | payment | payments | paid | money | refund | price difference | owe"),
        OpenPayments,
    ),
    (
        lazy("my flat | my apartment | my building | progress | construction"),
        OpenHome,
    ),
    (
        lazy("complaint | complain | I want to complain | report a problem"),
        OpenComplaint,
    ),
    (
        lazy("my case | my cases | my complaint | any answer | not solved | not settled | not satisfied"),
        OpenCases,
    ),
    (
        lazy("human | staff | office | phone | phone number | telephone | address | contact | real person"),
        AskOffice,
    ),
    (
        lazy("verify | log in | login | sign in | register"),
        Verify,
    ),
    (
        lazy("relatives | family members | notifications"),
        OpenSettings,
    ),
    (lazy("change language | chinese | english"), OpenLanguage),
    (lazy("delete my data | erase my data | forget me"), AskToForget),
)
# Translators: what people type who want to see what there is, or just say hello. Any number of words, with | between.
MENU = lazy("menu | main menu | home page | start | hello | hi")
# Translators: what people type who do not know what to do here. Any number of words, with | between them.
HELP = lazy("help | how does this work | what can you do | how do I use this")

# Translators: words of those who ask whether this can be trusted. Any number of words, with | between them.
DOUBTS = lazy("safe | secure | privacy | leak | scam | fraud | trust | my data")
# Translators: what people type who are content. Any number of words, with | between them.
THANKS = lazy("thanks | thank you | thank you very much | many thanks | good | great")

SHORT, SHORT_OF_LETTERS = 15, 40
"""Signs of a text that is short: in a language that writes words as signs, and in one that spells them."""


def way_out(tr: Translator, text: str) -> type[Callback] | None:
    """What somebody wants who does not speak about any thing: the menu, help, or to stop."""
    typed = letters(text)
    found = {OpenMenu: (MENU, BACK, STOP), OpenHelp: (HELP,)}
    return next((kind for kind, many in found.items() if any(typed in words_of(tr, words) for words in many)), None)


def named(tr: Translator, text: str) -> type[Callback] | None:
    """What is looked up by a text that is nothing but its name: "payments", and not a sentence with that in it."""
    typed = letters(text)
    return next((kind for words, kind in ABOUT if typed in words_of(tr, words)), None)


def topic(tr: Translator, text: str) -> type[Callback] | None:
    """What a short text is about. Where it is about two things, the longer word tells; where they are equal, none."""
    if (kind := named(tr, text)) is not None:
        return kind
    if len(letters(text)) > (SHORT_OF_LETTERS if text.isascii() else SHORT):
        return None
    lengths = {kind: _longest(tr, words, text) for words, kind in ABOUT}
    most = max(lengths.values())
    about = [kind for kind, length in lengths.items() if length == most]
    return about[0] if most > 0 and len(about) == 1 else None


def holds_one(tr: Translator, text: str, words: str) -> bool:
    """Whether one of the words stands in a text."""
    typed = unicodedata.normalize("NFKC", text).casefold()
    return any(_holds(typed, phrase) for phrase in _phrases(tr, words))


def is_wish_to_complain(tr: Translator, text: str) -> bool:
    """However long it is: it begins so, in more than a word."""
    typed = unicodedata.normalize("NFKC", text).casefold().lstrip()
    phrases = [
        phrase
        for phrase in _phrases(tr, _words_about(OpenComplaint))
        if " " in phrase or (not phrase.isascii() and len(phrase) > 3)
    ]
    return any(typed.startswith(phrase) for phrase in phrases)


def besides(tr: Translator, text: str, kind: type[Callback]) -> str:
    """What a text says besides that it is about this: of "I want to complain, the lift is broken" the lift."""
    typed = unicodedata.normalize("NFKC", text).casefold()
    for phrase in sorted(_phrases(tr, _words_about(kind)), key=len, reverse=True):
        typed = typed.replace(phrase, " ", 1)
    return typed


def _words_about(kind: type[Callback]) -> str:
    return next(words for words, about in ABOUT if about is kind)


def _phrases(tr: Translator, words: str) -> set[str]:
    return {phrase.strip().casefold() for phrase in (*BETWEEN.split(tr.plain(words)), *BETWEEN.split(words))}


def _longest(tr: Translator, words: str, text: str) -> int:
    """How long the longest of the words is that stands in the text; 0: none does."""
    typed = unicodedata.normalize("NFKC", text).casefold()
    return max((len(phrase) for phrase in _phrases(tr, words) if len(phrase) > 1 and _holds(typed, phrase)), default=0)


def _holds(typed: str, phrase: str) -> bool:
    """Spelled words count as a whole: there is no fee in feedback."""
    if phrase.isascii():
        return re.search(rf"\b{re.escape(phrase)}\b", typed, re.ASCII) is not None
    return phrase in typed
