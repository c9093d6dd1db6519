"""Rows of 过渡费发放表: one period of one agreement's transition fee, paid or not yet."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from api.identity.documents import normalise_agreement_number, normalise_name
from api.imports import cells, dates
from api.imports.records import FeeRecord
from api.imports.rows import Row
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState


def read(rows: Iterable[Row]) -> list[FeeRecord]:
    """All rows that could be read, in their order. Errors are recorded at the rows."""
    return [record for row in rows if (record := _fee(row)) is not None]


def _fee(row: Row) -> FeeRecord | None:
    number = row.read("agreement_number", cells.number_text)
    if number is None and not row.failed:
        row.fail("agreement_number", "协议编号（不能为空）")
    period = _period(row)
    amount = row.read("amount", cells.money, unit=row.unit("amount"))
    if amount is None and row.cell("amount") is None:
        row.fail("amount", "金额（不能为空）")
    elif amount is not None and amount <= 0:
        row.fail("amount", "大于0的金额")
    paid_on = row.read("paid_on", dates.last_day)
    names = row.read("name", cells.names) or []
    id_numbers = row.read("id_number", cells.id_numbers) or []
    batch = row.read("batch", cells.public_text)
    reason = row.read("reason", cells.public_text)
    next_payment_on = row.read("next_payment_on", dates.last_day)
    if row.failed or number is None or period is None or amount is None:
        return None
    return FeeRecord(
        row=row,
        number=number,
        number_key=normalise_agreement_number(number),
        names=[normalise_name(name) for name, _ in names],
        id_numbers=id_numbers + [number for _, number in names if number],
        entry={
            "kind": LedgerKind.TRANSITION_FEE,
            "direction": LedgerDirection.TO_HOUSEHOLD,
            "state": LedgerState.PAID if paid_on else LedgerState.DUE,
            "amount": amount,
            "period_start": period[0],
            "period_end": period[1],
            "due_on": None,
            "paid_on": paid_on,
            "batch": batch,
            # 备注 is the office's own: what clerks write there is neither for families nor for a plain column.
            "note": reason,
        },
        next_payment_on=next_payment_on,
    )


def _period(row: Row) -> tuple[date, date] | None:
    if row.cell("period") is not None:
        return row.read("period", dates.period)
    first = row.read("period_start", dates.first_day)
    last = row.read("period_end", dates.last_day)
    if row.failed:
        return None
    if first is None or last is None:
        name = next(
            name
            for name in ("period", "period_start", "period_end")
            if (row.has(name) and row.cell(name) is None) or name == "period_end"
        )
        row.fail(name, "起止时间（不能为空）")
        return None
    if last < first:
        row.fail("period_end", "不早于起始时间的日期")
        return None
    return first, last


def keyed(records: Iterable[FeeRecord]) -> dict[tuple[str, str], FeeRecord]:
    """Records by agreement and roll key. The key is the period, so that an unpaid period that is paid later is the
    same entry; where one period has several rows (paid in parts), they are told apart by what they say."""
    same_period: defaultdict[tuple[str, date, date], list[FeeRecord]] = defaultdict(list)
    for record in records:
        entry = record.entry
        same_period[record.number_key, entry["period_start"], entry["period_end"]].append(record)
    by_key = {}
    for (number_key, first, last), several in same_period.items():
        several.sort(key=lambda r: (r.entry["paid_on"] or date.max, r.entry["batch"] or "", r.entry["amount"]))
        for position, record in enumerate(several, start=1):
            suffix = "" if position == 1 else f":{position}"
            by_key[number_key, f"transition_fee:{first}:{last}{suffix}"] = record
    return by_key
