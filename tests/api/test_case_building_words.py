"""What a building reads of a complaint: it shows nobody, the family can take it away, and it ends."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from api.agreements.models import Agreement
from api.cases import collective as collective_module
from api.cases.models import Case
from api.chats.models import Chat
from tests.api.calls import call
from tests.api.desk import ADMIN, OPINION, RESIDENT, STRANGER, Desk
from tests.api.neighbours import NEIGHBOUR, OTHER_NEIGHBOUR, PUBLISHED, homes, join, news, published, similar, told

__all__ = ["homes"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("{name}家楼道漏水。", ["name"]),
        ("{given}他们那层漏水。", ["name"]),
        ("老{surname}家那层漏水。", ["name"]),
        ("{surname}先生那层漏水。", ["name"]),
        ("{spaced}那层漏水。", ["name"]),
        ("{room}室漏水。", ["home"]),
        ("一单元 {wide} 漏水。", ["home"]),
        ("打139 0000 0000问。", ["number"]),
        ("证号 999900194801010015。", ["number"]),
        ("{number}号协议的楼道漏水。", ["number"]),
        ("{name}，{room}，{number}", ["name", "home", "number"]),
    ],
)
async def test_what_would_show_whose_case_it_is_is_not_offered(desk: Desk, words: str, parts: list[str]) -> None:
    desk.agreement = agreement = await desk.factory.agreement(
        people=[
            await desk.factory.person(replace(desk.factory.invented(), name=name)) for name in ("欧阳虚构", "方编造")
        ],
        units=[await desk.factory.unit(room="1丙2307")],
    )
    await desk.factory.link(RESIDENT, agreement)
    number = await desk.to("in_progress")
    text = words.format(
        name="方编造",
        given="虚构",
        surname="欧阳",
        spaced="方 编 造",
        room="2307",
        wide="２３０７",
        number=agreement.number,
    )
    refused = await desk.act(number, "publish", 409, text=text)
    assert refused["code"] == "says_who"
    assert refused["details"]["parts"] == parts
    assert (await desk.page(number)).published_text is None
    await desk.act(number, "publish", text="二单元12层23户反映楼道漏水。")


async def test_the_family_reads_what_the_building_reads_and_can_take_it_away(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    number, collective = await published(desk)
    case = await desk.case(number)
    assert case.collective is not None
    assert case.collective.text == PUBLISHED
    assert case.events[-1].text == PUBLISHED
    assert [notice["text"] for notice in await told(desk, RESIDENT) if notice["news"] == "published"] == [PUBLISHED]
    await desk.say(number, "unpublish")
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []
    await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective, 404)
    # Of what it did itself it needs no notice.
    assert (number, "unpublished") not in await news(desk, RESIDENT)


async def test_a_neighbour_takes_nothing_away(desk: Desk, homes: dict[int, Agreement]) -> None:
    number, _ = await published(desk)
    await desk.say(number, "unpublish", 404, chat=NEIGHBOUR)
    assert len((await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"]) == 1


async def test_the_desk_sees_which_families_read_nothing_any_more(desk: Desk, homes: dict[int, Agreement]) -> None:
    number, collective = await published(desk)
    joined = await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective)
    other = await join(desk, OTHER_NEIGHBOUR, homes[OTHER_NEIGHBOUR], collective)
    assert (await desk.page(number)).unreached == []
    await call(desk.api, "DELETE", f"/v1/chats/{NEIGHBOUR}", 204)
    async with desk.factory.database.transaction() as session:
        # Telegram takes nothing for this one any more.
        session.add(Chat(id=OTHER_NEIGHBOUR, version=1, gone_at=datetime.now(UTC)))
    assert (await desk.page(number)).unreached == [joined["number"], other["number"]]
    assert (await desk.page(joined["number"])).unreached == [joined["number"]]


async def test_words_that_show_a_family_which_comes_later_are_offered_no_more(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    who = await desk.factory.person(replace(desk.factory.invented(), name="欧阳虚构"))
    family = await desk.factory.agreement(people=[who], units=[await desk.factory.unit(room="1丙2307")])
    await desk.factory.link(STRANGER, family)
    master = await desk.to("in_progress")
    await desk.act(master, "publish", text="欧阳女士楼上的水管漏水。")
    assert len((await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"]) == 1
    member = await desk.file(chat=STRANGER, agreement_id=family.id)
    await desk.act(member, "merge", chat=ADMIN, master=master)
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []
    assert (await desk.page(master)).events[-1].kind == "unpublished"
    assert (await news(desk, RESIDENT))[-1] == (master, "unpublished")
    refused = await desk.act(master, "publish", 409, text="欧阳女士楼上的水管漏水。")
    assert refused["code"] == "says_who"


@pytest.mark.parametrize("ends", ["answer", "withdraw"])
async def test_what_is_over_is_offered_anew_or_not_at_all(desk: Desk, homes: dict[int, Agreement], ends: str) -> None:
    number, _ = await published(desk)
    if ends == "answer":
        await desk.act(number, "answer", **OPINION)
    else:
        await desk.say(number, "withdraw")
    kinds = [event.kind for event in (await desk.page(number)).events]
    assert kinds[-2:] == [{"answer": "answered", "withdraw": "withdrawn"}[ends], "unpublished"]
    # It is told already what became of the complaint.
    assert "unpublished" not in [kind for _, kind in await news(desk, RESIDENT)]
    if ends == "answer":
        await desk.say(number, "reopen", text="还是漏。")
        assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []
        await desk.act(number, "publish", text=PUBLISHED)
        assert len((await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"]) == 1


async def test_who_joins_what_is_being_answered_is_told_that_it_is_over(
    desk: Desk, homes: dict[int, Agreement], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, collective = await published(desk)
    find_offer = collective_module.find_offer

    async def and_then_it_is_answered(*given: Any) -> Case:
        found = await find_offer(*given)
        if len(given) > 3:
            await desk.act(number, "answer", **OPINION)
        return found

    monkeypatch.setattr(collective_module, "find_offer", and_then_it_is_answered)
    await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective, 404)
    listed = await call(desk.api, "GET", f"/v1/chats/{NEIGHBOUR}/cases")
    assert listed["cases"] == []


async def test_what_is_offered_is_of_the_building_that_the_complaint_is_about(desk: Desk) -> None:
    """A family with homes in two buildings is offered no case that it could not join with that one."""
    await published(desk)
    here, there = await desk.factory.unit(), await desk.factory.unit(building=await desk.factory.building("99"))
    agreement = await desk.factory.agreement(units=[here, there])
    await desk.factory.link(STRANGER, agreement)
    path = f"/v1/chats/{STRANGER}/agreements/{agreement.id}/similar-cases?category=quality"
    assert len((await call(desk.api, "GET", f"{path}&unit_id={here.id}"))["collective"]) == 1
    assert (await call(desk.api, "GET", f"{path}&unit_id={there.id}"))["collective"] == []
    assert len((await call(desk.api, "GET", path))["collective"]) == 1
    # A unit that is none of theirs is none.
    await call(desk.api, "GET", f"{path}&unit_id={(await desk.factory.unit()).id}", 404)


async def test_who_erases_their_data_leaves_no_words_behind(desk: Desk, homes: dict[int, Agreement]) -> None:
    number, _ = await published(desk)
    await call(desk.api, "DELETE", f"/v1/chats/{RESIDENT}", 204)
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []
    page = await desk.page(number)
    assert page.published_text is None
    assert (page.events[-1].kind, page.events[-1].by) == ("unpublished", "resident")


async def test_a_merged_familys_home_is_not_shown_either(desk: Desk, homes: dict[int, Agreement]) -> None:
    master = await desk.to("in_progress")
    other = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
    await desk.act(other, "merge", master=master)
    refused = await desk.act(master, "publish", 409, text=f"{NEIGHBOUR % 1000}和隔壁都漏水。")
    assert refused["details"]["parts"] == ["home"]
