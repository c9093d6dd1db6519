"""Everything that is wrong with a broadcast, found before anybody is sent anything."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.broadcasts.audience import corrected
from api.broadcasts.counting import Asked
from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import (
    LONGEST,
    MAX_CAPTION,
    MAX_FILLED,
    Body,
    InBuilding,
    InEntrance,
    InParcel,
    InPhase,
    InProject,
    Numbered,
    Operation,
    Placeholder,
    Problem,
    ProblemKind,
    ReachedBy,
    Rule,
    TouchedBy,
    parts_of,
)
from api.estate.models import Building, Parcel, Phase, Project, Unit
from api.identity.documents import normalise_agreement_number
from api.imports.models import Import
from api.messages.models import Delivery
from locales import templates

MAX_TOLD = 20
"""Numbers and places that are told; there may be more."""
_KNOWN = frozenset(placeholder.value for placeholder in Placeholder)
_LONGEST = {placeholder.value: longest for placeholder, longest in LONGEST.items()}
WORDS = frozenset(
    (
        ProblemKind.NO_BODY,
        ProblemKind.EMPTY,
        ProblemKind.UNKNOWN_PLACEHOLDER,
        ProblemKind.BROKEN_HTML,
        ProblemKind.TOO_LONG,
        ProblemKind.BAD_BUTTON,
    )
)
"""What is wrong with what it says, whoever it is for."""


async def find_problems(session: AsyncSession, asked: Asked, now: datetime, *, chats: int) -> list[Problem]:
    """What must be mended before it can be submitted, in the order in which people fill it in.

    Args:
        chats: how many get it.
    """
    of = await session.get(Broadcast, asked.of_id) if asked.of_id is not None else None
    captioned = asked.content.attachment_id is not None or (
        asked.operation is Operation.EDIT and of is not None and of.attachment_id is not None
    )
    problems = [problem async for problem in _of_the_audience(session, asked, chats)]
    if asked.operation is not Operation.DELETE:
        problems += problems_of_words(asked, captioned=captioned)
    starts_at = asked.content.starts_at
    if starts_at is not None and starts_at < now:
        problems.append(Problem(kind=ProblemKind.TIME_PASSED))
    return problems


async def _of_the_audience(session: AsyncSession, asked: Asked, chats: int) -> AsyncIterator[Problem]:
    unknown = []
    if asked.operation is Operation.SEND:
        if asked.rule is None:
            yield Problem(kind=ProblemKind.NO_AUDIENCE)
            return
        unknown = await _unknown_places(session, asked.rule)
        for found in unknown[:MAX_TOLD]:
            yield Problem(kind=ProblemKind.UNKNOWN_PLACE, found=found[:200])
    if chats == 0 and not unknown:
        too_old = asked.operation is Operation.DELETE and await _sent_anything(session, asked.of_id or 0)
        yield Problem(kind=ProblemKind.TOO_OLD if too_old else ProblemKind.NOBODY)


async def _sent_anything(session: AsyncSession, of_id: int) -> bool:
    """Then, where nobody gets the deletion, Telegram deletes none of it any more."""
    return (await session.execute(corrected(of_id).limit(1))).first() is not None


def problems_of_words(asked: Asked, *, captioned: bool) -> list[Problem]:
    """What is wrong with the bodies, each with its place.

    Args:
        captioned: the text stands below a photo or document, where Telegram shows less of it.
    """
    content = asked.content
    problems = []
    if content.fallback not in content.bodies:
        problems.append(Problem(kind=ProblemKind.NO_BODY, locale=content.fallback))
    for locale, body in sorted(content.bodies.items()):
        flaws = templates.check(
            body.text, known=_KNOWN, longest=_LONGEST, limit=MAX_CAPTION if captioned else MAX_FILLED
        )
        problems += [
            Problem(
                kind=ProblemKind(flaw.kind.value),
                locale=locale,
                line=flaw.line,
                column=flaw.column,
                found=flaw.found or None,
            )
            for flaw in flaws
        ]
        problems += [Problem(kind=ProblemKind.BAD_BUTTON, locale=locale, found=label) for label in _bad_buttons(body)]
    return problems


def _bad_buttons(body: Body) -> Iterator[str]:
    """Those that open nothing, or two things."""
    for button in body.buttons:
        if (button.target is None) == (button.url is None):
            yield button.label


async def _unknown_places(session: AsyncSession, rule: Rule) -> list[str]:
    """What the rules name and is not there: ``building 12``, or an agreement number as it is written."""
    named: dict[Any, dict[int, str]] = {}
    entrances: set[tuple[int, str]] = set()
    numbers: dict[str, str] = {}
    waiting = [rule]
    while waiting:
        part = waiting.pop()
        waiting += parts_of(part)
        match part:
            case InProject() | InParcel() | InPhase() | InBuilding():
                named.setdefault(_TABLES[part.op], {})[part.id] = f"{part.op} {part.id}"
            case InEntrance():
                named.setdefault(Building, {})[part.building_id] = f"building {part.building_id}"
                entrances.add((part.building_id, part.entrance))
            case ReachedBy(broadcast_id=broadcast_id):
                named.setdefault(Broadcast, {})[broadcast_id] = f"broadcast {broadcast_id}"
            case TouchedBy(import_id=import_id):
                named.setdefault(Import, {})[import_id] = f"import {import_id}"
            case Numbered():
                numbers |= {normalise_agreement_number(number): number for number in part.numbers}
    unknown = []
    for table, ids in named.items():
        wanted = func.unnest(literal(list(ids), ARRAY(BigInteger)), type_=BigInteger)
        found = select(table.id).where(table.id.in_(select(wanted)))
        if table is Broadcast:
            # Of one whose messages are deleted, or were never made, nobody knows whom it reached.
            found = found.where(exists().where(Delivery.broadcast_id == Broadcast.id))
        known = set(await session.scalars(found))
        unknown += [name for row_id, name in ids.items() if row_id not in known]
    for building_id, entrance in sorted(entrances):
        unit = select(Unit.id).where(Unit.building_id == building_id, Unit.entrance == entrance).limit(1)
        if f"building {building_id}" not in unknown and await session.scalar(unit) is None:
            unknown.append(f"entrance {entrance}")
    known_keys = await known_numbers(session, list(numbers))
    return unknown + [written for key, written in numbers.items() if key not in known_keys]


_TABLES: dict[str, Any] = {"project": Project, "parcel": Parcel, "phase": Phase, "building": Building}


async def known_numbers(session: AsyncSession, keys: list[str]) -> set[str]:
    """Those of the normalised numbers with which there is an agreement."""
    if not keys:
        return set()
    wanted = func.unnest(literal(keys, ARRAY(Text)), type_=Text)
    return set(await session.scalars(select(Agreement.number_key).where(Agreement.number_key.in_(select(wanted)))))
