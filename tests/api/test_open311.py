"""The public view of complaints, held against GeoReport v2, and against whoever would find a neighbour in it."""

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from itertools import count, islice, pairwise
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from api.app import create_app
from api.cases.families import family_of_each
from api.cases.open311 import RequestIds
from api.cases.open311_places import K, Located, tell_places
from api.cases.schemas import CaseCategory
from api.db import Database
from api.settings import Settings
from tests.api.calls import call
from tests.api.desk import RESIDENT, STRANGER, Desk
from tests.serving import serving

CHATS = 700200000
"""From here on: of families that have a chat each."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
pytestmark = pytest.mark.security("What is public of complaints leads to nobody")

# https://wiki.open311.org/GeoReport_v2: GET Service List, GET Service Requests.
SERVICE = {
    "service_code": str,
    "service_name": str,
    "description": str,
    "metadata": bool,
    "type": str,
    "keywords": str,
    "group": str,
}
REQUEST = {
    "service_request_id": str,
    "status": str,
    "status_notes": (str, type(None)),
    "service_name": str,
    "service_code": str,
    "description": (str, type(None)),
    "agency_responsible": (str, type(None)),
    "service_notice": (str, type(None)),
    "requested_datetime": str,
    "updated_datetime": str,
    "expected_datetime": (str, type(None)),
    "address": (str, type(None)),
    "address_id": (str, type(None)),
    "zipcode": (str, type(None)),
    "lat": (float, type(None)),
    "long": (float, type(None)),
    "media_url": (str, type(None)),
}
W3C = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


def conforms(item: dict[str, Any], contract: dict[str, Any]) -> None:
    """Every field of the standard, no other, each of its type."""
    assert set(item) == set(contract)
    for name, kind in contract.items():
        assert isinstance(item[name], kind), f"{name}: {item[name]!r}"
        if name.endswith("_datetime") and item[name] is not None:
            assert W3C.fullmatch(item[name]), item[name]


@pytest.fixture
async def public(settings: Settings, database_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Anybody, where the view is on: a client without a token."""
    app = create_app(settings.model_copy(update={"open311": True}), database_url)
    async with serving(app) as url, aiohttp.ClientSession(url) as client:
        yield client


async def requests(public: aiohttp.ClientSession, **params: Any) -> list[dict[str, Any]]:
    found = await call(public, "GET", "/open311/v2/requests.json", params={k: str(v) for k, v in params.items()})
    assert isinstance(found, list)
    for item in found:
        conforms(item, REQUEST)
    return found


async def earlier(database: Database, number: str, days: float) -> None:
    """As if all that has happened to the case had happened so much earlier."""
    values = {"number": number, "by": timedelta(days=days)}
    async with database.transaction() as session:
        for statement in (
            "UPDATE case_events SET happened_at = happened_at - CAST(:by AS interval) "
            "WHERE case_id = (SELECT id FROM cases WHERE number = :number)",
            "UPDATE cases SET received_at = received_at - CAST(:by AS interval) WHERE number = :number",
        ):
            await session.execute(text(statement), values)


def today() -> date:
    return datetime.now(SHANGHAI).date()


async def test_it_is_off_unless_somebody_switches_it_on(api: aiohttp.ClientSession, api_url: str) -> None:
    for path in ("services.json", "services.xml", "requests.json", "requests/1.json"):
        refused = await call(api, "GET", f"/open311/v2/{path}", 404)
        assert refused["code"] == "not_found"
        async with aiohttp.ClientSession(api_url) as nobody, nobody.get(f"/open311/v2/{path}") as response:
            assert response.status == 404


async def test_services_are_as_the_standard_says(public: aiohttp.ClientSession) -> None:
    found = await call(public, "GET", "/open311/v2/services.json")
    for service in found:
        conforms(service, SERVICE)
        assert service["type"] in ("realtime", "batch", "blackbox")
    assert [service["service_code"] for service in found] == [category.value for category in CaseCategory]
    async with public.get("/open311/v2/services.xml") as response:
        assert response.headers["content-type"] == "text/xml; charset=utf-8"
        root = ElementTree.fromstring(await response.text())
    assert root.tag == "services"
    assert [[field.tag for field in service] for service in root.findall("service")] == [[*SERVICE]] * len(found)
    assert root.findtext("service/service_name") == "交房"
    assert root.findtext("service/metadata") == "false"
    refused = await call(public, "GET", "/open311/v2/services/handover.json", 404)
    assert refused == [{"code": 404, "description": refused[0]["description"]}]


