"""The words with which a collective case is offered to its building: they must not show whose it is.

Personal Information Protection Law, article 10. The office writes them, families of the building read them; what would
lead to the families that asked is found here, by what the roll has of them, before anybody reads it. What is found is
never told in an error, only of which sort it is.
"""

import re
import unicodedata
from collections.abc import Iterator

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, AgreementUnit, Party
from api.cases.models import Case
from api.cases.schemas import PointsAt
from api.estate.models import Unit
from api.identity.documents import normalise_name
from api.identity.models import Person
from api.privacy import Vault

_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|夏侯|端木"
_WORDLIKE = frozenset("区楼时方管全高于家水电公安金石和平白黄万常成国任向包房门路年东西南北单明温")
"""Surnames that are a part of many words: with 家 or 老 they name nobody."""
_POLITE = "先生|女士|小姐|太太|阿姨|大爷|大妈|大娘|大叔|大伯|伯伯|奶奶|爷爷|师傅|老师|同志|医生|书记|经理|主任"
_FAMILIAR = "家(?![园庭具电长])|氏|叔|婶|哥|姐|嫂|总|工|老人|老汉"
_KIN = "家(?![园庭具电长])|他|她|哥|姐|弟|妹|叔|姨|嫂|夫妻|夫妇|老人|" + _POLITE
_HIDDEN = "[某*×xX○]"
_TITLES = "mr|mrs|ms|miss|dr"

_PHONE = re.compile(r"1[3-9]\d{9}|(?<!\d)0\d{2,3}\d{7,8}(?!\d)")
_ID_NUMBER = re.compile(r"\d{15}")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s.·/\-–—]+(?=\d)")
_NUMERALS = str.maketrans("〇零一二三四五六七八九幺", "001234567891")
_ROOM = re.compile(r"(?<!\d)\d{3,4}\s*(?:室|号房)")
"""A home of whomever."""
_COUNTED = r"\s*[多余来]?\s*(?:[户人元天年月日米平块个次家万千百度%.]|号楼)"


async def pointing_parts(session: AsyncSession, vault: Vault, case: Case, text: str) -> list[PointsAt]:
    """What in a text would lead to the family of the case, or to one that is answered with it."""
    together = select(Case.agreement_id).where(or_(Case.id == case.id, Case.master_id == case.id))
    names = await session.scalars(
        select(Person.name).join(Party, Party.person_id == Person.id).where(Party.agreement_id.in_(together))
    )
    rooms = await session.scalars(
        select(Unit.room)
        .join(AgreementUnit, AgreementUnit.unit_id == Unit.id)
        .where(AgreementUnit.agreement_id.in_(together))
    )
    agreements = list(await session.scalars(select(Agreement).where(Agreement.id.in_(together))))
    addresses = [
        vault.open("agreement.original_address", agreement.original_address)
        for agreement in agreements
        if agreement.original_address is not None
    ]
    text = unicodedata.normalize("NFKC", text)
    found = {
        PointsAt.NAME: any(names_person(vault.open("person.name", name), text) for name in names),
        PointsAt.HOME: bool(_ROOM.search(text.translate(_NUMERALS)))
        or any(names_room(room, text) for room in rooms)
        or any(names_address(address, text) for address in addresses),
        PointsAt.NUMBER: holds_number(text) or any(names_agreement(one.number, text) for one in agreements),
    }
    return [part for part, is_there in found.items() if is_there]


# --- names ---


def names_person(name: str, text: str) -> bool:
    """By the whole name, however it is spaced or starred, by the given name of somebody, or by the surname with a form
    of address."""
    if name.isascii():
        return _names_latin(re.findall(r"[a-z]+", name.casefold()), text.casefold())
    name = normalise_name(name)
    bare = re.sub(r"[\W_]", "", text)
    return name in bare or any(re.search(pattern, text) for pattern in _patterns(name))


def _patterns(name: str) -> Iterator[str]:
    surname = name[:2] if re.match(_COMPOUND, name) and len(name) > 2 else name[:1]
    given = name[len(surname) :]
    yield f"{surname}(?:{_POLITE})|姓{surname}|{surname}{_HIDDEN}+"
    if surname not in _WORDLIKE:
        yield f"[老小]{surname}|{surname}(?:{_FAMILIAR})"
    if len(given) > 1:
        yield f"{re.escape(given)}(?:{_KIN})"


def _names_latin(parts: list[str], text: str) -> bool:
    parts = [part for part in parts if len(part) > 1]
    words = {*re.findall(r"[a-z]+", text)}
    titled = re.search(rf"\b(?:{_TITLES})\.?\s+(?:{'|'.join(parts)})\b", text) if parts else None
    return bool(parts) and ({*parts} <= words or titled is not None)


# --- homes ---


def names_room(room: str, text: str) -> bool:
    """By its number, also with the floor apart and in Chinese numerals; not where that counts something."""
    digits = max(re.findall(r"\d+", unicodedata.normalize("NFKC", room)), key=len, default="")
    spoken = text.translate(_NUMERALS)
    if len(digits) < 3:
        # So few stand for too much else.
        return bool(digits) and re.search(rf"(?<!\d){digits}\s*(?:室|号房)", spoken) is not None
    floor, flat = digits[:-2], digits[-2:]
    return any(
        re.search(pattern, spoken)
        for pattern in (
            rf"(?<![\d打拨]){digits}(?!\d|{_COUNTED})",
            rf"(?<!\d){floor}\s*(?:楼|层|[-–—])\s*{flat}(?!\d)",
        )
    )


def names_address(address: str, text: str) -> bool:
    """By its road and the number there: what comes after that is told in many ways."""
    bare = re.sub(r"\s", "", unicodedata.normalize("NFKC", address))
    place = re.match(r".*?\d+号", bare)
    wanted = place[0] if place else bare
    return len(wanted) > 1 and wanted in re.sub(r"\s", "", text)


# --- numbers ---


def holds_number(text: str) -> bool:
    """A telephone's or an ID card's, whosever it is and however it is spaced."""
    glued = _BETWEEN_DIGITS.sub("", text)
    return bool(_PHONE.search(glued) or _ID_NUMBER.search(glued))


def names_agreement(number: str, text: str) -> bool:
    """By its letters and digits, by its digits, or by the end of it beside the word."""
    written, given = (re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", one)).upper() for one in (number, text))
    digits = re.sub(r"\D", "", written)
    end = max(re.findall(r"\d{4,}", number)[-1:], default="")
    return (
        (len(written) > 3 and written in given)
        or (len(digits) > 5 and digits in given)
        or (bool(end) and re.search(rf"(?<!\d){end}\s*号?的?协议|协议\D{{0,6}}{end}(?!\d)", text) is not None)
    )
