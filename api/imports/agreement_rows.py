"""Rows of 安置台账 and 购房台账, and how several rows become one agreement."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.estate.schemas import ForecastBasis, UnitKind
from api.identity.documents import normalise_agreement_number, normalise_name, normalise_text
from api.imports import cells, dates, places, words
from api.imports.cells import Cell
from api.imports.models import RollKind
from api.imports.problems import BadCell
from api.imports.records import AgreementRecord, Expectation, Home, Owner, Stated
from api.imports.rows import Row
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState


def read(rows: Iterable[Row], kind: RollKind) -> list[AgreementRecord]:
    """All agreements of a roll, in the order in which they first appear. Errors are recorded at their rows."""
    parse = _relocation if kind is RollKind.RELOCATION else _purchase
    merged: dict[str, AgreementRecord] = {}
    for row in rows:
        number = row.read("agreement_number", cells.number_text)
        if number is None:
            if not row.failed:
                row.fail("agreement_number", "编号（不能为空）")
            continue
        record = AgreementRecord(
            AgreementKind.RELOCATION if kind is RollKind.RELOCATION else AgreementKind.PURCHASE,
            number,
            normalise_agreement_number(number),
            [row],
            states_homes=row.has("room"),
            states_phones=row.has("phone"),
        )
        _shared(row, record)
        parse(row, record)
        if first := merged.get(record.number_key):
            _merge(first, record)
        else:
            merged[record.number_key] = record
    return list(merged.values())


def _shared(row: Row, record: AgreementRecord) -> None:
    """What both rolls say in the same way."""
    record.owners = _owners(row)
    if home := _home(row):
        record.homes.append(home)
    _state(row, record.facts, "signed_on", "signed_on", dates.last_day)
    if row.has("note"):
        record.facts["note"] = "；".join(cells.text(cell) or "" for cell in row.all_cells("note")) or None
    if row.has("handover_status"):
        handed_over, day, status = row.read("handover_status", words.handover) or (None, None, None)
        record.facts |= {"handed_over": handed_over, "handed_over_on": day, "handover_status": status}
    _filing(row, record)
    if (stage := row.read("title_status", words.registration)) is not None:
        record.registrations[RegistrationKind.TITLE_CERTIFICATE] = {
            "stage": stage.stage,
            "status": stage.status,
            "blocked_by": stage.blocked_by,
            "happened_on": stage.happened_on,
            "filing_number": None,
        }


def _relocation(row: Row, record: AgreementRecord) -> None:
    if row.has("address"):
        record.facts["original_address"] = row.text("address")
    _state(row, record.facts, "household_size", "household_size", cells.count)
    _state(row, record.facts, "resettlement_area_m2", "resettlement_area", cells.area)
    if row.has("price_difference"):
        record.ledger["relocation:price_difference"] = _price_difference(row)
    if row.has("fee_rate"):
        record.transition_fee |= {"monthly_amount": None, "rate_text": None}
        if rate := row.read("fee_rate", _fee_rate, unit=row.unit("fee_rate"), heading=row.heading("fee_rate")):
            record.transition_fee |= rate
    _state(row, record.transition_fee, "paid_up_to", "paid_up_to", dates.last_day)
    _state(row, record.transition_fee, "next_payment_on", "next_payment_on", dates.last_day)
    record.expectation = _expectation(row, "forecast", row.read("basis", words.basis) or ForecastBasis.PLANNED)


def _purchase(row: Row, record: AgreementRecord) -> None:
    for column in ("unit_price", "total_price", "down_payment", "loan_amount"):
        _state(row, record.terms, column, column, cells.money, unit=row.unit(column))
    if row.has("payment_method"):
        record.terms["payment_method"] = row.read("payment_method", cells.public_text)
    for name, state in (("paid", LedgerState.PAID), ("unpaid", LedgerState.DUE)):
        if row.has(name):
            amount = row.read(name, cells.money, unit=row.unit(name))
            if amount is not None and amount < 0:
                row.fail(name, "不小于0的金额")
            record.ledger[f"purchase:{name}"] = (
                _entry(LedgerKind.HOUSE_PRICE, LedgerDirection.FROM_HOUSEHOLD, state, amount) if amount else None
            )
    record.expectation = _expectation(row, "agreed_handover", ForecastBasis.CONTRACTUAL)


def _state(row: Row, into: Stated, column: str, name: str, reader: Callable[..., Any], **how: Any) -> None:
    if row.has(name):
        into[column] = row.read(name, reader, **how)


def _owners(row: Row) -> list[Owner]:
    """The people of a row: names, then co-owners, with ID numbers and phones paired in order."""
    holders = row.read("name", cells.names)
    if holders is None:
        if not row.failed:
            row.fail("name", "姓名（不能为空）")
        return []
    others = row.read("co_owners", cells.names) or []
    owners = [Owner(row, name, id_number) for name, id_number in holders + others]
    numbers = row.read("id_number", cells.id_numbers) or []
    if numbers and len(numbers) not in (len(holders), len(owners)):
        row.fail("id_number", f"{len(holders)}个证件号码，与姓名的个数和顺序一致")
    for owner, number in zip(owners, numbers, strict=False):
        owner.id_number = number
    numbers = row.read("co_owner_ids", cells.id_numbers) or []
    if numbers and len(numbers) != len(others):
        row.fail("co_owner_ids", f"{len(others)}个证件号码，与共有人的个数和顺序一致")
    for owner, number in zip(owners[len(holders) :], numbers, strict=False):
        owner.id_number = number
    _give_phones(row, owners)
    known = [owner.id_number for owner in owners if owner.id_number]
    if len(set(known)) != len(known):
        row.fail("id_number", "每个人自己的证件号码（同一行里有重复）")
    return owners


def _give_phones(row: Row, owners: list[Owner]) -> None:
    for cell in row.all_cells("phone"):
        try:
            found = cells.phones(cell)
        except BadCell as bad:
            row.fail("phone", bad.expected)
            return
        if len(found) == 1 or len(owners) == 1:
            owners[0].phones += [phone for phone in found if phone not in owners[0].phones]
        elif len(found) == len(owners):
            for owner, phone in zip(owners, found, strict=True):
                if phone not in owner.phones:
                    owner.phones.append(phone)
        else:
            row.fail("phone", f"1个或{len(owners)}个电话号码，与姓名的个数和顺序一致")
            return


def _home(row: Row) -> Home | None:
    building = row.read("building", places.building)
    entrance = row.read("entrance", places.entrance)
    place = row.read("room", places.room, building_known=building is not None)
    if place is None or row.failed:
        return None
    for name, own, inside in (("building", building, place.building), ("entrance", entrance, place.entrance)):
        if own is not None and inside is not None and own != inside:
            row.fail("room", f"与“{row.heading(name)}”列一致的房号")
            return None
    if (building or place.building) is None:
        row.fail("room", "带楼栋的房号，如 2-1-1801，或者另填楼栋")
        return None
    layout = row.read("layout", cells.public_text)
    kind = UnitKind.FLAT
    described = " ".join(filter(None, (row.text("unit_kind"), layout, place.room)))
    if places.is_shop(described):
        kind = UnitKind.SHOP
    elif re.search("车位|车库", described):
        kind = UnitKind.PARKING
    return Home(
        row=row,
        building=building or place.building or "",
        entrance=entrance or place.entrance,
        room=place.room,
        kind=kind,
        parcel=row.read("parcel", places.parcel) or place.parcel,
        phase=row.read("phase", places.phase) or place.phase,
        layout=layout,
        area_m2=row.read("area", cells.area),
    )


def _filing(row: Row, record: AgreementRecord) -> None:
    stage = row.read("filing_status", words.registration)
    happened_on = row.read("filing_date", dates.last_day)
    filing_number = row.read("filing_number", cells.number_text)
    if stage is None and ((happened_on is None and filing_number is None) or row.failed):
        return
    record.registrations[RegistrationKind.CONTRACT_FILING] = {
        # A filing that has a date or a number took place, even where nobody wrote so.
        "stage": stage.stage if stage else RegistrationStage.COMPLETED,
        "status": stage.status if stage else None,
        "blocked_by": stage.blocked_by if stage else None,
        "happened_on": happened_on or (stage.happened_on if stage else None),
        "filing_number": filing_number,
    }


def _entry(kind: LedgerKind, direction: LedgerDirection, state: LedgerState, amount: Decimal) -> Stated:
    return {
        "kind": kind,
        "direction": direction,
        "state": state,
        "amount": amount,
        "period_start": None,
        "period_end": None,
        "due_on": None,
        "paid_on": None,
        "batch": None,
        "note": None,
    }


def _price_difference(row: Row) -> Stated | None:
    """差价款: words in the cell, else in the heading, tell who owes whom; plainly positive: the family owes it."""

    def sum_and_side(value: Cell) -> tuple[Decimal, LedgerDirection, LedgerState]:
        unit = row.unit("price_difference")
        side = words.due(value) if isinstance(value, str) else None
        amount = cells.money(words.without_due_words(value) if side and isinstance(value, str) else value, unit)
        direction, state = (
            side
            or words.due(re.sub(r"\(.*?\)", "", normalise_text(row.heading("price_difference"))))
            or (LedgerDirection.FROM_HOUSEHOLD, LedgerState.DUE)
        )
        if amount < 0:
            direction = (
                LedgerDirection.TO_HOUSEHOLD
                if direction is LedgerDirection.FROM_HOUSEHOLD
                else LedgerDirection.FROM_HOUSEHOLD
            )
        return abs(amount), direction, state

    found = row.read("price_difference", sum_and_side)
    if found is None or not found[0]:
        return None
    amount, direction, state = found
    return _entry(LedgerKind.PRICE_DIFFERENCE, direction, state, amount)


def _fee_rate(value: Cell, unit: str | None, heading: str) -> Stated:
    """过渡费标准: a sum per month where the heading or the cell says so, else the roll's own words."""
    shown = cells.public_text(value)
    of_heading = unit or ("元/月" if "月" in heading else "")
    match = re.fullmatch(r"(?P<sum>[^元/]*万?元?)(?P<per>/.*)?", normalise_text(shown).removeprefix("每月"))
    per = match["per"] if match else None
    stated_unit = ("月" if normalise_text(shown).startswith("每月") else "") or per or of_heading
    if match is not None and words.is_monthly(stated_unit):
        try:
            return {"monthly_amount": cells.money(match["sum"], unit), "rate_text": None}
        except BadCell:
            pass
    has_unit = re.search(r"[元%/]", shown) is not None
    return {"monthly_amount": None, "rate_text": shown if has_unit or not unit else f"{shown}{unit}"}


