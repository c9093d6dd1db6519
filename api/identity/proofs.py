"""Whether what a person gave matches what is on file.

Every comparison is in constant time and all candidates are looked at, so that the time an answer takes tells as little
as its words. In place of what is not on file stands something else that is: the same statement finds it, it is opened
and compared, and cannot match. A tail that is longer than asked for (some people send the whole number) must match as a
whole.
"""

import hmac
import secrets
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Float, Select, bindparam, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.agreements.schemas import OWNER_ROLES
from api.chats.access import TODAY
from api.chats.liveness import is_live_party
from api.identity.documents import (
    as_digits,
    normalise_agreement_number,
    normalise_id_number,
    normalise_name,
    normalise_text,
    shared_phone,
)
from api.identity.models import Person, PersonPhone
from api.identity.schemas import AgreementProof, PhoneProof
from api.lookups import LookUp
from api.privacy import Vault

PHONE_TAIL_LENGTH = 4
ID_TAIL_LENGTH = 6
ALWAYS_OPENED = 4
"""As many candidates are opened and compared at least, whether there are any: few agreements have more holders."""


def ends_with(full: str, tail: str, at_least: int) -> bool:
    """Whether ``full`` ends with ``tail`` of at least so many characters, in time that does not depend on where they
    differ."""
    long_enough = len(tail) >= at_least
    same = hmac.compare_digest(full[-len(tail) :].encode(), tail.encode()) if tail else False
    return long_enough and same


def _spellings(value: str) -> tuple[str, str]:
    """A number as its letters and digits, and as its ASCII ones: 安字2021-0034号 ends in 034号 and in 0034."""
    kept = "".join(c for c in as_digits(normalise_agreement_number(value)) if c.isalnum())
    return kept, "".join(c for c in kept if c.isascii())


def id_number_ends_with(id_number: str, tail: str, at_least: int) -> bool:
    """Whether an ID number ends with the tail given, whatever stands between its characters: 0 1 7-x."""
    full, given = (
        "".join(c for c in as_digits(normalise_id_number(value)) if c.isalnum()) for value in (id_number, tail)
    )
    return ends_with(full, given, at_least)


def number_ends_with(number: str, tail: str) -> bool:
    """Whether an agreement's number ends with the tail given, dashes and case aside."""
    found = False
    for full, given in zip(_spellings(number), _spellings(tail), strict=True):
        found |= ends_with(full, given, PHONE_TAIL_LENGTH)
    return found


def phone_index(vault: Vault, proof: PhoneProof) -> bytes:
    return vault.index("person.phone", shared_phone(proof.phone.get_secret_value()))


def number_key(proof: AgreementProof) -> str:
    """The number given, as agreements are found by it."""
    return normalise_agreement_number(normalise_text(proof.agreement_number).replace("\0", ""))


def number_index(vault: Vault, key: str) -> bytes:
    """By which wrong tries at a number are counted, whether there is such an agreement or not."""
    return vault.index("verification.number", key)


# --- the people on file ---


def _aimed(column: Any) -> Any:
    """What was given, where it is on file, and a stand-in that is. Both are looked up, whichever is needed.

    The stand-in is from anywhere in the table: one for all would lie in the cache when what is asked for does not.
    """
    table = column.class_
    known = select(column).where(column == bindparam("given", None, type_=column.type)).limit(1).scalar_subquery()
    place = cast(func.max(table.id) * bindparam("place", None, type_=Float), BigInteger)
    stand_in = (
        select(column).where(table.id >= select(place).scalar_subquery()).order_by(table.id).limit(1).scalar_subquery()
    )
    return select(known.label("known"), stand_in.label("stand_in")).cte("aimed").prefix_with("MATERIALIZED")


def _candidates(column: Any, *more: Any) -> Select[*tuple[Any, ...]]:
    """People who are live parties of agreements, by what was given; with whether that is on file."""
    aimed = _aimed(column)
    found = (
        select(Person.id, Person.name, Person.id_number, Agreement.number, aimed.c.known.is_not(None).label("known"))
        .select_from(Person)
        .join(Party, Party.person_id == Person.id)
        .join(Agreement, Agreement.id == Party.agreement_id)
        .where(is_live_party(TODAY), *more)
    )
    if column.class_ is PersonPhone:
        found = found.join(PersonPhone, PersonPhone.person_id == Person.id)
    return found.join(aimed, column == func.coalesce(aimed.c.known, aimed.c.stand_in))


_BY_PHONE = LookUp(_candidates(PersonPhone.phone_index))
_BY_NUMBER = LookUp(_candidates(Agreement.number_key, Party.role.in_(OWNER_ROLES)))


def _place(index: bytes) -> float:
    """Of the stand-in: the same whenever the same is given, as it is with what is on file."""
    return int.from_bytes(index[:6]) / 2**48


class _OnFile:
    """Opens what is on file of candidates. In place of what is not, something that nothing given can match."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._decoy = secrets.token_hex(9)
        self._name = vault.seal("person.name", self._decoy)
        self._id_number = vault.seal("person.id_number", self._decoy)

    def candidates(self, rows: Sequence[Any]) -> Iterator[tuple[int, str, str, str, bool]]:
        """Person, name, ID number, agreement's number, and whether they are on file under what was given."""
        decoy = (0, None, None, self._decoy, False)
        for person_id, name, id_number, number, known in [*rows, *[decoy] * (ALWAYS_OPENED - len(rows))]:
            yield (
                person_id,
                normalise_name(self._vault.open("person.name", self._name if name is None else name)),
                self._vault.open("person.id_number", self._id_number if id_number is None else id_number),
                number,
                known,
            )


async def find_by_phone(session: AsyncSession, vault: Vault, proof: PhoneProof, today: date) -> set[int]:
    """The people with this phone whose ID number, or one of whose agreements' numbers, ends with the tail."""
    tail = proof.tail.get_secret_value()
    given = phone_index(vault, proof)
    rows = await _BY_PHONE.in_transaction(session, given=given, place=_place(given), today=today)
    found = set()
    for person_id, _, id_number, number, known in _OnFile(vault).candidates(rows):
        matches = id_number_ends_with(id_number, tail, PHONE_TAIL_LENGTH)
        matches |= number_ends_with(number, tail)
        if matches & known:
            found.add(person_id)
    return found


async def find_by_agreement(session: AsyncSession, vault: Vault, proof: AgreementProof, today: date) -> set[int]:
    """The holders or co-owners of this agreement with this name and this end of the ID number."""
    name = normalise_name(proof.name.get_secret_value()).encode()
    tail = proof.id_tail.get_secret_value()
    key = number_key(proof)
    place = _place(number_index(vault, key))
    rows = await _BY_NUMBER.in_transaction(session, given=key, place=place, today=today)
    found = set()
    for person_id, on_file, id_number, _, known in _OnFile(vault).candidates(rows):
        matches = hmac.compare_digest(on_file.encode(), name)
        matches &= id_number_ends_with(id_number, tail, ID_TAIL_LENGTH)
        if matches & known:
            found.add(person_id)
    return found
