"""When a family moves in, as the API tells it."""

from datetime import date, datetime, timedelta

import aiohttp
import pytest

from api.agreements.schemas import AgreementKind, HandoverOut, PartyRole
from api.estate.schemas import ForecastBasis, UnitKind
from api.identity.schemas import LinkRole
from api.settings import Settings
from tests.api.strictly import look_up, refused
from tests.factories import AS_OF, SOURCE, Factory
from tests.invented import invented

CHAT = 700_100_200
STRANGER = 700_100_999


async def handover(api: aiohttp.ClientSession, chat_id: int = CHAT) -> list[HandoverOut]:
    return await look_up(api, f"/v1/chats/{chat_id}/handover", list[HandoverOut])


async def test_a_chat_that_never_wrote_sees_nothing(api: aiohttp.ClientSession) -> None:
    assert await handover(api) == []


async def test_nothing_published(api: aiohttp.ClientSession, factory: Factory) -> None:
    unit = await factory.unit(room="1801")
    family = await factory.agreement(units=[unit], people=[await factory.person(invented(4))], number="安-0001")
    await factory.link(CHAT, family)
    [it] = await handover(api)
    assert (it.contractual, it.current, it.history, it.watching, it.handed_over) == (None, None, [], False, False)
    assert it.building is not None
    assert (it.building.parcel, it.building.phase, it.building.name) == ("A3", "一期", "2")
    assert [home.room for home in it.units] == ["1801"]
    assert (it.source, it.as_of) == (SOURCE, AS_OF)
    assert (it.agreement.number, it.agreement.kind) == ("安-0001", AgreementKind.RELOCATION)
    assert (it.agreement.holder, it.agreement.home) == ("周**", "A3-一期-2-1-1801")


async def test_no_home_assigned_yet(api: aiohttp.ClientSession, factory: Factory) -> None:
    """What was promised to the family alone is told all the same."""
    family = await factory.agreement()
    await factory.link(CHAT, family)
    await factory.forecast(family, date(2027, 6, 30), basis=ForecastBasis.PROMISED)
    [it] = await handover(api)
    assert (it.building, it.units, it.agreement.home) == (None, [], None)
    assert it.current is not None
    assert it.current.earliest_on == date(2027, 6, 30)


async def test_every_slip_stays_visible(api: aiohttp.ClientSession, factory: Factory) -> None:
    unit = await factory.unit()
    building = await factory.building()
    family = await factory.agreement(units=[unit])
    await factory.link(CHAT, family)
    agreed = await factory.forecast(
        family, date(2021, 12, 31), basis=ForecastBasis.CONTRACTUAL, published_on=date(2018, 5, 1)
    )
    await factory.forecast(building, date(2023, 6, 30), published_on=date(2021, 12, 1), reason="资金未到位")
    await factory.forecast(family, date(2025, 6, 30), published_on=date(2023, 7, 1), basis=ForecastBasis.PROMISED)
    newest = await factory.forecast(
        building,
        date(2027, 3, 1),
        date(2027, 6, 30),
        published_on=date(2025, 8, 1),
        confirmed_on=AS_OF,
        reason="更换施工单位",
        next_update_on=date(2027, 1, 15),
        source="Task force notice No. 12",
    )
    [it] = await handover(api)
    assert it.current is not None
    assert it.current.model_dump() == {
        "basis": ForecastBasis.PLANNED,
        "earliest_on": date(2027, 3, 1),
        "latest_on": date(2027, 6, 30),
        "reason": "更换施工单位",
        "source": "Task force notice No. 12",
        "published_on": newest.published_on,
        "confirmed_on": AS_OF,
        "next_update_on": date(2027, 1, 15),
    }
    assert [(f.basis, f.earliest_on, f.reason) for f in it.history] == [
        (ForecastBasis.PROMISED, date(2025, 6, 30), None),
        (ForecastBasis.PLANNED, date(2023, 6, 30), "资金未到位"),
    ]
    assert it.contractual is not None
    assert it.contractual.published_on == agreed.published_on


