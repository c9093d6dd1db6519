"""People and their part in agreements: found by blind index, sealed, never kept twice."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select

from api.agreements.models import Party
from api.agreements.schemas import OWNER_ROLES, PartyRole
from api.identity.documents import normalise_name
from api.identity.models import Person, PersonPhone
from api.imports.loading.bulk import Bulk, within
from api.imports.records import AgreementRecord, Owner
from api.imports.report import RollReport
from api.privacy import Vault

_people: Table = Person.__table__  # type: ignore[assignment]
_phones: Table = PersonPhone.__table__  # type: ignore[assignment]
_parties: Table = Party.__table__  # type: ignore[assignment]
_INDEX_BYTES = 32


@dataclass(slots=True)
class Identified:
    """An owner as a row tells it, with the blind indexes by which it is found."""

    owner: Owner
    name_index: bytes
    id_index: bytes | None
    roll_key_index: bytes
    phones: dict[bytes, str]
    """Blind index → number, normalised."""


@dataclass(slots=True)
class Known:
    """A person, stored or about to be. ``id`` is none until inserted."""

    id: int | None
    name_index: bytes
    id_index: bytes | None
    roll_key_index: bytes | None
    new_name: str | None = None
    new_id_number: str | None = None


@dataclass(slots=True)
class Resolved:
    """Who the owners of all agreements are, and what stands about them in the database."""

    owners: dict[str, list[tuple[Identified, Known]]] = field(default_factory=dict)
    """By agreement number."""
    parties: dict[int, dict[int, Any]] = field(default_factory=dict)
    """Stored parties by agreement and person."""


def identify(records: Iterable[AgreementRecord], vault: Vault) -> dict[str, list[Identified]]:
    """The owners with their blind indexes, by agreement number. Busy with the processor: run it in a thread."""
    found = {}
    for record in records:
        owners = []
        for owner in record.owners:
            name = normalise_name(owner.name)
            owners.append(
                Identified(
                    owner,
                    vault.index("person.name", name),
                    vault.index("person.id_number", owner.id_number) if owner.id_number else None,
                    vault.index("person.roll_key", f"{record.number_key}\0{name}"),
                    {vault.index("person.phone", phone): phone for phone in owner.phones},
                )
            )
        found[record.number_key] = owners
    return found


async def resolve(
    bulk: Bulk,
    records: list[AgreementRecord],
    identified: dict[str, list[Identified]],
    agreement_ids: dict[str, int],
) -> Resolved:
    """Tell who is who. The same ID number under two names is an error at the rows."""
    everyone = [person for record in records for person in identified[record.number_key]]
    _refuse_two_names(everyone)
    resolved = Resolved()
    stored_ids = [agreement_ids[r.number_key] for r in records if r.number_key in agreement_ids]
    by_id, by_roll_key, by_key = await _stored_people(bulk, everyone)
    names_in: dict[int, dict[bytes, int]] = defaultdict(dict)
    for party in await bulk.rows(
        select(_parties, _people.c.name_index, _people.c.id_number_index, _people.c.roll_key_index)
        .join(_people, _people.c.id == _parties.c.person_id)
        .where(within(_parties.c.agreement_id, stored_ids))
    ):
        resolved.parties.setdefault(party.agreement_id, {})[party.person_id] = party
        names_in[party.agreement_id][party.name_index] = party.person_id
        by_key.setdefault(
            party.person_id, Known(party.person_id, party.name_index, party.id_number_index, party.roll_key_index)
        )
    for record in records:
        same_names = names_in.get(agreement_ids.get(record.number_key, 0), {})
        owners = resolved.owners[record.number_key] = []
        for person in identified[record.number_key]:
            known = _find(person, by_id, by_roll_key, by_key, same_names)
            if known is None:
                known = Known(
                    None, person.name_index, person.id_index, None if person.id_index else person.roll_key_index
                )
                known.new_name, known.new_id_number = person.owner.name, person.owner.id_number
                if known.roll_key_index:
                    by_roll_key[known.roll_key_index] = known
            elif person.id_index and known.id_index is None:
                # The roll has learnt the ID number of somebody known by agreement and name until now.
                known.id_index, known.new_id_number = person.id_index, person.owner.id_number
            if person.id_index:
                by_id[person.id_index] = known
            owners.append((person, known))
    await _rename(bulk, resolved, {record.number_key for record in records}, agreement_ids)
    return resolved


def _refuse_two_names(everyone: list[Identified]) -> None:
    names: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for person in everyone:
        if person.id_index:
            names[person.id_index].add(person.name_index)
    for person in everyone:
        if person.id_index and len(names[person.id_index]) > 1:
            person.owner.row.fail("id_number", "每个人自己的证件号码（本表里这个号码写了不同的姓名）")


async def _stored_people(
    bulk: Bulk, everyone: list[Identified]
) -> tuple[dict[bytes, Known], dict[bytes, Known], dict[int, Known]]:
    by_id: dict[bytes, Known] = {}
    by_roll_key: dict[bytes, Known] = {}
    by_key: dict[int, Known] = {}
    columns = (_people.c.id, _people.c.name_index, _people.c.id_number_index, _people.c.roll_key_index)
    for condition in (
        within(_people.c.id_number_index, {p.id_index for p in everyone if p.id_index}),
        within(_people.c.roll_key_index, {p.roll_key_index for p in everyone}),
    ):
        for row in await bulk.rows(select(*columns).where(condition)):
            known = by_key.setdefault(row[0], Known(*row))
            if known.id_index:
                by_id[known.id_index] = known
            if known.roll_key_index:
                by_roll_key[known.roll_key_index] = known
    return by_id, by_roll_key, by_key


def _find(
    person: Identified,
    by_id: dict[bytes, Known],
    by_roll_key: dict[bytes, Known],
    by_key: dict[int, Known],
    same_names: dict[bytes, int],
) -> Known | None:
    if person.id_index and (known := by_id.get(person.id_index)):
        return known
    known = by_roll_key.get(person.roll_key_index)
    if known is None and (person_id := same_names.get(person.name_index)):
        known = by_key[person_id]
    if known and person.id_index and known.id_index not in (None, person.id_index):
        return None  # another person of the same name, or an ID number that was corrected
    return known


async def _rename(bulk: Bulk, resolved: Resolved, in_roll: set[str], agreement_ids: dict[str, int]) -> None:
    """A name may be corrected where the roll holds all of the person's agreements; elsewhere two rolls disagree."""
    renamed = [
        (person, known)
        for owners in resolved.owners.values()
        for person, known in owners
        if known.id is not None and person.name_index != known.name_index
    ]
    if not renamed:
        return
    ours = {agreement_ids[key] for key in in_roll if key in agreement_ids}
    elsewhere = {
        party.person_id
        for party in await bulk.rows(
            select(_parties.c.person_id, _parties.c.agreement_id).where(
                within(_parties.c.person_id, {known.id for _, known in renamed})
            )
        )
        if party.agreement_id not in ours
    }
    for person, known in renamed:
        if known.id in elsewhere:
            person.owner.row.fail("name", "与其他台账里同一证件号码一致的姓名")
        else:
            known.name_index, known.new_name = person.name_index, person.owner.name


