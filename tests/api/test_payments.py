"""What a family has paid, owes and is owed, as the API tells it."""

import base64
from datetime import date, timedelta
from decimal import Decimal

import aiohttp
import pytest

from api.agreements.schemas import AgreementKind
from api.money.schemas import (
    MAX_ARREARS,
    LedgerDirection,
    LedgerKind,
    LedgerPage,
    LedgerState,
    PaymentsOut,
)
from tests.api.strictly import look_up, refused
from tests.factories import AS_OF, SOURCE, Factory

CHAT = 700_100_200
STRANGER = 700_100_999
NEWER = AS_OF + timedelta(days=5)


async def payments(api: aiohttp.ClientSession, chat_id: int = CHAT) -> list[PaymentsOut]:
    return await look_up(api, f"/v1/chats/{chat_id}/payments", list[PaymentsOut])


async def ledger(api: aiohttp.ClientSession, agreement_id: int, query: str = "") -> LedgerPage:
    return await look_up(api, f"/v1/chats/{CHAT}/agreements/{agreement_id}/ledger{query}", LedgerPage)


async def test_empty(api: aiohttp.ClientSession, factory: Factory) -> None:
    assert await payments(api) == []
    await factory.link(CHAT, await factory.agreement())
    [it] = await payments(api)
    assert (it.terms, it.totals, it.transition_fee) == (None, [], None)


async def test_a_buyers_terms(api: aiohttp.ClientSession, factory: Factory) -> None:
    bought = await factory.agreement(kind=AgreementKind.PURCHASE)
    await factory.link(CHAT, bought)
    await factory.purchase_terms(
        bought, "980000", unit_price=Decimal("9800.5"), payment_method="按揭", down_payment=Decimal("300000")
    )
    [it] = await payments(api)
    assert it.terms is not None
    assert it.terms.model_dump() == {
        "unit_price": Decimal("9800.50"),
        "total_price": Decimal("980000.00"),
        "payment_method": "按揭",
        "down_payment": Decimal("300000.00"),
        "loan_amount": None,
        "source": SOURCE,
        "as_of": AS_OF,
    }


