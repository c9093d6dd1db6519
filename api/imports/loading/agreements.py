"""Loads 安置台账 and 购房台账."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Table, select

from api.agreements.models import Agreement, AgreementUnit, Registration
from api.imports.headings import ROLL_NAMES
from api.imports.loading.bulk import Bulk, within
from api.imports.loading.estate import Estate, settle_units
from api.imports.loading.facts import FactTable, Key, Saying, settle
from api.imports.loading.forecasts import settle_forecasts
from api.imports.loading.news import News, of_payments, of_registrations
from api.imports.loading.people import identify, resolve, settle_people
from api.imports.models import RollKind
from api.imports.records import AgreementRecord
from api.imports.report import RollReport
from api.imports.rolls import Roll
from api.money.models import LedgerEntry, PurchaseTerms, TransitionFee
from api.privacy import Vault

_agreement_units: Table = AgreementUnit.__table__  # type: ignore[assignment]

AGREEMENTS = FactTable(
    Agreement.__table__,  # type: ignore[arg-type]
    "agreements",
    key=("project_id", "number_key"),
    titles={
        "kind": "种类",
        "number": "编号",
        "signed_on": "签约日期",
        "original_address": "原住址",
        "household_size": "安置人口",
        "resettlement_area_m2": "住宅安置面积",
        "handed_over": "是否交房",
        "handed_over_on": "交房日期",
        "handover_status": "交付状态",
        "note": "备注",
    },
    fallbacks={"handed_over": False},
)
REGISTRATIONS = FactTable(
    Registration.__table__,  # type: ignore[arg-type]
    "registrations",
    key=("agreement_id", "kind"),
    titles={
        "stage": "阶段",
        "status": "状态",
        "happened_on": "日期",
        "filing_number": "备案号",
        "blocked_by": "受限原因",
    },
)
TERMS = FactTable(
    PurchaseTerms.__table__,  # type: ignore[arg-type]
    "purchase_terms",
    key=("agreement_id",),
    titles={
        "unit_price": "单价",
        "total_price": "总价",
        "payment_method": "付款方式",
        "down_payment": "首付款",
        "loan_amount": "贷款额",
    },
)
TRANSITION_FEES = FactTable(
    TransitionFee.__table__,  # type: ignore[arg-type]
    "transition_fees",
    key=("agreement_id",),
    titles={
        "monthly_amount": "过渡费标准",
        "rate_text": "过渡费标准",
        "paid_up_to": "已发放至",
        "next_payment_on": "下次发放日期",
    },
)


def _sorts_on(values: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    return {"sorts_on": values["paid_on"] or values["due_on"] or values["period_end"] or as_of}


LEDGER = FactTable(
    LedgerEntry.__table__,  # type: ignore[arg-type]
    "ledger",
    key=("agreement_id", "roll_key"),
    titles={
        "kind": "款项",
        "direction": "收付方向",
        "state": "收付状态",
        "amount": "金额",
        "period_start": "起始时间",
        "period_end": "终止时间",
        "due_on": "应付日期",
        "paid_on": "支付日期",
        "batch": "支付批次",
        "note": "备注",
    },
    derived=_sorts_on,
)


async def load_agreements(
    bulk: Bulk,
    vault: Vault,
    roll: Roll,
    estate: Estate,
    project_id: int,
    report: RollReport,
    *,
    last_load: date | None = None,
) -> None:
    """Compare the roll's agreements with what is stored and write what differs. Agreements with errors are left out,
    whole; those that are known from a newer roll stay as they are.

    Args:
        last_load: how the last roll of this kind was dated.
    """
    stored = {
        key: facts
        for key, facts in (
            await AGREEMENTS.stored(bulk, vault, "number_key", [record.number_key for record in roll.agreements])
        ).items()
        if key[0] == project_id
    }
    records = []
    for record in roll.agreements:
        old = stored.get((project_id, record.number_key))
        if old is not None and old["kind"] is not record.kind:
            other = RollKind.PURCHASE if roll.kind is RollKind.RELOCATION else RollKind.RELOCATION
            record.row.fail("agreement_number", f"没有用在{ROLL_NAMES[other]}里的编号")
        elif old is not None and old["as_of"] > report.as_of:
            report.facts["agreements"].older += 1
            continue
        for home in record.homes:
            if not home.row.failed and (place := estate.find(home.row, home.parcel, home.phase, home.building)):
                home.parcel, home.phase, home.building = place
        records.append(record)
    identified = await asyncio.to_thread(identify, records, vault)
    agreement_ids = {str(key[1]): facts["id"] for key, facts in stored.items()}
    good = records
    while True:
        resolved = await resolve(bulk, good, identified, agreement_ids)
        failed = [record for record in good if record.failed]
        if not failed:
            break
        # Who is who is told anew by the rows that will be loaded.
        good = [record for record in good if not record.failed]
    sourcing: dict[str, Any] = {"source": report.source, "as_of": report.as_of, "report": report}
    said: dict[Key, Saying] = {
        (project_id, record.number_key): Saying(
            record.facts | {"kind": record.kind, "number": record.number}, record.number
        )
        for record in good
    }
    new_ids = await settle(bulk, vault, AGREEMENTS, stored, said, **sourcing)
    agreement_ids |= {str(key[1]): id_ for key, id_ in new_ids.items()}
    unit_ids = await settle_units(bulk, estate, good, report)
    await _settle_homes(bulk, good, agreement_ids, unit_ids, report)
    await settle_people(bulk, vault, good, resolved, agreement_ids, report)
    await _settle_facts(bulk, vault, good, agreement_ids, last_load, sourcing)
    await settle_forecasts(
        bulk,
        "agreement_id",
        {agreement_ids[r.number_key]: [r.expectation] for r in good if r.expectation is not None},
        labels={agreement_ids[r.number_key]: r.number for r in good},
        known={facts["id"] for facts in stored.values()},
        **sourcing,
    )


async def _settle_facts(
    bulk: Bulk,
    vault: Vault,
    records: list[AgreementRecord],
    agreement_ids: dict[str, int],
    last_load: date | None,
    sourcing: dict[str, Any],
) -> None:
    ids = [agreement_ids[record.number_key] for record in records]
    sayings: list[tuple[FactTable, dict[Key, Saying]]] = [
        (REGISTRATIONS, {}),
        (TERMS, {}),
        (TRANSITION_FEES, {}),
        (LEDGER, {}),
    ]
    registrations, terms, fees, ledger = (said for _, said in sayings)
    for record, id_ in zip(records, ids, strict=True):
        for kind, stated in record.registrations.items():
            registrations[id_, kind] = Saying(stated, record.number)
        for roll_key, entry in record.ledger.items():
            ledger[id_, roll_key] = Saying(entry, record.number)
        for stated, said in ((record.terms, terms), (record.transition_fee, fees)):
            if stated:
                said[(id_,)] = Saying(stated, record.number)
    for facts, said in sayings:
        if said:
            stored = await facts.stored(bulk, vault, "agreement_id", ids)
            # A row of blanks is no news where nothing is on file.
            said = {k: v for k, v in said.items() if k in stored or (v.stated and _says_something(v.stated))}
            await settle(bulk, vault, facts, stored, said, news=_news(facts, stored, last_load), **sourcing)


def _news(facts: FactTable, stored: Mapping[Key, Mapping[str, Any]], last_load: date | None) -> News | None:
    if facts is REGISTRATIONS:
        return of_registrations()
    return of_payments(stored, last_load) if facts is LEDGER else None


def _says_something(stated: Mapping[str, Any]) -> bool:
    return any(value is not None for value in stated.values())


async def _settle_homes(
    bulk: Bulk,
    records: list[AgreementRecord],
    agreement_ids: dict[str, int],
    unit_ids: dict[str, list[int]],
    report: RollReport,
) -> None:
    ids = {agreement_ids[record.number_key]: record for record in records}
    stored: dict[int, set[int]] = {}
    for agreement_id, unit_id in await bulk.rows(
        select(_agreement_units.c.agreement_id, _agreement_units.c.unit_id).where(
            within(_agreement_units.c.agreement_id, ids)
        )
    ):
        stored.setdefault(agreement_id, set()).add(unit_id)
    new: list[tuple[int, int]] = []
    gone: list[tuple[int, int]] = []
    tally = report.facts["homes"]
    for agreement_id, record in ids.items():
        have, want = stored.get(agreement_id, set()), set(unit_ids.get(record.number_key, ()))
        new += [(agreement_id, unit_id) for unit_id in sorted(want - have)]
        tally.unchanged += len(want & have)
        if record.states_homes and have - want:
            gone += [(agreement_id, unit_id) for unit_id in sorted(have - want)]
            report.example(f"{record.number}：房屋有变化")
    columns = ("agreement_id", "unit_id")
    await bulk.insert(_agreement_units, columns, new)
    await bulk.delete(_agreement_units, columns, gone)
    tally.added += len(new)
    tally.changed += len(gone)