async def settle_people(
    bulk: Bulk,
    vault: Vault,
    records: list[AgreementRecord],
    resolved: Resolved,
    agreement_ids: dict[str, int],
    report: RollReport,
) -> None:
    """Write people, parties and phones. What becomes of links to them is settled after all rolls
    (``api.chats.roll_changes``)."""
    everyone = {id(known): known for r in records for _, known in resolved.owners[r.number_key]}
    await _write_people(bulk, vault, list(everyone.values()), report)
    tally = report.facts["parties"]
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    gone: list[tuple[int, int]] = []
    touched: set[int] = set()
    digits: dict[bytes, str] = {}
    for record in records:
        agreement_id = agreement_ids[record.number_key]
        stored = resolved.parties.get(agreement_id, {})
        wanted: dict[int, tuple[PartyRole, int, bytes]] = {}
        for person, known in resolved.owners[record.number_key]:
            assert known.id is not None  # noqa: S101 - inserted above
            position = len(wanted)
            role = PartyRole.CO_OWNER if position else PartyRole.HOLDER
            digits |= person.phones
            wanted.setdefault(known.id, (role, position, b"".join(sorted(person.phones))))
        for person_id, (role, position, phones) in wanted.items():
            party = stored.get(person_id)
            if party is None:
                new.append((agreement_id, person_id, role, position, phones))
                touched.add(person_id)
                continue
            phones = phones if record.states_phones else party.phone_indexes
            as_stored = (party.role, party.position, party.phone_indexes)
            if (role, position, phones) == as_stored and party.valid_until is None:
                tally.unchanged += 1
                continue
            tally.changed += 1
            # What an owner has does not end with the authority that they had as a proxy.
            changed.append((agreement_id, person_id, role, position, phones, None))
            if phones != party.phone_indexes:
                touched.add(person_id)
                report.example(f"{record.number}：联系电话有变化")
        for person_id, party in stored.items():
            if person_id not in wanted and party.role in OWNER_ROLES:
                gone.append((agreement_id, person_id))
                touched.add(person_id)
                report.example(f"{record.number}：有一位权利人不在台账上了")
    tally.added += len(new)
    tally.changed += len(gone)
    columns = ("agreement_id", "person_id", "role", "position", "phone_indexes")
    ids = await bulk.ids(_parties, len(new))
    await bulk.insert(_parties, ("id", *columns), [(i, *row) for i, row in zip(ids, new, strict=True)])
    await bulk.update(_parties, columns[:2], (*columns[2:], "valid_until"), changed)
    await bulk.delete(_parties, columns[:2], gone)
    await _settle_phones(bulk, vault, touched, digits, report)
    await _forget(bulk, gone)