async def test_totals_by_kind_direction_and_state(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Each with the newest day it rests on, and the roll of that day."""
    family = await factory.agreement()
    await factory.link(CHAT, family)
    fee, price = LedgerKind.TRANSITION_FEE, LedgerKind.HOUSE_PRICE
    to, by = LedgerDirection.TO_HOUSEHOLD, LedgerDirection.FROM_HOUSEHOLD
    await factory.ledger_entry(family, "0.10", as_of=NEWER, source="Invented roll No. 2")
    await factory.ledger_entry(family, "0.20")
    await factory.ledger_entry(family, "1470", state=LedgerState.DUE)
    await factory.ledger_entry(family, "300000", kind=price, direction=by)
    await factory.ledger_entry(family, "5", kind=price, direction=to)
    [it] = await payments(api)
    assert [(t.kind, t.direction, t.state, str(t.amount), t.count) for t in it.totals] == [
        (price, by, LedgerState.PAID, "300000.00", 1),
        (price, to, LedgerState.PAID, "5.00", 1),
        (fee, to, LedgerState.DUE, "1470.00", 1),
        (fee, to, LedgerState.PAID, "0.30", 2),
    ]
    assert (it.totals[3].source, it.totals[3].as_of) == ("Invented roll No. 2", NEWER)


async def test_the_months_of_a_sum_are_joined_where_they_meet(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement(handed_over=True, source="Invented roll No. 3", as_of=NEWER)
    await factory.link(CHAT, family)
    spring, summer = (date(2026, 1, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 6, 30))
    autumn = (date(2026, 10, 1), date(2026, 12, 31))
    for period in (autumn, summer, spring, (date(2026, 4, 1), date(2026, 5, 31))):
        await factory.ledger_entry(family, period=period)
    await factory.ledger_entry(family, state=LedgerState.DUE, period=spring)
    # An entry without a period may be for any month: then so may the sum.
    await factory.ledger_entry(family, state=LedgerState.DUE)
    await factory.ledger_entry(family, kind=LedgerKind.COMPENSATION, period=spring)
    await factory.ledger_entry(family, kind=LedgerKind.COMPENSATION, period=(date(2026, 4, 1), None))
    [it] = await payments(api)
    assert [(t.kind, t.state, [(p.start, p.end) for p in t.periods]) for t in it.totals] == [
        (LedgerKind.COMPENSATION, LedgerState.PAID, []),
        (LedgerKind.TRANSITION_FEE, LedgerState.DUE, []),
        (LedgerKind.TRANSITION_FEE, LedgerState.PAID, [(date(2026, 1, 1), date(2026, 6, 30)), autumn]),
    ]
    assert (it.handed_over, it.source, it.as_of) == (True, "Invented roll No. 3", NEWER)


async def test_transition_fee_and_arrears_oldest_first(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    await factory.transition_fee(family, "1470", paid_up_to=date(2026, 6, 30), next_payment_on=date(2026, 12, 15))
    third = (date(2026, 7, 1), date(2026, 9, 30))
    fourth = (date(2026, 10, 1), date(2026, 12, 31))
    for period in (fourth, third):
        await factory.ledger_entry(family, "4410", state=LedgerState.DUE, period=period)
    # None of these is an unpaid transition fee that the family is owed.
    await factory.ledger_entry(family, "4410", period=(date(2026, 4, 1), date(2026, 6, 30)), paid_on=date(2026, 4, 9))
    await factory.ledger_entry(family, "9", kind=LedgerKind.COMPENSATION, state=LedgerState.DUE)
    await factory.ledger_entry(family, "8", direction=LedgerDirection.FROM_HOUSEHOLD, state=LedgerState.DUE)
    [it] = await payments(api)
    fee = it.transition_fee
    assert fee is not None
    assert (fee.monthly_amount, fee.rate_text, fee.paid_up_to, fee.next_payment_on) == (
        Decimal("1470.00"),
        None,
        date(2026, 6, 30),
        date(2026, 12, 15),
    )
    assert [(entry.period_start, entry.period_end) for entry in fee.arrears] == [third, fourth]
    assert (fee.source, fee.as_of) == (SOURCE, AS_OF)


async def test_a_rate_in_words(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    await factory.transition_fee(family, None, paid_up_to=None, rate_text="按每人每月400元")
    [it] = await payments(api)
    assert it.transition_fee is not None
    assert (it.transition_fee.monthly_amount, it.transition_fee.rate_text) == (None, "按每人每月400元")


async def test_unpaid_periods_are_told_where_no_roll_tells_a_rate(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    await factory.ledger_entry(family, state=LedgerState.DUE, source="Invented roll No. 2", as_of=NEWER)
    await factory.ledger_entry(family, state=LedgerState.DUE)
    [it] = await payments(api)
    fee = it.transition_fee
    assert fee is not None
    assert (fee.monthly_amount, fee.paid_up_to, len(fee.arrears)) == (None, None, 2)
    assert (fee.source, fee.as_of) == ("Invented roll No. 2", NEWER)


async def test_more_arrears_than_are_listed(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    start = date(2015, 1, 1)
    for month in range(MAX_ARREARS + 2):
        day = start + timedelta(days=30 * month)
        await factory.ledger_entry(family, "1", state=LedgerState.DUE, period=(day, day + timedelta(days=29)))
    [it] = await payments(api)
    assert it.transition_fee is not None
    assert len(it.transition_fee.arrears) == MAX_ARREARS
    assert it.transition_fee.arrears[0].period_start == start
    assert it.totals[0].count == MAX_ARREARS + 2


async def test_each_family_its_own(api: aiohttp.ClientSession, factory: Factory) -> None:
    families = [await factory.agreement() for _ in range(3)]
    for number, family in enumerate(families):
        await factory.ledger_entry(family, str(number + 1))
        await factory.link(STRANGER if number == 2 else CHAT, family)
    seen = [(it.agreement.id, str(it.totals[0].amount)) for it in await payments(api)]
    assert seen == [(families[0].id, "1.00"), (families[1].id, "2.00")]


async def test_revoked(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family, revoked=True)
    assert await payments(api) == []
    await refused(api, f"/v1/chats/{CHAT}/agreements/{family.id}/ledger", 404)


# --- the ledger, page by page ---


async def test_an_empty_ledger(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    page = await ledger(api, family.id)
    assert (page.agreement.id, page.entries, page.total_count, page.next_cursor) == (family.id, [], 0, None)


async def test_pages_join_without_gap_or_repetition(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Several entries of one day straddle the end of a page; one comes in while the family reads."""
    family = await factory.agreement()
    await factory.link(CHAT, family)
    days = [date(2026, 1, 1 + number // 3) for number in range(8)]
    entries = [await factory.ledger_entry(family, paid_on=day) for day in days]
    expected = [entry.id for entry in sorted(entries, key=lambda entry: (entry.sorts_on, entry.id), reverse=True)]

    page = await ledger(api, family.id, "?limit=4")
    seen = [entry.id for entry in page.entries]
    assert (len(seen), page.total_count) == (4, 8)
    await factory.ledger_entry(family, paid_on=date(2026, 2, 1))
    while page.next_cursor:
        page = await ledger(api, family.id, f"?limit=2&cursor={page.next_cursor}")
        seen += [entry.id for entry in page.entries]
    assert seen == expected
    assert page.total_count == 9


async def test_a_full_last_page_has_no_next(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    for _ in range(10):
        await factory.ledger_entry(family)
    page = await ledger(api, family.id)
    assert (len(page.entries), page.next_cursor) == (10, None)


async def test_an_entry_as_the_roll_has_it(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    row = await factory.ledger_entry(
        family,
        "123456789012.34",
        period=(date(2026, 1, 1), date(2026, 3, 31)),
        due_on=date(2026, 4, 1),
        paid_on=date(2026, 4, 9),
        batch="第3批",
        note="含2025年四季度",
    )
    [entry] = (await ledger(api, family.id)).entries
    assert entry.model_dump() == {
        "id": row.id,
        "kind": LedgerKind.TRANSITION_FEE,
        "direction": LedgerDirection.TO_HOUSEHOLD,
        "state": LedgerState.PAID,
        "amount": Decimal("123456789012.34"),
        "period_start": date(2026, 1, 1),
        "period_end": date(2026, 3, 31),
        "due_on": date(2026, 4, 1),
        "paid_on": date(2026, 4, 9),
        "batch": "第3批",
        "note": "含2025年四季度",
        "source": SOURCE,
        "as_of": AS_OF,
    }


async def test_another_familys_ledger_is_not_there(api: aiohttp.ClientSession, factory: Factory) -> None:
    mine, theirs = await factory.agreement(), await factory.agreement()
    await factory.link(CHAT, mine)
    await factory.link(STRANGER, theirs)
    await factory.ledger_entry(theirs)
    # A cursor of one's own ledger opens no other.
    for _ in range(2):
        await factory.ledger_entry(mine)
    cursor = (await ledger(api, mine.id, "?limit=1")).next_cursor
    for query in ("", f"?cursor={cursor}"):
        not_mine, unknown = [
            await refused(api, f"/v1/chats/{CHAT}/agreements/{number}/ledger{query}", 404)
            for number in (theirs.id, 999_999)
        ]
        assert not_mine == unknown


def encoded(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!!",
        "中文",
        encoded("2026-13-01/5"),
        encoded("2026-01-01/0"),
        encoded("2026-01-01/" + "9" * 19),
        encoded("2026-01-01/５"),
        encoded("2026-01-01/5; DROP TABLE"),
        encoded("2026-01-01/5") + "\n",
        "A" * 101,
    ],
)
async def test_a_cursor_that_no_page_gave(api: aiohttp.ClientSession, factory: Factory, cursor: str) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family)
    path = f"/v1/chats/{CHAT}/agreements/{family.id}/ledger"
    async with api.get(path, params={"cursor": cursor}) as response:
        error = await response.json()
        assert (response.status, error["code"]) == (422, "invalid_input")
        assert error["details"]["fields"][0]["at"] == ["query", "cursor"]


@pytest.mark.parametrize("limit", ["0", "51", "-1", "many"])
async def test_a_page_is_neither_empty_nor_endless(api: aiohttp.ClientSession, limit: str) -> None:
    await refused(api, f"/v1/chats/{CHAT}/agreements/1/ledger?limit={limit}", 422)


@pytest.mark.parametrize("number", ["0", "-5", str(2**63), "eins"])
@pytest.mark.parametrize("path", ["/v1/chats/{}/payments", "/v1/chats/5/agreements/{}/ledger"])
async def test_numbers_that_cannot_be(api: aiohttp.ClientSession, path: str, number: str) -> None:
    await refused(api, path.format(number), 422)
