"""The words with which a collective case is offered to its building: they must not show whose it is.

Personal Information Protection Law, article 10. The office writes them, families of the building read them; what would
lead to the family that asked is found here, by what the roll has of it, before anybody reads it.
"""

import re
import unicodedata
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, AgreementUnit, Party
from api.cases.models import Case
from api.cases.schemas import PointsAt
from api.estate.models import Unit
from api.identity.documents import normalise_agreement_number, normalise_name, normalise_text
from api.identity.models import Person
from api.privacy import Vault

_FORMS_OF_ADDRESS = "某|家|氏|先生|女士|小姐|太太|阿姨|大爷|大妈|大娘|大叔|大哥|大姐|叔|婶|师傅|老师|老人|老汉"
# Telephone and ID numbers of whomever: eleven digits, and fifteen or more.
_NUMBERS = re.compile(r"(?<!\d)(?:(?:\+?86)?1[3-9]\d{9}|\d{15,18}[Xx]?)(?!\d)")
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|夏侯|端木"
_SHORTEST = 3
"""Digits of a room, or more characters of a number, that are looked for: fewer stand for too much else."""


async def pointing_parts(session: AsyncSession, vault: Vault, case: Case, text: str) -> list[PointsAt]:
    """What in a text would lead to the family of the case."""
    names = await session.scalars(
        select(Person.name)
        .join(Party, Party.person_id == Person.id)
        .where(Party.agreement_id == case.agreement_id)
        .order_by(Party.id)
    )
    rooms = await session.scalars(
        select(Unit.room)
        .join(AgreementUnit, AgreementUnit.unit_id == Unit.id)
        .where(AgreementUnit.agreement_id == case.agreement_id)
    )
    agreement = await session.get_one(Agreement, case.agreement_id)
    address = agreement.original_address
    found = {
        PointsAt.NAME: any(_names(vault.open("person.name", name), text) for name in names),
        PointsAt.HOME: any(_has_room(room, text) for room in rooms)
        or (address is not None and _has(vault.open("agreement.original_address", address), text)),
        PointsAt.NUMBER: bool(_NUMBERS.search(re.sub(r"(?<=\d)[\s-]+(?=\d)", "", _halfwidth(text))))
        or _has_number(agreement.number, text),
    }
    return [part for part, is_there in found.items() if is_there]


def _names(name: str, text: str) -> bool:
    """By the whole name, its given name where that has two characters, or its surname with a form of address."""
    name, text = normalise_name(name), normalise_name(text)
    return any(re.search(pattern, text) for pattern in _patterns(name))


def _patterns(name: str) -> Iterator[str]:
    if name.isascii():
        # A name of Latin letters is a word of its own.
        yield rf"(?<![a-z]){re.escape(name)}(?![a-z])"
        return
    yield re.escape(name)
    surname = name[:2] if re.match(_COMPOUND, name) and len(name) > 2 else name[:1]
    given = name[len(surname) :]
    if len(given) > 1:
        yield re.escape(given)
    yield rf"[老小]{re.escape(surname)}|{re.escape(surname)}(?:{_FORMS_OF_ADDRESS})"


def _has_room(room: str, text: str) -> bool:
    digits = max(re.findall(r"\d+", _halfwidth(room)), key=len, default="")
    if len(digits) >= _SHORTEST:
        return re.search(rf"(?<!\d){digits}(?!\d)", _halfwidth(text)) is not None
    return len(room) > 1 and _has(room, text)


def _has(part: str, text: str) -> bool:
    part = normalise_text(part).casefold()
    return len(part) > 1 and part in normalise_text(text).casefold()


def _has_number(number: str, text: str) -> bool:
    number = normalise_agreement_number(number)
    return len(number) > _SHORTEST and number in normalise_agreement_number(text)


def _halfwidth(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