async def test_requests_are_as_the_standard_says(desk: Desk, database: Database, public: aiohttp.ClientSession) -> None:
    number = await desk.to("in_progress", category="handover")
    await earlier(database, number, 3)
    (found,) = await requests(public)
    assert (found["status"], found["status_notes"]) == ("open", "办理中")
    assert (found["service_code"], found["service_name"], found["agency_responsible"]) == ("handover", "交房", None)
    assert found["requested_datetime"] == f"{today() - timedelta(days=3)}T00:00:00+08:00"
    one = await call(public, "GET", f"/open311/v2/requests/{found['service_request_id']}.json")
    assert one == [found]
    for path in ("requests.xml", f"requests/{found['service_request_id']}.xml"):
        async with public.get(f"/open311/v2/{path}") as response:
            root = ElementTree.fromstring(await response.text())
        assert root.tag == "service_requests"
        (item,) = root.findall("request")
        assert {field.tag: field.text or None for field in item} == found


async def test_nothing_personal_leaves(desk: Desk, database: Database, public: aiohttp.ClientSession) -> None:
    await desk.add_department("<街道办> & 公司")
    where = {"latitude": 30.123456, "longitude": 114.654321}
    unit = (await desk.factory.unit(room="7701")).id
    async with database.transaction() as session:
        values = {"agreement": desk.agreement.id, "unit": unit}
        await session.execute(text("INSERT INTO agreement_units VALUES (:agreement, :unit)"), values)
    number = await desk.to("answered", text="我叫编造甲，电话13900000000", location=where, unit_id=unit)
    await earlier(database, number, 1)
    (found,) = await requests(public)
    bodies = [str(found)]
    for path in ("requests.json", "requests.xml", f"requests/{found['service_request_id']}.xml"):
        async with public.get(f"/open311/v2/{path}") as response:
            bodies.append(await response.text())
    personal = ("编造甲", "13900000000", "7701", "30.1", "114.6", number, number.split("-")[1], str(RESIDENT))
    for body in bodies:
        for value in (*personal, desk.agreement.number, "九月底前修好", "接访甲"):
            assert value not in body, value
    assert found["address"] is None
    # Only the day, of receipt and of the last move.
    assert {found[name][10:] for name in ("requested_datetime", "updated_datetime")} == {"T00:00:00+08:00"}


async def test_it_shows_the_last_midnight(desk: Desk, database: Database, public: aiohttp.ClientSession) -> None:
    """Whoever asks every minute sees nothing happen."""
    number = await desk.to("registered")
    assert await requests(public) == []
    await earlier(database, number, 2)
    before = await requests(public)
    assert [(item["status_notes"], item["agency_responsible"]) for item in before] == [("已登记", None)]
    await desk.act(number, "assign", department_id=desk.department)
    await desk.act(number, "accept")
    await desk.act(number, "answer", outcome="supported", text="修好了。")
    await desk.file()
    assert await requests(public) == before
    assert await requests(public, status="closed") == []
    await earlier(database, number, 2)
    (after,) = await requests(public, status="closed")
    assert (after["status_notes"], after["agency_responsible"]) == ("已答复", "住建局")
    assert after["service_request_id"] == before[0]["service_request_id"]
    assert after["updated_datetime"] == f"{today() - timedelta(days=2)}T00:00:00+08:00"
    own = await call(public, "GET", f"/open311/v2/requests/{after['service_request_id']}.json")
    assert own == [after]


async def test_filters(desk: Desk, database: Database, public: aiohttp.ClientSession) -> None:
    ages = {}
    for days, state, category in ((1, "closed", "quality"), (10, "accepted", "handover"), (80, "received", "quality")):
        number = await desk.to(state, category=category)
        await earlier(database, number, days)
        ages[f"{today() - timedelta(days=days)}T00:00:00+08:00"] = days
    old = await desk.file()
    await earlier(database, old, 120)

    async def found(**params: Any) -> list[int]:
        return [ages.get(item["requested_datetime"], 120) for item in await requests(public, **params)]

    def at(days: int, clock: str = "00:00:00+08:00") -> str:
        return f"{today() - timedelta(days=days)}T{clock}"

    assert await found() == [1, 10, 80]
    assert await found(jurisdiction_id="city.example") == [1, 10, 80]
    assert await found(service_code="quality") == [1, 80]
    assert await found(service_code="quality,handover") == [1, 10, 80]
    assert await found(service_code="nothing") == []
    assert await found(status="open") == [10, 80]
    assert await found(status="closed") == [1]
    assert await found(status="open,closed") == [1, 10, 80]
    assert await found(start_date=at(10)) == [1, 10]
    assert await found(start_date=at(10, "00:00:00 08:00")) == [1, 10]
    assert await found(start_date=at(11, "16:00:00Z")) == [1, 10]
    # The hour of receipt is not to be closed in upon.
    assert await found(start_date=at(10, "00:00:01+08:00")) == [1]
    assert await found(end_date=at(10)) == [10, 80]
    assert await found(end_date=at(11, "23:59:59+08:00")) == [80]
    assert await found(start_date=at(130), end_date=at(100)) == [120]
    assert await found(start_date=at(130)) == [80, 120]
    both = [item["service_request_id"] for item in await requests(public, start_date=at(130), end_date=at(60))]
    assert await found(service_request_id=f"{both[0]}, {both[1]},no-such", status="closed") == [80, 120]
    assert await found(service_request_id="no-such") == []