async def test_a_date_in_the_roll_of_agreements_never_displaces_the_buildings(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    building = await factory.building()
    family = await factory.agreement(units=[await factory.unit(building)])
    await factory.link(CHAT, family)
    await factory.forecast(building, date(2027, 6, 30), published_on=date(2026, 10, 15))
    await factory.forecast(family, None, published_on=date(2026, 11, 20))
    await factory.forecast(family, date(2024, 1, 1), published_on=date(2026, 10, 15))
    [it] = await handover(api)
    assert it.current is not None
    assert it.current.earliest_on == date(2027, 6, 30)
    assert [f.earliest_on for f in it.history] == [date(2024, 1, 1)]


async def test_of_two_buildings_each_is_compared_with_what_was_published_for_itself(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    """What was published for one building once let the date in the roll stand before the other building's."""
    old, new = await factory.building("1"), await factory.building("2")
    family = await factory.agreement(units=[await factory.unit(old), await factory.unit(new)])
    await factory.link(CHAT, family)
    await factory.forecast(old, date(2027, 6, 30), published_on=date(2025, 1, 1))
    await factory.forecast(new, date(2028, 6, 30), published_on=date(2026, 10, 15))
    await factory.forecast(family, date(2024, 1, 1), published_on=date(2026, 3, 1))
    of_old, of_new = await handover(api)
    assert of_old.current is not None
    assert of_old.current.earliest_on == date(2027, 6, 30)
    assert [f.earliest_on for f in of_old.history] == []
    assert [f.earliest_on for f in of_new.history] == [date(2024, 1, 1)]


async def test_of_two_published_on_one_day_the_later_one_counts(api: aiohttp.ClientSession, factory: Factory) -> None:
    building = await factory.building()
    family = await factory.agreement(units=[await factory.unit(building)])
    await factory.link(CHAT, family)
    for year in (2027, 2028):
        await factory.forecast(building, date(year, 1, 1))
    [it] = await handover(api)
    assert it.current is not None
    assert it.current.earliest_on == date(2028, 1, 1)
    assert [f.earliest_on for f in it.history] == [date(2027, 1, 1)]


async def test_a_date_that_has_passed_is_still_what_was_published(api: aiohttp.ClientSession, factory: Factory) -> None:
    building = await factory.building()
    family = await factory.agreement(units=[await factory.unit(building)])
    await factory.link(CHAT, family)
    await factory.forecast(building, date(2020, 1, 1))
    [it] = await handover(api)
    assert it.current is not None
    assert it.current.latest_on == date(2020, 1, 1)
    assert not it.handed_over


async def test_the_office_may_say_that_no_date_can_be_given(api: aiohttp.ClientSession, factory: Factory) -> None:
    building = await factory.building()
    family = await factory.agreement(units=[await factory.unit(building)])
    await factory.link(CHAT, family)
    await factory.forecast(building, reason="诉讼中")
    [it] = await handover(api)
    assert it.current is not None
    assert (it.current.earliest_on, it.current.latest_on, it.current.reason) == (None, None, "诉讼中")


async def test_handed_over(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement(
        units=[await factory.unit()], handed_over=True, handed_over_on=date(2026, 9, 1), handover_status="已交付"
    )
    await factory.link(CHAT, family)
    [it] = await handover(api)
    assert (it.handed_over, it.handed_over_on, it.handover_status) == (True, date(2026, 9, 1), "已交付")


async def test_several_agreements_buildings_and_homes(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Building numbers repeat across parcels; each building has its own date, one family's homes stand together."""
    two = await factory.building("2")
    other_two = await factory.building("2", await factory.phase("二期", await factory.parcel("B1")))
    parking = await factory.unit(two, room="车位07", entrance=None, kind=UnitKind.PARKING, area_m2=None, layout=None)
    first, second = await factory.unit(two), await factory.unit(two)
    third = await factory.unit(other_two, room="301")
    relocated = await factory.agreement(units=[parking, first, second, third])
    bought = await factory.agreement(units=[await factory.unit(other_two)], kind=AgreementKind.PURCHASE)
    await factory.forecast(two, date(2027, 1, 1))
    await factory.forecast(other_two, date(2028, 1, 1))
    await factory.forecast(bought, date(2026, 12, 1), basis=ForecastBasis.CONTRACTUAL)
    for family in (bought, relocated):
        await factory.link(CHAT, family)
    answer = await handover(api)
    seen = [
        (it.agreement.id, it.building and it.building.id, [home.id for home in it.units], it.current) for it in answer
    ]
    assert [row[:3] for row in seen] == [
        (relocated.id, two.id, [first.id, second.id, parking.id]),
        (relocated.id, other_two.id, [third.id]),
        (bought.id, other_two.id, [answer[2].units[0].id]),
    ]
    assert [current and current.earliest_on for *_, current in seen] == [
        date(2027, 1, 1),
        date(2028, 1, 1),
        date(2028, 1, 1),
    ]
    assert [it.contractual is not None for it in answer] == [False, False, True]
    assert {it.agreement.home for it in answer[:2]} == {f"A3-一期-2-1-{first.room}"}
    assert answer[0].units[2].area_m2 is None


async def test_the_holder_is_named_before_co_owners_and_proxies(api: aiohttp.ClientSession, factory: Factory) -> None:
    people = [await factory.person(invented(number)) for number in (0, 1, 2)]
    family = await factory.agreement(people=[])
    await factory.party(family, people[0], PartyRole.PROXY, position=0)
    await factory.party(family, people[1], PartyRole.HOLDER, position=2)
    await factory.party(family, people[2], PartyRole.HOLDER, position=1)
    await factory.link(CHAT, family)
    [it] = await handover(api)
    assert it.agreement.holder == "孙**"


async def test_an_agreement_without_parties(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.link(CHAT, await factory.agreement(people=[]))
    [it] = await handover(api)
    assert it.agreement.holder == ""


# --- who may see it ---


async def test_a_revoked_link_sees_nothing(api: aiohttp.ClientSession, factory: Factory) -> None:
    family = await factory.agreement()
    await factory.link(CHAT, family, revoked=True)
    assert await handover(api) == []
    await factory.link(CHAT, family)
    assert len(await handover(api)) == 1


async def test_each_chat_sees_its_own(api: aiohttp.ClientSession, factory: Factory) -> None:
    mine, theirs = await factory.agreement(), await factory.agreement()
    await factory.link(CHAT, mine)
    await factory.link(STRANGER, theirs)
    assert [it.agreement.id for it in await handover(api)] == [mine.id]
    assert [it.agreement.id for it in await handover(api, STRANGER)] == [theirs.id]


@pytest.mark.parametrize("days_left", [-1, 0, None])
async def test_a_proxy_sees_until_the_last_day(
    api: aiohttp.ClientSession, factory: Factory, settings: Settings, days_left: int | None
) -> None:
    family, proxy = await factory.agreement(), await factory.person()
    today = datetime.now(settings.timezone).date()
    last_day = None if days_left is None else today + timedelta(days=days_left)
    await factory.party(family, proxy, PartyRole.PROXY, position=1, valid_until=last_day)
    await factory.link(CHAT, family, person=proxy, role=LinkRole.PROXY)
    assert len(await handover(api)) == (0 if days_left == -1 else 1)
    await refused(api, f"/v1/chats/{CHAT}/agreements/{family.id}/ledger", 404 if days_left == -1 else 200)


async def test_a_relative_with_a_code_sees_it(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.link(CHAT, await factory.agreement(), role=LinkRole.RELATIVE)
    assert len(await handover(api)) == 1


# --- the wish to be told ---


async def test_watching_and_no_longer(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Both may be asked twice: a redelivered tap changes nothing."""
    family = await factory.agreement(units=[await factory.unit()])
    await factory.link(CHAT, family)
    await factory.link(STRANGER, family)
    watch = f"/v1/chats/{CHAT}/agreements/{family.id}/handover-watch"
    for method, watching in (("PUT", True), ("PUT", True), ("DELETE", False), ("DELETE", False)):
        async with api.request(method, watch) as response:
            assert (response.status, await response.json()) == (200, {"watching": watching})
        assert [it.watching for it in await handover(api)] == [watching]
        assert [it.watching for it in await handover(api, STRANGER)] == [False]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_nobody_watches_another_familys_home(api: aiohttp.ClientSession, factory: Factory, method: str) -> None:
    mine, theirs = await factory.agreement(), await factory.agreement()
    await factory.link(CHAT, mine)
    await factory.link(STRANGER, theirs)
    await factory.watch(STRANGER, theirs)
    not_mine, unknown = [
        await refused(api, f"/v1/chats/{CHAT}/agreements/{number}/handover-watch", 404, method)
        for number in (theirs.id, 999_999)
    ]
    assert not_mine == unknown
    assert [it.watching for it in await handover(api, STRANGER)] == [True]
