"""The words of shanglou: what is said, in which language, and how dates, money and numbers are written.

In code the English sentence itself is the key, written as a literal where it is said::

    tr = translator("zh_CN")
    tr.t("As of {day}. Source: {source}", day=tr.date(day), source=row.source)   # message text (Telegram HTML)
    tr.plain("Back")                                                             # buttons, command menu, pop-ups
    tr.n("{n} file", "{n} files", count)                                         # {n} is filled in, formatted
    tr.p("building stage", "Started")                                            # one English word, several meanings

``t``, ``n`` and ``p`` escape what is filled in, unless it is already ``Html`` (what they return is). A sentence kept
in a table until the reader is known is marked ``lazy("…")`` and translated later with ``t`` or ``plain``.

``python -m locales.update`` brings new sentences into the catalogs, ``python -m locales.check`` (part of
``make check``) tells what is still missing.
"""

from locales.catalogs import DEFAULT, SUPPORTED, guests, is_spoken, lazy, match, native_name
from locales.formats import is_right_to_left
from locales.text import Html, escaped, isolated, join
from locales.translator import Translator, translator

__all__ = [
    "DEFAULT",
    "SUPPORTED",
    "Html",
    "Translator",
    "escaped",
    "guests",
    "is_right_to_left",
    "is_spoken",
    "isolated",
    "join",
    "lazy",
    "match",
    "native_name",
    "translator",
]
