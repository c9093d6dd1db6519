"""The catalogs, read from the ``.po`` files and compiled in memory when a language is first asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

NATIVE_NAMES = {"zh_CN": "简体中文", "en": "English"}
SUPPORTED = tuple(NATIVE_NAMES)
DEFAULT = "zh_CN"
_HERE = Path(__file__).parent
_guests: dict[str, Path] = {}


def lazy(msgid: str) -> str:
    """Mark a sentence for the catalogs that is translated later, when the reader is known."""
    return msgid


@contextmanager
def guests(folder: Path, *locales: str) -> Iterator[None]:
    """For a while more languages are spoken, from catalogs that lie elsewhere and may be incomplete: for tests of what
    those that we have do not show (text from right to left, several plural forms)."""
    _guests.update(dict.fromkeys(locales, folder))
    try:
        yield
    finally:
        for locale in locales:
            del _guests[locale]


def is_spoken(locale: str | None) -> bool:
    return locale in SUPPORTED or locale in _guests


def match(language_code: str | None) -> str:
    """The catalog for a language as Telegram names it (``zh-hans``, ``en-GB``): the reader's own, else the default."""
    language = (language_code or "").replace("_", "-").partition("-")[0].lower()
    return next((locale for locale in (*SUPPORTED, *_guests) if locale.partition("_")[0] == language), DEFAULT)


def native_name(locale: str) -> str:
    """A language's name in itself; an unknown one stays as written."""
    return NATIVE_NAMES.get(locale, locale)


def path(locale: str) -> Path:
    return _guests.get(locale, _HERE) / locale / "LC_MESSAGES" / "messages.po"


def read(locale: str) -> Catalog:
    with path(locale).open("rb") as file:
        return read_po(file, locale=locale)


@lru_cache(maxsize=16)
def translations(locale: str) -> Translations:
    compiled = BytesIO()
    write_mo(compiled, read(locale))
    compiled.seek(0)
    return Translations(compiled)
