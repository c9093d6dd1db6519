"""What a button carries: typed callback data in at most 64 bytes (the Bot API's limit).

Declare what a button means; the class is the message::

    class OpenLedger(Callback, prefix="led"):
        agreement_id: int
        cursor: str = ""

    OpenLedger(7).encode()        # "led:7:"
    decode("led:7:")              # OpenLedger(agreement_id=7, cursor="")

Fields are ``int``, ``str``, ``bool``, an ``Enum`` of strings, or one of these ``| None``. Numbers are written in base
36. There is one spelling for each value: data that is not exactly what ``encode`` writes is not understood.
"""

import re
from collections.abc import Callable as Function
from dataclasses import dataclass, fields
from enum import Enum
from types import NoneType, UnionType
from typing import Any, ClassVar, Self, Union, dataclass_transform, get_args, get_origin, get_type_hints

MAX_BYTES = 64
_PREFIX = re.compile(r"[a-z][a-z0-9_]{0,9}")
_INT = re.compile(r"-?[0-9a-z]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NONE = "%"
_ESCAPES = (("%", "%25"), (":", "%3A"))


def _codec(kind: Any) -> tuple[Function[[Any], str], Function[[str], Any]]:
    if get_origin(kind) in (Union, UnionType):
        inner = [arg for arg in get_args(kind) if arg is not NoneType]
        if len(inner) != 1:
            raise TypeError(f"a button cannot carry {kind}")
        write, read = _codec(inner[0])
        return (lambda value: _NONE if value is None else write(value)), (
            lambda text: None if text == _NONE else read(text)
        )
    if kind is bool:
        return _write_bool, _read_bool
    if kind is int:
        return _write_int, _read_int
    if kind is str:
        return _write_str, _read_str
    if isinstance(kind, type) and issubclass(kind, Enum):
        return (lambda value: _write_str(value.value)), (lambda text: kind(_read_str(text)))
    raise TypeError(f"a button cannot carry {kind}")


def _write_bool(value: bool) -> str:
    return "1" if value else "0"


def _read_bool(text: str) -> bool:
    return {"0": False, "1": True}[text] if text in ("0", "1") else _refuse(text)


def _write_int(value: int) -> str:
    rest, digits = abs(value), ""
    while rest or not digits:
        rest, digit = divmod(rest, 36)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if value < 0 else digits


def _read_int(text: str) -> int:
    return int(text, 36) if _INT.fullmatch(text) else _refuse(text)


def _write_str(value: str) -> str:
    for character, escape in _ESCAPES:
        value = value.replace(character, escape)
    return value


def _read_str(text: str) -> str:
    for character, escape in reversed(_ESCAPES):
        text = text.replace(escape, character)
    return text


def _refuse(text: str) -> Any:
    raise ValueError("not what a button carries")


_known: dict[str, type["Callback"]] = {}


class TooLong(ValueError):
    """The data of a button does not fit into 64 bytes."""


@dataclass_transform(frozen_default=True)
class Callback:
    """Base of everything that a button can carry. ``prefix`` names the class on the wire and must be its own."""

    prefix: ClassVar[str | None] = None
    _codecs: ClassVar[tuple[tuple[str, Function[[Any], str], Function[[str], Any]], ...]] = ()

    def __init_subclass__(cls, *, prefix: str | None = None) -> None:
        cls.prefix = prefix
        dataclass(frozen=True)(cls)
        hints = get_type_hints(cls)
        cls._codecs = tuple((field.name, *_codec(hints[field.name])) for field in fields(cls))  # type: ignore[arg-type]
        if prefix is None:
            return
        if not _PREFIX.fullmatch(prefix):
            raise TypeError(f"{cls.__name__}: a prefix is up to ten of a-z, 0-9 and _, a letter first")
        known = _known.setdefault(prefix, cls)
        if known is not cls and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.__name__}: the prefix {prefix!r} is {known.__name__}'s")
        _known[prefix] = cls

    def encode(self) -> str:
        """The data for a button.

        Raises:
            TooLong: more than 64 bytes.
        """
        if self.prefix is None:
            raise TypeError(f"{type(self).__name__} has no prefix")
        data = ":".join([self.prefix, *(write(getattr(self, name)) for name, write, _ in self._codecs)])
        if len(data.encode()) > MAX_BYTES:
            raise TooLong(f"{type(self).__name__} needs {len(data.encode())} bytes; a button carries {MAX_BYTES}")
        return data

    @classmethod
    def _read(cls, parts: list[str]) -> Self:
        return cls(*(read(part) for (_, _, read), part in zip(cls._codecs, parts, strict=True)))


class DialogCallback(Callback):
    """A button of a conversation: bears the id of the dialog it was made for (always the first field), so that one
    left over from an earlier conversation is recognised."""

    dialog: str


def known_callbacks() -> list[type[Callback]]:
    """Every kind that a button can carry, as far as its module is imported."""
    return list(_known.values())


def decode(data: str | None) -> Callback | None:
    """What a button carries; None for data that is malformed or of no known kind. Never raises."""
    if not data:
        return None
    prefix, *parts = data.split(":")
    kind = _known.get(prefix)
    if kind is None:
        return None
    try:
        callback = kind._read(parts)
        return callback if callback.encode() == data else None
    except ValueError:
        return None