@pytest.mark.parametrize(
    "params",
    [
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"},
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
        {"start_date": "yesterday"},
        {"end_date": "0001-01-01T00:00:00+14:00"},
        {"end_date": "9999-12-31T23:59:59-12:00"},
        {"status": "solved"},
        {"page": "0"},
        {"page": "２"},
        {"page_size": "1001"},
        {"page_size": "-1"},
    ],
)
async def test_what_is_not_of_the_standard(public: aiohttp.ClientSession, params: dict[str, str]) -> None:
    (error,) = await call(public, "GET", "/open311/v2/requests.json", 400, params=params)
    assert set(error) == {"code", "description"}
    assert error["code"] == 400
    async with public.get("/open311/v2/requests.xml", params=params) as response:
        assert response.status == 400
        assert ElementTree.fromstring(await response.text()).findtext("error/code") == "400"


async def test_what_is_not_there(public: aiohttp.ClientSession) -> None:
    for path in ("requests/1.json", "requests/2026-000001.json", f"requests/{'0' * 48}.json", "services.yaml"):
        (error,) = await call(public, "GET", f"/open311/v2/{path}", 404)
        assert error["code"] == 404
    for method in ("POST", "PUT", "DELETE"):
        async with public.request(method, "/open311/v2/requests.json") as response:
            assert response.status == 405


async def test_pages_show_each_request_once(desk: Desk, database: Database, public: aiohttp.ClientSession) -> None:
    for days in (1, 1, 1, 1, 2, 2, 5):
        await earlier(database, await desk.file(), days)
    whole = await requests(public)
    paged = [item for page in (1, 2, 3, 4, 5) for item in await requests(public, page=page, page_size=2)]
    assert paged == whole
    assert len({item["service_request_id"] for item in whole}) == 7
    assert [item["requested_datetime"] for item in whole] == sorted(
        (item["requested_datetime"] for item in whole), reverse=True
    )


def test_names_of_requests_tell_nothing(settings: Settings) -> None:
    ids = RequestIds(settings.index_key.get_secret_value())
    names = [ids.seal(number) for number in range(1, 2000)]
    assert len(set(names)) == len(names)
    assert [ids.open(name) for name in names] == [*range(1, 2000)]
    rising = sum(first < second for first, second in pairwise(names))
    assert 900 < rising < 1100
    other = RequestIds("another-index-key")
    for name in (
        names[0][:-1],
        names[0][:-2] + "zz",
        "",
        "x",
        "1",
        names[0].replace(names[0][0], "g"),
        "é",
        "0" * 4000,
    ):
        assert ids.open(name) is None
    assert other.open(names[0]) is None


# --- places ---


async def test_a_place_is_told_where_five_families_hide_each_other(
    desk: Desk, database: Database, public: aiohttp.ClientSession
) -> None:
    factory = desk.factory
    phase = await factory.phase()
    second, third = await factory.building("2", phase), await factory.building("3", phase)

    chats = count(CHATS)

    async def complain(building: Any, families: int, category: str, *, times: int = 1) -> None:
        for chat in islice(chats, families):
            unit = await factory.unit(building)
            agreement = await factory.agreement(units=[unit])
            await factory.link(chat, agreement)
            for _ in range(times):
                number = await desk.file(chat=chat, agreement_id=agreement.id, category=category)
                await earlier(database, number, 1)

    await complain(second, 5, "quality")
    await complain(third, 4, "quality", times=2)
    await complain(second, 4, "handover")
    await complain(third, 1, "handover")
    await complain(second, 2, "payment", times=5)
    told = Counter((item["service_code"], item["address"]) for item in await requests(public))
    project = "Invented redevelopment"
    assert told == {
        ("quality", f"{project} A3-一期-2"): 5,
        # Four families, however often they complain, are not enough; nor do those above hide them.
        ("quality", None): 8,
        ("handover", f"{project} A3"): 5,
        ("payment", None): 10,
    }
    assert await requests(public, service_code="handover") == [
        item for item in await requests(public) if item["service_code"] == "handover"
    ]


