"""What a broadcast may say of a reader: only their own homes, only what it asks for, only what their link shows."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import join, select, update

from api.agreements.models import Agreement
from api.agreements.schemas import RegistrationKind, RegistrationStage
from api.broadcasts.facts import facts_of
from api.broadcasts.models import ImportChange
from api.broadcasts.schemas import NewsKind, Placeholder, RecipientFacts
from api.broadcasts.values import lacks
from api.chats.models import Link
from api.estate.models import Milestone
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.identity.schemas import LinkScope
from api.imports.models import Import, RollKind
from api.money.models import LedgerEntry
from api.money.schemas import LedgerState
from tests.api.outbox import CHAT
from tests.factories import AS_OF, SOURCE, Factory

EVERYTHING = frozenset(Placeholder)
TODAY = date(2026, 11, 26)


async def facts(
    factory: Factory,
    *asked: tuple[int, Collection[int]],
    used: Collection[str] = EVERYTHING,
    news: Collection[tuple[int, NewsKind]] = (),
) -> list[RecipientFacts]:
    async with factory.database.transaction() as session:
        return await facts_of(session, factory.vault, asked, used, today=TODAY, news=news)


async def test_it_tells_of_the_home_all_that_is_asked_for(factory: Factory) -> None:
    building = await factory.building()
    agreement = await factory.agreement(units=[await factory.unit(building, room="1801")], number="拆-001")
    await factory.link(CHAT, agreement)
    await factory.forecast(building, date(2027, 6, 30), published_on=date(2026, 1, 5))
    await factory.forecast(building, date(2027, 12, 31), basis=ForecastBasis.PROMISED)
    await factory.forecast(agreement, date(2023, 1, 1), basis=ForecastBasis.CONTRACTUAL)
    await factory.transition_fee(agreement, next_payment_on=date(2026, 12, 15))
    await factory.registration(agreement, RegistrationKind.CONTRACT_FILING, RegistrationStage.COMPLETED)
    await factory.registration(agreement, RegistrationKind.TITLE_CERTIFICATE, RegistrationStage.NOT_STARTED)
    [reader] = await facts(factory, (CHAT, [agreement.id]))
    assert reader.name is not None
    assert reader.name.endswith("*")
    [home] = reader.homes
    assert (home.number, home.home) == ("拆-001", "A3-一期-2-1-1801")
    assert home.forecast is not None
    assert (home.forecast.earliest_on, home.handover_basis) == (date(2027, 12, 31), ForecastBasis.PROMISED)
    assert (home.handed_over, home.handed_over_on) == (False, None)
    assert (home.paid_up_to, home.monthly_amount) == (date(2026, 6, 30), Decimal("1470.00"))
    assert (home.next_payment_on, home.fee_source, home.fee_as_of) == (date(2026, 12, 15), SOURCE, AS_OF)
    assert (home.registration, home.stage) == (RegistrationKind.CONTRACT_FILING, RegistrationStage.COMPLETED)
    assert (home.registration_source, home.registration_as_of) == (SOURCE, AS_OF)


async def test_it_tells_nothing_that_is_not_asked_for(factory: Factory) -> None:
    agreement = await factory.agreement(units=[await factory.unit()])
    await factory.link(CHAT, agreement)
    await factory.transition_fee(agreement)
    [reader] = await facts(factory, (CHAT, [agreement.id]), used={"handover", "weather"})
    told = reader.model_dump(exclude_none=True, exclude_defaults=True)
    assert set(told) == {"homes"}
    assert set(told["homes"][0]) == {"agreement_id", "number", "home", "handed_over"}


async def test_the_certificate_is_told_once_something_was_done_for_it(factory: Factory) -> None:
    agreement = await factory.agreement()
    await factory.link(CHAT, agreement)
    await factory.registration(agreement, RegistrationKind.CONTRACT_FILING, RegistrationStage.COMPLETED)
    await factory.registration(agreement, RegistrationKind.TITLE_CERTIFICATE, RegistrationStage.BLOCKED)
    [reader] = await facts(factory, (CHAT, [agreement.id]))
    assert (reader.homes[0].registration, reader.homes[0].stage) == (
        RegistrationKind.TITLE_CERTIFICATE,
        RegistrationStage.BLOCKED,
    )


async def test_a_home_that_was_handed_over_has_no_forecast(factory: Factory) -> None:
    building = await factory.building()
    agreement = await factory.agreement(units=[await factory.unit(building)], handed_over=True)
    await factory.link(CHAT, agreement)
    await factory.forecast(building, date(2027, 6, 30))
    [reader] = await facts(factory, (CHAT, [agreement.id]))
    assert (reader.homes[0].handed_over, reader.homes[0].forecast) == (True, None)
    assert (reader.homes[0].handover_source, reader.homes[0].handover_as_of) == (agreement.source, agreement.as_of)


async def test_what_a_link_to_the_progress_does_not_show_is_not_there(factory: Factory) -> None:
    building = await factory.building()
    agreement = await factory.agreement(units=[await factory.unit(building)], number="拆-2026-00017")
    await factory.link(CHAT, agreement, scope=LinkScope.PROGRESS)
    await factory.forecast(building, date(2027, 6, 30))
    await factory.transition_fee(agreement)
    await factory.registration(agreement)
    load = await a_load(factory)
    entry = await factory.ledger_entry(agreement)
    await factory.add(
        ImportChange(import_id=load.id, kind=NewsKind.PAYMENT, agreement_id=agreement.id, fact_id=entry.id)
    )
    [reader] = await facts(factory, (CHAT, [agreement.id]), news=[(load.id, NewsKind.PAYMENT)])
    [home] = reader.homes
    assert home.number != "拆-2026-00017", "masked, as on its pages"
    assert home.forecast is not None
    assert (home.paid_up_to, home.monthly_amount, home.fee_source, home.registration, home.news) == (
        *(None, None, None, None),
        [],
    )


@pytest.mark.security("A right that is not used or not supported ends")
async def test_only_what_the_chat_sees_today_is_told_each_to_its_own(factory: Factory) -> None:
    first, second, third = [await factory.agreement() for _ in range(3)]
    await factory.link(CHAT, first)
    await factory.link(CHAT, third)
    await factory.link(CHAT + 1, second)
    await factory.link(CHAT + 2, second, revoked=True)
    await factory.link(CHAT + 3, second, suspended_at=datetime.now(UTC))
    await factory.link(CHAT + 4, second, expires_on=TODAY)
    both = [first.id, second.id]
    found = await facts(
        factory, *((CHAT + n, both) for n in (1, 0, 2, 3, 4, 5)), (CHAT, [third.id, first.id]), (CHAT, [])
    )
    assert [[home.agreement_id for home in reader.homes] for reader in found] == [
        *([second.id], [first.id], [], [], [], []),
        *([first.id, third.id], []),
    ]


async def a_load(factory: Factory) -> Import:
    return await factory.add(
        Import(kind=RollKind.PROGRESS, filename="进度.xlsx", sha256=b"1", source=SOURCE, as_of=AS_OF, counts={})
    )


async def test_it_tells_what_these_loads_changed_and_no_others(factory: Factory) -> None:
    building = await factory.building()
    agreement = await factory.agreement(units=[await factory.unit(building)])
    await factory.link(CHAT, agreement)
    load, other = await a_load(factory), await a_load(factory)
    was = await factory.forecast(building, date(2027, 6, 30), published_on=date(2026, 1, 5))
    now = await factory.forecast(building, date(2027, 12, 31), reason="材料")
    milestone = await factory.milestone(building, MilestoneKind.TOPPED_OUT, achieved_on=date(2026, 11, 1))
    paid = await factory.ledger_entry(agreement, "4410.00", period=(date(2026, 7, 1), date(2026, 9, 30)))
    stage = await factory.registration(agreement, RegistrationKind.TITLE_CERTIFICATE, RegistrationStage.COMPLETED)
    facts_of_load = (
        (NewsKind.FORECAST, now.id, was.id),
        (NewsKind.MILESTONE, milestone.id, None),
        (NewsKind.PAYMENT, paid.id, None),
        (NewsKind.REGISTRATION, stage.id, None),
    )
    for kind, fact_id, before_id in facts_of_load:
        await factory.add(
            ImportChange(import_id=load.id, kind=kind, agreement_id=agreement.id, fact_id=fact_id, before_id=before_id)
        )
    # Taken back by a later load.
    await factory.add(
        ImportChange(import_id=load.id, kind=NewsKind.PAYMENT, agreement_id=agreement.id, fact_id=paid.id + 1000)
    )
    await factory.add(
        ImportChange(import_id=other.id, kind=NewsKind.MILESTONE, agreement_id=agreement.id, fact_id=milestone.id)
    )
    [reader] = await facts(factory, (CHAT, [agreement.id]), news=[(load.id, kind) for kind in NewsKind])
    told = {fact.kind: fact for fact in reader.homes[0].news}
    assert len(told) == len(reader.homes[0].news) == 4
    forecast = told[NewsKind.FORECAST]
    assert forecast.forecast is not None
    assert forecast.before is not None
    assert (forecast.forecast.earliest_on, forecast.before.earliest_on) == (date(2027, 12, 31), date(2027, 6, 30))
    assert (told[NewsKind.MILESTONE].milestone, told[NewsKind.MILESTONE].happened_on) == (
        MilestoneKind.TOPPED_OUT,
        date(2026, 11, 1),
    )
    assert (told[NewsKind.PAYMENT].amount, told[NewsKind.PAYMENT].period_end) == (Decimal("4410.00"), date(2026, 9, 30))
    assert told[NewsKind.REGISTRATION].stage is RegistrationStage.COMPLETED
    assert {fact.as_of for fact in told.values()} == {AS_OF}
    [reader] = await facts(factory, (CHAT, [agreement.id]), news=[(other.id, NewsKind.MILESTONE)])
    assert [fact.kind for fact in reader.homes[0].news] == [NewsKind.MILESTONE]


async def test_news_that_hold_no_more_are_told_to_nobody(factory: Factory) -> None:
    """A sum put back to due, a day taken out of the roll, a date that has slipped once more: the older draft is silent,
    and its reader counts among those of whom there is none."""
    building = await factory.building()
    agreement = await factory.agreement(units=[await factory.unit(building=building)])
    await factory.link(CHAT, agreement)
    load = await a_load(factory)
    forecast = await factory.forecast(building, date(2027, 12, 31), published_on=date(2026, 3, 1))
    milestone = await factory.milestone(building, MilestoneKind.TOPPED_OUT, achieved_on=date(2026, 11, 1))
    paid = await factory.ledger_entry(agreement, "4410.00", period=(date(2026, 7, 1), date(2026, 9, 30)))
    for kind, row in (
        (NewsKind.FORECAST, forecast),
        (NewsKind.MILESTONE, milestone),
        (NewsKind.PAYMENT, paid),
    ):
        await factory.add(ImportChange(import_id=load.id, kind=kind, agreement_id=agreement.id, fact_id=row.id))
    news = [(load.id, kind) for kind in NewsKind]

    async def told() -> set[NewsKind]:
        [reader] = await facts(factory, (CHAT, [agreement.id]), news=news)
        kinds = {fact.kind for fact in reader.homes[0].news}
        # Whom it would leave out, the database says likewise.
        async with factory.database.transaction() as session:
            for kind in (NewsKind.FORECAST, NewsKind.MILESTONE, NewsKind.PAYMENT):
                lacking = lacks(Placeholder.NEWS, [(load.id, kind)])
                found = select(lacking).select_from(join(Link, Agreement, Agreement.id == Link.agreement_id))
                assert await session.scalar(found) is (kind not in kinds)
        return kinds

    assert await told() == {NewsKind.FORECAST, NewsKind.MILESTONE, NewsKind.PAYMENT}
    async with factory.database.transaction() as session:
        await session.execute(update(LedgerEntry).values(state=LedgerState.DUE))
    assert await told() == {NewsKind.FORECAST, NewsKind.MILESTONE}
    async with factory.database.transaction() as session:
        await session.execute(update(Milestone).values(achieved_on=None))
    assert await told() == {NewsKind.FORECAST}
    # A contract's date takes nothing back.
    await factory.forecast(building, date(2020, 1, 1), basis=ForecastBasis.CONTRACTUAL, published_on=date(2026, 4, 1))
    assert await told() == {NewsKind.FORECAST}
    await factory.forecast(building, date(2028, 3, 31), published_on=date(2026, 5, 1))
    assert await told() == set()
