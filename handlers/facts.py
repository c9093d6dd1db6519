"""Parts that the screens share: where a home is, which agreement it is about, since when and from whom one knows it."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from html import unescape
from itertools import groupby

from api.agreements.schemas import AgreementRef
from api.cases.schemas import AttachmentKind
from api.estate.schemas import BuildingRef, UnitKind, UnitOut
from bot.ui import shorten
from handlers import terms
from locales import Html, Translator, escaped, join, lazy

LINE = 40
"""Latin letters on a line of a small phone; Chinese characters take twice the room."""
BUTTON = 34
"""Likewise on a button over the whole width: phones cut off what is longer."""
SCREEN = 34
"""Lines after which the rest goes to the next screen."""
SHOWN_UNITS = 12
LONGEST_REMARK = 200
"""Characters shown of a roll's own words."""
_NUMERALS = "一二三四五六七八九十"
_PHASE = re.compile(f"([{_NUMERALS}])期")
SHOWN_TEXT = 700
"""Characters of a complaint's text that a screen repeats."""


def named(tr: Translator, sentence: str, name: str) -> str:
    # Rolls write "2" or "2号楼", "1801" or "1801室": what already says what it is stays as it is written.
    return tr.t(sentence, name=name) if name.isascii() else name


def phase_label(name: str, tr: Translator) -> str:
    """一期; for who does not read Chinese, Phase 1: the rolls' numeral would say nothing to them."""
    numeral = _PHASE.fullmatch(name)
    if numeral is None or tr.locale.startswith("zh"):
        return named(tr, lazy("Phase {name}"), name)
    return tr.t("Phase {name}", name=_NUMERALS.index(numeral[1]) + 1)


def building_label(building: BuildingRef, tr: Translator) -> Html:
    """A3地块 一期 2号楼"""
    return join(
        tr.p("between the parts of an address", ", "),
        [
            named(tr, lazy("Parcel {name}"), building.parcel),
            phase_label(building.phase, tr),
            named(tr, lazy("Building {name}"), building.name),
        ],
    )


def unit_label(unit: UnitOut, tr: Translator) -> Html:
    """A3地块 一期 2号楼 1单元 1801室: in full, since building numbers repeat across parcels."""
    room = {UnitKind.SHOP: lazy("Shop {name}"), UnitKind.PARKING: lazy("Space {name}")}.get(unit.kind)
    return join(
        tr.p("between the parts of an address", ", "),
        [
            named(tr, lazy("Parcel {name}"), unit.parcel),
            phase_label(unit.phase, tr),
            named(tr, lazy("Building {name}"), unit.building),
            named(tr, lazy("Entrance {name}"), unit.entrance) if unit.entrance else None,
            named(tr, room or lazy("Room {name}"), unit.room),
        ],
    )


def unit_button(unit: UnitOut, tr: Translator) -> str:
    """One home of several, as a button: the full label, or where that is too long for one line A3-一期-2-1-1801"""
    label = unescape(unit_label(unit, tr))
    if sum(1 if character.isascii() else 2 for character in label) <= BUTTON:
        return label
    return "-".join(part for part in (unit.parcel, unit.phase, unit.building, unit.entrance, unit.room) if part)


def more_units(units: list[UnitOut], tr: Translator) -> Html | None:
    """That there are more homes than a screen shows."""
    rest = len(units) - SHOWN_UNITS
    return tr.n("and {n} more home", "and {n} more homes", rest) if rest > 0 else None


def unit_lines(units: list[UnitOut], tr: Translator) -> Html:
    """The homes' labels, one on a line."""
    labels = [tr.t("🏠 <b>{home}</b>", home=unit_label(unit, tr)) for unit in units[:SHOWN_UNITS]]
    return join("\n", [*labels, more_units(units, tr)])