async def test_whoever_has_five_agreements_is_one_family(
    desk: Desk, database: Database, public: aiohttp.ClientSession
) -> None:
    """From the same building, by people in common or by the chat: nobody hides behind themselves."""
    factory = desk.factory
    building = await factory.building()
    holder, wife, son = [await factory.person() for _ in range(3)]
    strangers = [[await factory.person()] for _ in range(4)]
    chats = count(CHATS)

    async def complain(people: list[Any], chat: int, category: str, days: int = 1) -> None:
        agreement = await factory.agreement(people=people, units=[await factory.unit(building)])
        await factory.link(chat, agreement, person=people[0])
        await earlier(database, await desk.file(chat=chat, agreement_id=agreement.id, category=category), days)

    # A person with five agreements, in one chat and in five.
    for _ in range(5):
        await complain([holder], RESIDENT, "quality")
        await complain([holder], next(chats), "handover")
    # Four agreements that a fifth ties together, and nobody is the first party of two; with three strangers.
    other = await factory.person()
    for people in ([holder, wife], [wife, son], [son], [other, holder], *strangers[:3]):
        await complain(people, next(chats), "payment")
    # A proxy's chat, for four others.
    for people in ([holder], *strangers):
        await complain(people, STRANGER, "other", 2)
    told = Counter((item["service_code"], item["address"]) for item in await requests(public))
    assert told == {("quality", None): 5, ("handover", None): 5, ("payment", None): 7, ("other", None): 5}
    # A fifth family is enough. That one chat filed for them all was on another day, and whether that is asked for
    # changes nothing.
    await complain(strangers[3], next(chats), "payment")
    for asked in ({}, {"start_date": f"{today() - timedelta(days=1)}T00:00:00+08:00"}):
        told = Counter((item["service_code"], item["address"]) for item in await requests(public, **asked))
        assert [(place, of) for (code, place), of in told.items() if code == "payment"] == [
            ("Invented redevelopment A3-一期-" + building.name, 8)
        ]


ties = st.lists(st.frozensets(st.integers(0, 15), min_size=1, max_size=3), max_size=20)


@given(ties)
def test_whoever_is_tied_is_one_family(drawn: list[frozenset[int]]) -> None:
    found = family_of_each(drawn)
    whole: dict[int, set[int]] = defaultdict(set)
    for family, case in zip(found, drawn, strict=True):
        whole[family] |= case
    # No tie leads from one family to another,
    assert sum(len(of) for of in whole.values()) == len(frozenset[int]().union(*drawn))
    # and none is put together without need: from any of its ties all others are reached.
    for of in whole.values():
        reached = frozenset({min(of)})
        for _ in drawn:
            reached = reached.union(*(tied for tied in drawn if tied & reached))
        assert reached == of


cases = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(0, 5), st.booleans()), min_size=0, max_size=60
)


@given(cases, st.integers(1, 6), st.randoms())
def test_whoever_is_told_of_is_hidden(drawn: list[tuple[int, int, int, bool]], k: int, random: Any) -> None:
    located = []
    for number, (family, alike, building, placed) in enumerate(drawn):
        finer = [f"P {building % 3}-{building}", f"P {building % 3}"] if placed else []
        located.append(Located(number, family, alike, [*finer, "P"]))
    told = tell_places(located, k)
    families: dict[Any, set[Any]] = defaultdict(set)
    for case in located:
        if case.id in told:
            assert told[case.id] in case.places
            families[case.alike, told[case.id]].add(case.family)
    assert all(len(hidden) >= k for hidden in families.values())
    # None is kept back without need: those that are told without a place would not hide each other in any.
    left: dict[Any, set[Any]] = defaultdict(set)
    for case in located:
        if case.id not in told:
            for place in case.places:
                left[case.alike, place].add(case.family)
    assert all(len(alone) < k for alone in left.values())
    random.shuffle(located)
    assert tell_places(located, k) == told


def test_five_is_not_lowered_by_accident() -> None:
    assert K >= 5