async def _write_people(bulk: Bulk, vault: Vault, everyone: list[Known], report: RollReport) -> None:
    tally = report.facts["people"]
    new = [known for known in everyone if known.id is None]
    columns = ("name", "name_index", "id_number", "id_number_index", "roll_key_index")
    for known, id_ in zip(new, await bulk.ids(_people, len(new)), strict=True):
        known.id = id_
    fresh = {id(known) for known in new}
    old = [known for known in everyone if id(known) not in fresh]
    renamed = [known for known in old if known.new_name is not None]
    numbered = [known for known in old if known.new_id_number is not None]

    def name(known: Known) -> tuple[bytes, bytes]:
        return vault.seal("person.name", known.new_name or ""), known.name_index

    def number(known: Known) -> tuple[bytes | None, bytes | None]:
        sealed = vault.seal("person.id_number", known.new_id_number) if known.new_id_number else None
        return sealed, known.id_index

    def sealed() -> list[tuple[Any, ...]]:
        return [(known.id, *name(known), *number(known), known.roll_key_index) for known in new]

    await bulk.insert(_people, ("id", *columns), await asyncio.to_thread(sealed))
    await bulk.update(_people, ("id",), columns[:2], [(known.id, *name(known)) for known in renamed])
    await bulk.update(_people, ("id",), columns[2:4], [(known.id, *number(known)) for known in numbered])
    changed = {id(known) for known in [*renamed, *numbered]}
    tally.added += len(new)
    tally.changed += len(changed)
    tally.unchanged += len(old) - len(changed)


async def _settle_phones(
    bulk: Bulk, vault: Vault, person_ids: set[int], digits: dict[bytes, str], report: RollReport
) -> None:
    """A person has the phones that the rolls of all their agreements give, and no other."""
    wanted: defaultdict[int, set[bytes]] = defaultdict(set)
    for person_id, indexes in await bulk.rows(
        select(_parties.c.person_id, _parties.c.phone_indexes).where(within(_parties.c.person_id, person_ids))
    ):
        wanted[person_id] |= {indexes[i : i + _INDEX_BYTES] for i in range(0, len(indexes), _INDEX_BYTES)}
    stored: defaultdict[int, set[bytes]] = defaultdict(set)
    for person_id, index in await bulk.rows(
        select(_phones.c.person_id, _phones.c.phone_index).where(within(_phones.c.person_id, person_ids))
    ):
        stored[person_id].add(index)

    def sealed() -> list[tuple[int, bytes, bytes]]:
        return [
            (person_id, vault.seal("person.phone", digits[index]), index)
            for person_id in person_ids
            for index in wanted[person_id] - stored[person_id]
            if index in digits
        ]

    new = await asyncio.to_thread(sealed)
    gone = [(person_id, index) for person_id in person_ids for index in stored[person_id] - wanted[person_id]]
    ids = await bulk.ids(_phones, len(new))
    await bulk.insert(
        _phones,
        ("id", "person_id", "phone", "phone_index"),
        [(i, *row) for i, row in zip(ids, new, strict=True)],
    )
    await bulk.delete(_phones, ("person_id", "phone_index"), gone)
    report.facts["phones"].added += len(new)
    report.facts["phones"].changed += len(gone)


async def _forget(bulk: Bulk, gone: list[tuple[int, int]]) -> None:
    """Drop people who are left with nothing. Who may come back to a link, be it by a later roll, is kept."""
    if not gone:
        return
    people = [person_id for _, person_id in gone]
    left_with_nothing = (
        "NOT EXISTS (SELECT FROM parties WHERE parties.person_id = people.id) "
        "AND NOT EXISTS (SELECT FROM links WHERE links.person_id = people.id) "
        "AND NOT EXISTS (SELECT FROM link_codes WHERE people.id = ANY(owner_ids) AND used_at IS NOT NULL)"
    )
    await bulk.execute(
        "DELETE FROM person_phones USING people WHERE people.id = person_phones.person_id "  # noqa: S608 - all of it stands here
        f"AND people.id = ANY($1::bigint[]) AND {left_with_nothing}",
        people,
    )
    await bulk.execute(
        f"DELETE FROM people WHERE id = ANY($1::bigint[]) AND {left_with_nothing}",  # noqa: S608 - all of it stands here
        people,
    )