def _expectation(row: Row, name: str, basis: ForecastBasis) -> Expectation | None:
    window = row.read(name, dates.window)
    if window is None:
        return None
    return Expectation(
        basis,
        *window,
        reason=row.read("reason", cells.public_text),
        published_on=row.read("published_on", dates.last_day),
        next_update_on=row.read("next_update_on", dates.last_day),
    )


def _merge(first: AgreementRecord, more: AgreementRecord) -> None:
    """Add another row of the same agreement: further owners and units; single facts must agree."""
    row = more.row
    first.rows.append(row)
    first.states_homes |= more.states_homes
    first.states_phones |= more.states_phones
    for owner in more.owners:
        same = next((known for known in first.owners if _same_person(known, owner)), None)
        if same is None:
            first.owners.append(owner)
        else:
            same.id_number = same.id_number or owner.id_number
            same.phones += [phone for phone in owner.phones if phone not in same.phones]
    labels = {home.label for home in first.homes}
    first.homes += [home for home in more.homes if home.label not in labels]
    notes = [note for note in (first.facts.get("note"), more.facts.pop("note", None)) if note]
    if notes:
        first.facts["note"] = "；".join(dict.fromkeys(notes))
    agree = _agree(row, first.rows[0].number)
    agree(first.facts, more.facts, "")
    agree(first.terms, more.terms, "")
    agree(first.transition_fee, more.transition_fee, "")
    for kind, registration in more.registrations.items():
        status = "filing_status" if kind is RegistrationKind.CONTRACT_FILING else "title_status"
        agree(first.registrations.setdefault(kind, registration), registration, status)
    for key, entry in more.ledger.items():
        if entry is None:
            continue
        known = first.ledger.get(key)
        if known is None:
            first.ledger[key] = entry
        else:
            agree(known, entry, key.partition(":")[2])
    if first.expectation is None:
        first.expectation = more.expectation
    elif more.expectation is not None and more.expectation != first.expectation:
        row.fail(
            "forecast" if row.has("forecast") else "agreed_handover", f"与第{first.rows[0].number}行一致（同一协议）"
        )


def _same_person(one: Owner, other: Owner) -> bool:
    if one.id_number and other.id_number:
        return one.id_number == other.id_number
    return normalise_name(one.name) == normalise_name(other.name)


_COLUMN_FIELDS = {
    "original_address": "address",
    "resettlement_area_m2": "resettlement_area",
    "handed_over": "handover_status",
    "handed_over_on": "handover_status",
    "monthly_amount": "fee_rate",
    "rate_text": "fee_rate",
}


def _agree(row: Row, first_number: int) -> Callable[[Stated, Stated, str], None]:
    def agree(known: Stated, stated: Stated, name: str) -> None:
        for column, value in stated.items():
            if value is None:
                continue
            if known.get(column) is None:
                known[column] = value
            elif known[column] != value:
                heading = name or _COLUMN_FIELDS.get(column, column)
                row.fail(heading if row.has(heading) else "agreement_number", f"与第{first_number}行一致（同一协议）")
                return

    return agree