def agreement_line(agreement: AgreementRef, tr: Translator) -> Html:
    """安置协议 AZ-2019-00012（张*）"""
    kind = terms.name(tr, agreement.kind)
    if not agreement.holder:
        return tr.t("{kind} {number}", kind=kind, number=agreement.number)
    return tr.t("{kind} {number} ({holder})", kind=kind, number=agreement.number, holder=agreement.holder)


def agreement_button(agreement: AgreementRef, tr: Translator) -> str:
    """One agreement of several, as a button: A3-一期-2-1-1801 · AZ-2019-00012

    What tells them apart comes first: phones cut off what does not fit on one line.
    """
    if agreement.home:
        return f"{agreement.home} · {agreement.number}"
    return f"{agreement.number} {terms.name(tr, agreement.kind)}"


def source_line(source: str, as_of: date, tr: Translator) -> Html:
    """Every figure is shown with the day it was true and who said so."""
    return tr.t("<i>As of {day}. Source: {source}</i>", day=tr.date(as_of), source=source)


@dataclass(frozen=True, slots=True)
class Fact:
    """Lines that one source told on one day."""

    lines: list[str]
    source: str
    as_of: date


def add_lines(facts: list[Fact], lines: Iterable[str], source: str, as_of: date) -> None:
    """Lines go to the last fact, where that is of the same source and day; else they are one of their own."""
    if facts and (facts[-1].source, facts[-1].as_of) == (source, as_of):
        facts[-1].lines.extend(lines)
    else:
        facts.append(Fact(list(lines), source, as_of))


def told(facts: Iterable[Fact], tr: Translator) -> list[Html]:
    """The facts as paragraphs; neighbours of the same source and day become one that names them once, at its end."""
    paragraphs: list[Html] = []
    for (source, as_of), group in groupby(facts, key=lambda fact: (fact.source, fact.as_of)):
        block = join("\n\n", [join("\n", fact.lines) for fact in group])
        paragraphs.append(join("\n", [block, source_line(source, as_of, tr)]))
    return paragraphs


def shortened(words: str) -> str:
    """A roll's own words, cut where they would fill the screen."""
    return shorten(words, LONGEST_REMARK)


def day_of(moment: datetime, tr: Translator) -> str:
    """The day of a moment, as it was at the office."""
    return tr.date(moment.astimezone(tr.time_zone).date())


def how_long(days: int, tr: Translator) -> Html:
    """A number of days as people say it: nobody knows how long 1,095 days are."""
    years, rest = divmod(days, 365)
    if years and not rest:
        return tr.n("{n} year", "{n} years", years)
    return tr.n("{n} day", "{n} days", days)


def quoted(text: str, limit: int = SHOWN_TEXT) -> Html:
    """What a person wrote, set apart."""
    return Html(f"<blockquote>{escaped(shorten(text, limit))}</blockquote>")


def listed(things: Iterable[str | None], tr: Translator) -> Html:
    """Those that are there, on one line."""
    return join(tr.p("between the things of a list", ", "), things)


def enclosures(kinds: Collection[AttachmentKind], tr: Translator, *, location: bool) -> list[Html]:
    """2 photos · 1 document · a location"""
    photos = sum(kind is AttachmentKind.PHOTO for kind in kinds)
    documents = len(kinds) - photos
    things = [
        tr.n("{n} photo", "{n} photos", photos) if photos else None,
        tr.n("{n} document", "{n} documents", documents) if documents else None,
        tr.t("a location") if location else None,
    ]
    return [thing for thing in things if thing]


def screens(heading: str, paragraphs: Iterable[str]) -> list[Html]:
    """What is to be said, in pieces that fit a small phone's screen; each begins with the heading."""
    pieces: list[list[str]] = [[heading]]
    taken = 0
    for paragraph in paragraphs:
        height = 1 + sum(1 + len(line) // (LINE if line.isascii() else LINE // 2) for line in paragraph.split("\n"))
        if taken and taken + height > SCREEN:
            pieces.append([heading])
            taken = 0
        pieces[-1].append(paragraph)
        taken += height
    return [join("\n\n", piece) for piece in pieces]
