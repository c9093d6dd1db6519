"""What a family holds, as the API tells it."""

from datetime import date
from decimal import Decimal

import aiohttp

from api.agreements.schemas import HomeOut, RegistrationKind, RegistrationStage
from api.estate.schemas import MilestoneKind, UnitKind
from tests.api.strictly import look_up
from tests.factories import AS_OF, SOURCE, Factory

CHAT = 700_100_200


async def homes(api: aiohttp.ClientSession, chat_id: int = CHAT) -> list[HomeOut]:
    return await look_up(api, f"/v1/chats/{chat_id}/homes", list[HomeOut])


async def test_empty_without_a_live_link(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.link(CHAT, await factory.agreement(), revoked=True)
    assert await homes(api) == []


async def test_a_home_with_all_that_is_on_file(api: aiohttp.ClientSession, factory: Factory) -> None:
    building = await factory.building()
    await factory.milestone(
        building, MilestoneKind.RESUMED, planned_on=date(2025, 1, 1), achieved_on=date(2025, 3, 1), note='"说明"\n二'
    )
    unit = await factory.unit(building, room="1801", area_m2=Decimal("89.5"))
    family = await factory.agreement(
        units=[unit], signed_on=date(2018, 5, 1), resettlement_area_m2=Decimal("120"), number="安置字[2018]第7号"
    )
    await factory.registration(
        family, RegistrationKind.TITLE_CERTIFICATE, RegistrationStage.BLOCKED, blocked_by="在建工程抵押", status="未办"
    )
    await factory.registration(
        family,
        RegistrationKind.CONTRACT_FILING,
        RegistrationStage.COMPLETED,
        happened_on=date(2019, 2, 3),
        filing_number="B-77",
    )
    await factory.link(CHAT, family)
    [it] = await homes(api)
    assert (it.signed_on, it.resettlement_area_m2) == (date(2018, 5, 1), Decimal("120.00"))
    assert (it.source, it.as_of, it.agreement.number) == (SOURCE, AS_OF, "安置字[2018]第7号")
    assert it.units[0].model_dump() == {
        "id": unit.id,
        "building_id": building.id,
        "parcel": "A3",
        "phase": "一期",
        "building": "2",
        "entrance": "1",
        "room": "1801",
        "kind": UnitKind.FLAT,
        "layout": "三室两厅一卫",
        "area_m2": Decimal("89.50"),
    }
    [milestone] = it.buildings[0].milestones
    assert (milestone.kind, milestone.achieved_on, milestone.note) == (
        MilestoneKind.RESUMED,
        date(2025, 3, 1),
        '"说明"\n二',
    )
    assert [(r.kind, r.stage, r.blocked_by, r.filing_number) for r in it.registrations] == [
        (RegistrationKind.CONTRACT_FILING, RegistrationStage.COMPLETED, None, "B-77"),
        (RegistrationKind.TITLE_CERTIFICATE, RegistrationStage.BLOCKED, "在建工程抵押", None),
    ]


async def test_decimals_travel_as_strings(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.link(CHAT, await factory.agreement(units=[await factory.unit()]))
    async with api.get(f"/v1/chats/{CHAT}/homes") as response:
        assert (await response.json())[0]["units"][0]["area_m2"] == "89.50"


async def test_each_building_once(api: aiohttp.ClientSession, factory: Factory) -> None:
    one, two = await factory.building("1"), await factory.building("2")
    shop = await factory.unit(one, entrance=None, room="商铺3", kind=UnitKind.SHOP)
    flats = [await factory.unit(building) for building in (two, two, one)]
    family = await factory.agreement(units=[shop, *flats])
    await factory.link(CHAT, family)
    [it] = await homes(api)
    assert [home.id for home in it.units] == [*(flat.id for flat in flats), shop.id]
    assert sorted(building.id for building in it.buildings) == sorted([one.id, two.id])
    assert it.agreement.home == f"A3-一期-2-1-{flats[0].room}"


async def test_a_shop_has_no_entrance_in_its_label(api: aiohttp.ClientSession, factory: Factory) -> None:
    shop = await factory.unit(entrance=None, room="商铺3", kind=UnitKind.SHOP)
    await factory.link(CHAT, await factory.agreement(units=[shop]))
    [it] = await homes(api)
    assert it.agreement.home == "A3-一期-2-商铺3"


async def test_several_agreements_and_another_familys(api: aiohttp.ClientSession, factory: Factory) -> None:
    agreements = [await factory.agreement(units=[await factory.unit()]) for _ in range(3)]
    for mine in agreements[:2]:
        await factory.link(CHAT, mine)
    await factory.link(CHAT + 1, agreements[2])
    assert [it.agreement.id for it in await homes(api)] == [mine.id for mine in agreements[:2]]


async def test_nothing_assigned_nothing_registered(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.link(CHAT, await factory.agreement())
    [it] = await homes(api)
    assert (it.units, it.buildings, it.registrations, it.signed_on) == ([], [], [], None)


async def test_milestones_stand_in_the_order_they_are_reached(api: aiohttp.ClientSession, factory: Factory) -> None:
    building = await factory.building()
    for kind in reversed(MilestoneKind):
        await factory.milestone(building, kind, planned_on=date(2026, 1, 1), note="说明")
    family = await factory.agreement(units=[await factory.unit(building)])
    await factory.link(CHAT, family)
    [it] = await homes(api)
    assert [milestone.kind for milestone in it.buildings[0].milestones] == list(MilestoneKind)
