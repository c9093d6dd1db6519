"""Whether what a person gave matches what is on file.

Every comparison is in constant time and all candidates are looked at, so that the time an answer takes tells as little
as its words. A tail that is longer than asked for (some people send the whole number) must match as a whole.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.agreements.schemas import PartyRole
from api.chats.liveness import is_live_party
from api.identity.documents import (
    normalise_agreement_number,
    normalise_id_number,
    normalise_name,
    normalise_phone,
    normalise_text,
)
from api.identity.models import Person, PersonPhone
from api.identity.schemas import AgreementProof, PhoneProof
from api.privacy import Vault

PHONE_TAIL_LENGTH = 4
ID_TAIL_LENGTH = 6


@dataclass
class Finding:
    """Who was proved, and which agreements the try was aimed at, right or wrong."""

    people: set[int] = field(default_factory=set)
    aimed_at: set[int] = field(default_factory=set)


def ends_with(full: str, tail: str, at_least: int) -> bool:
    """Whether ``full`` ends with ``tail`` of at least so many characters, in time that does not depend on where they
    differ."""
    long_enough = len(tail) >= at_least
    same = hmac.compare_digest(full[-len(tail) :].encode(), tail.encode()) if tail else False
    return long_enough and same


def _spellings(value: str) -> tuple[str, str]:
    """A number as its letters and digits, and as its ASCII ones: 安字2021-0034号 ends in 034号 and in 0034."""
    kept = "".join(c for c in normalise_agreement_number(value) if c.isalnum())
    return kept, "".join(c for c in kept if c.isascii())


def number_ends_with(number: str, tail: str) -> bool:
    """Whether an agreement's number ends with the tail given, dashes and case aside."""
    found = False
    for full, given in zip(_spellings(number), _spellings(tail), strict=True):
        found |= ends_with(full, given, PHONE_TAIL_LENGTH)
    return found


def _candidates(today: date) -> Select[int, bytes, bytes | None, int, str]:
    return (
        select(Person.id, Person.name, Person.id_number, Party.agreement_id, Agreement.number)
        .join(Party, Party.person_id == Person.id)
        .join(Agreement, Agreement.id == Party.agreement_id)
        .where(is_live_party(today))
    )


class _OnFile:
    """Opens what is on file of candidates. In place of what is not, something that nothing given can match, so that
    nobody takes as long as somebody."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._decoy = secrets.token_hex(9)
        self._name = vault.seal("person.name", self._decoy)
        self._id_number = vault.seal("person.id_number", self._decoy)

    def candidates(self, rows: Sequence[Any]) -> Sequence[Any]:
        return rows or [(0, None, None, 0, self._decoy)]

    def name(self, sealed: bytes | None) -> str:
        return normalise_name(self._vault.open("person.name", self._name if sealed is None else sealed))

    def id_number(self, sealed: bytes | None) -> str:
        return self._vault.open("person.id_number", self._id_number if sealed is None else sealed)


async def find_by_phone(session: AsyncSession, vault: Vault, proof: PhoneProof, today: date) -> Finding:
    """The people with this phone whose ID number, or one of whose agreements' numbers, ends with the tail."""
    phone = normalise_phone(proof.phone.get_secret_value())
    tail = proof.tail.get_secret_value()
    rows = (
        await session.execute(
            _candidates(today)
            .join(PersonPhone, PersonPhone.person_id == Person.id)
            .where(PersonPhone.phone_index == vault.index("person.phone", phone))
        )
    ).all()
    finding = Finding(aimed_at={agreement_id for _, _, _, agreement_id, _ in rows})
    on_file = _OnFile(vault)
    for person_id, _, id_number, _, number in on_file.candidates(rows):
        matches = ends_with(on_file.id_number(id_number), normalise_id_number(tail), PHONE_TAIL_LENGTH)
        matches |= number_ends_with(number, tail)
        if matches:
            finding.people.add(person_id)
    return finding


async def find_by_agreement(session: AsyncSession, vault: Vault, proof: AgreementProof, today: date) -> Finding:
    """The holder or co-owner of this agreement with this name and this end of the ID number."""
    key = normalise_agreement_number(normalise_text(proof.agreement_number).replace("\0", ""))
    name = normalise_name(proof.name.get_secret_value()).encode()
    tail = normalise_id_number(proof.id_tail.get_secret_value())
    rows = (
        await session.execute(
            _candidates(today).where(
                Agreement.number_key == key, Party.role.in_((PartyRole.HOLDER, PartyRole.CO_OWNER))
            )
        )
    ).all()
    finding = Finding(aimed_at={agreement_id for _, _, _, agreement_id, _ in rows})
    on_file = _OnFile(vault)
    for person_id, sealed_name, id_number, _, _ in on_file.candidates(rows):
        matches = hmac.compare_digest(on_file.name(sealed_name).encode(), name)
        matches &= ends_with(on_file.id_number(id_number), tail, ID_TAIL_LENGTH)
        if matches:
            finding.people.add(person_id)
    return finding
