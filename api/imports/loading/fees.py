"""Loads 过渡费发放表: periods of transition fees that were paid or are still unpaid."""

import asyncio
from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import Table, select

from api.agreements.models import Agreement, Party
from api.agreements.schemas import AgreementKind
from api.identity.models import Person
from api.imports.fee_rows import keyed
from api.imports.loading.agreements import LEDGER, TRANSITION_FEES
from api.imports.loading.bulk import Bulk, within
from api.imports.loading.facts import Key, Saying, settle
from api.imports.loading.news import of_payments
from api.imports.loading.words import months
from api.imports.models import Import
from api.imports.records import FeeRecord
from api.imports.report import RollReport
from api.imports.rolls import Roll
from api.money.schemas import LedgerKind
from api.privacy import Vault

_agreements: Table = Agreement.__table__  # type: ignore[assignment]
_parties: Table = Party.__table__  # type: ignore[assignment]
_people: Table = Person.__table__  # type: ignore[assignment]


async def load_fees(
    bulk: Bulk,
    vault: Vault,
    roll: Roll,
    project_id: int,
    rejected: set[str],
    report: RollReport,
    *,
    last_load: date | None = None,
) -> None:
    """Compare with what is stored and write what differs.

    Args:
        rejected: agreements that are not on file only because their own roll, loaded just before, has errors there.
        last_load: how the last roll of this kind was dated.
    """
    agreement_ids: dict[str, int] = {}
    keys = list({record.number_key for record in roll.fees})
    for id_, number_key, kind in await bulk.rows(
        select(_agreements.c.id, _agreements.c.number_key, _agreements.c.kind).where(
            _agreements.c.project_id == project_id, within(_agreements.c.number_key, keys)
        )
    ):
        if kind is AgreementKind.RELOCATION:
            agreement_ids[number_key] = id_
    for record in roll.fees:
        if record.number_key in agreement_ids:
            continue
        if record.number_key in rejected:
            record.row.fail("agreement_number", "已载入的协议（这份协议在安置台账里有错，没有载入）")
        else:
            record.row.fail("agreement_number", "安置台账里有的协议编号")
    await _check_people(bulk, vault, [r for r in roll.fees if not r.row.failed], agreement_ids)
    good = [record for record in roll.fees if not record.row.failed]
    ids = list({agreement_ids[record.number_key] for record in good})
    sourcing: dict[str, Any] = {"source": report.source, "as_of": report.as_of, "report": report}
    ledger: dict[Key, Saying] = {
        (agreement_ids[number_key], roll_key): Saying(
            record.entry,
            f"{record.number} {months(record.entry.get('period_start'), record.entry.get('period_end'))}".strip(),
        )
        for (number_key, roll_key), record in keyed(good).items()
    }
    if not roll.errors and await _is_new_version(bulk, roll, report):
        withdrawn = await _stated_by(bulk, project_id, report)
        ids = list({*ids, *(agreement_id for agreement_id, _ in withdrawn)})
        ledger = {key: Saying(None, number) for key, number in withdrawn.items() if key not in ledger} | ledger
    stored = await LEDGER.stored(bulk, vault, "agreement_id", ids)
    await settle(bulk, vault, LEDGER, stored, ledger, news=of_payments(stored, last_load), **sourcing)
    await _settle_next_payments(bulk, vault, good, agreement_ids, sourcing)


async def _is_new_version(bulk: Bulk, roll: Roll, report: RollReport) -> bool:
    """Whether this file, and no other, was loaded before as the roll of this name and day: then what it says no more
    (a period that was mistyped) is withdrawn. Other rolls only add: each may hold one batch of payments."""
    loaded_before = select(Import.filename).distinct()
    same_roll = (Import.kind == roll.kind, Import.source == report.source, Import.as_of == report.as_of)
    return {row[0] for row in await bulk.rows(loaded_before.where(*same_roll))} == {roll.path.name}


async def _stated_by(bulk: Bulk, project_id: int, report: RollReport) -> dict[tuple[int, str], str]:
    """Keys of the fee entries that the roll of this name and day stated last, with their agreements' numbers."""
    ledger = LEDGER.table.c
    rows = await bulk.rows(
        select(ledger.agreement_id, ledger.roll_key, _agreements.c.number)
        .join(_agreements, _agreements.c.id == ledger.agreement_id)
        .where(
            _agreements.c.project_id == project_id,
            ledger.kind == LedgerKind.TRANSITION_FEE,
            ledger.source == report.source,
            ledger.as_of == report.as_of,
        )
    )
    return {(agreement_id, roll_key): number for agreement_id, roll_key, number in rows}


async def _settle_next_payments(
    bulk: Bulk, vault: Vault, records: list[FeeRecord], agreement_ids: dict[str, int], sourcing: dict[str, Any]
) -> None:
    """The next date of payment joins the rate that the other roll tells; that one's date and source stay."""
    told = {agreement_ids[r.number_key]: r for r in records if r.next_payment_on is not None}
    if not told:
        return
    stored = await TRANSITION_FEES.stored(bulk, vault, "agreement_id", list(told))
    report: RollReport = sourcing["report"]
    tally = report.facts["transition_fees"]
    new: dict[Key, Saying] = {}
    changed = []
    for agreement_id, record in told.items():
        old = stored.get((agreement_id,))
        if old is None:
            new[(agreement_id,)] = Saying({"next_payment_on": record.next_payment_on}, record.number)
        elif old["next_payment_on"] == record.next_payment_on:
            tally.unchanged += 1
        elif report.as_of < old["as_of"]:
            tally.older += 1
        else:
            tally.changed += 1
            changed.append((agreement_id, record.next_payment_on))
            report.example(
                f"{record.number}：下次发放日期 {old['next_payment_on'] or '（空）'} → {record.next_payment_on}"
            )
    await bulk.update(TRANSITION_FEES.table, TRANSITION_FEES.key, ("next_payment_on",), changed)
    await settle(bulk, vault, TRANSITION_FEES, stored, new, **sourcing)


async def _check_people(bulk: Bulk, vault: Vault, records: list[FeeRecord], agreement_ids: dict[str, int]) -> None:
    """A row that names somebody must name a party of the agreement: else the number was mistyped."""
    names: defaultdict[int, set[bytes]] = defaultdict(set)
    numbers: defaultdict[int, set[bytes]] = defaultdict(set)
    wanted = {agreement_ids[record.number_key] for record in records}
    for agreement_id, name_index, id_index in await bulk.rows(
        select(_parties.c.agreement_id, _people.c.name_index, _people.c.id_number_index)
        .join(_people, _people.c.id == _parties.c.person_id)
        .where(within(_parties.c.agreement_id, wanted))
    ):
        names[agreement_id].add(name_index)
        if id_index is not None:
            numbers[agreement_id].add(id_index)

    def check() -> None:
        for record in records:
            agreement_id = agreement_ids[record.number_key]
            if any(vault.index("person.name", name) not in names[agreement_id] for name in record.names):
                record.row.fail("name", "这份协议的权利人姓名")
            if numbers[agreement_id] and any(
                vault.index("person.id_number", number) not in numbers[agreement_id] for number in record.id_numbers
            ):
                record.row.fail("id_number", "这份协议的权利人的证件号码")

    await asyncio.to_thread(check)
