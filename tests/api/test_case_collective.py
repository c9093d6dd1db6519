"""Collective cases: offered while filing, joined, followed, left, merged by staff."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from api.agreements.models import Agreement
from api.cases import collective as collective_module
from api.cases.models import Case, CaseEvent
from api.cases.schemas import CaseOut
from api.chats.models import Chat
from api.messages.models import Delivery
from api.messages.service import PAYLOAD
from api.staff.schemas import StaffRole
from tests.api.calls import PNG, call, upload
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, OPINION, RESIDENT, STRANGER, Desk
from tests.factories import Factory

NEIGHBOUR, OTHER_NEIGHBOUR, FAR = 700100301, 700100302, 700100303
PUBLISHED = "二单元楼道一直没有电梯。"


@pytest.fixture
async def homes(desk: Desk, factory: Factory) -> dict[int, Agreement]:
    """Two more families in the same building, and one elsewhere."""
    here, elsewhere = await factory.building(), await factory.building("99")
    found = {}
    for chat, building in ((NEIGHBOUR, here), (OTHER_NEIGHBOUR, here), (FAR, elsewhere)):
        agreement = await factory.agreement(units=[await factory.unit(building=building, room=f"{chat % 1000}")])
        await factory.link(chat, agreement)
        found[chat] = agreement
    return found


async def similar(desk: Desk, chat: int, agreement: Agreement, category: str = "quality", status: int = 200) -> Any:
    path = f"/v1/chats/{chat}/agreements/{agreement.id}/similar-cases"
    return await call(desk.api, "GET", path, status, params={"category": category})


async def join(
    desk: Desk, chat: int, agreement: Agreement, collective: int, status: int = 201, *, key: str = "", **more: Any
) -> Any:
    return await call(
        desk.api,
        "POST",
        f"/v1/chats/{chat}/collective-cases/{collective}/members",
        status,
        json={"agreement_id": agreement.id} | more,
        headers={"Idempotency-Key": key or f"join-{chat}"},
    )


async def published(desk: Desk, state: str = "in_progress") -> tuple[str, int]:
    """Number and id of a case that is offered to the building."""
    number = await desk.to(state)
    await desk.act(number, "publish", text=PUBLISHED)
    async with desk.factory.database.transaction() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
    return number, case.id


async def told(desk: Desk, chat: int) -> list[dict[str, Any]]:
    """The notices for a chat."""
    async with desk.factory.database.transaction() as session:
        rows = await session.scalars(select(Delivery).where(Delivery.chat_id == chat).order_by(Delivery.id))
        return [desk.factory.vault.open_json(PAYLOAD, row.payload) for row in rows if row.payload is not None]


async def news(desk: Desk, chat: int) -> list[tuple[str, str]]:
    return [(notice["number"], notice["news"]) for notice in await told(desk, chat)]


async def test_what_neighbours_ask_is_offered_to_the_building_and_to_nobody_else(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    _, collective = await published(desk)
    offered = await similar(desk, NEIGHBOUR, homes[NEIGHBOUR])
    [offer] = offered["collective"]
    assert (offer["id"], offer["text"], offer["families"], offered["own"]) == (collective, PUBLISHED, 1, [])
    # Neither to another building, nor for another matter, nor to the family whose case it is.
    assert (await similar(desk, FAR, homes[FAR]))["collective"] == []
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR], "payment"))["collective"] == []
    assert (await similar(desk, RESIDENT, desk.agreement))["collective"] == []
    # Another family's agreement is not there.
    await similar(desk, NEIGHBOUR, desk.agreement, status=404)
    await join(desk, FAR, homes[FAR], collective, 404)
    await join(desk, NEIGHBOUR, desk.agreement, collective, 404)


async def test_ones_own_open_case_of_the_matter_is_shown_before_another_is_filed(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    number = await desk.file()
    done = await desk.to("answered")
    assert [case["number"] for case in (await similar(desk, RESIDENT, desk.agreement))["own"]] == [number]
    assert done != number
    # A relative's complaint may be about oneself.
    await desk.factory.link(STRANGER, desk.agreement)
    assert (await similar(desk, STRANGER, desk.agreement))["own"] == []


async def test_whoever_has_several_agreements_is_one_family(
    desk: Desk, homes: dict[int, Agreement], factory: Factory
) -> None:
    master, _ = await published(desk)
    who, here = await factory.person(), await factory.building()
    wife = await factory.person()

    async def merge(chat: int, agreement: Agreement) -> str:
        number = await desk.file(chat=chat, agreement_id=agreement.id)
        await desk.act(number, "merge", chat=ADMIN, master=master)
        return number

    async def families() -> list[int]:
        [offer] = (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"]
        return [offer["families"], (await desk.page(master)).families]

    for people in ([who], [who, wife], [who]):
        agreement = await factory.agreement(people=people, units=[await factory.unit(building=here)])
        await factory.link(STRANGER, agreement, person=who)
        member = await merge(STRANGER, agreement)
    assert await families() == [2, 2]
    case = await desk.case(member, chat=STRANGER)
    assert case.collective is not None
    assert case.collective.families == 2
    # Whose parties are not known is nobody else's family.
    for chat in (OTHER_NEIGHBOUR, FAR):
        agreement = await factory.agreement(people=[], units=[await factory.unit(building=here)])
        await factory.link(chat, agreement)
        await merge(chat, agreement)
    assert await families() == [4, 4]


async def test_who_joins_is_answered_with_the_others(desk: Desk, homes: dict[int, Agreement]) -> None:
    master, collective = await published(desk)
    joined = CaseOut.model_validate(await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))
    # The office has taken the matter up already: that counts for who joins.
    assert (joined.state, joined.text) == ("in_progress", PUBLISHED)
    assert joined.collective is not None
    assert (joined.collective.families, joined.collective.text, joined.collective.is_member) == (2, PUBLISHED, True)
    assert "split_off" in joined.allowed
    own = CaseOut.model_validate(
        await join(desk, OTHER_NEIGHBOUR, homes[OTHER_NEIGHBOUR], collective, text="我家也是。")
    )
    assert own.text == "我家也是。"
    page = await desk.page(master)
    assert (page.members, page.families) == ([joined.number, own.number], 3)
    assert (await similar(desk, FAR, homes[FAR]))["collective"] == []
    # What one has joined is not offered again.
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []

    opinion = await desk.upload()
    await desk.act(master, "answer", **OPINION, attachment_ids=[opinion])
    for chat, number in ((RESIDENT, master), (NEIGHBOUR, joined.number), (OTHER_NEIGHBOUR, own.number)):
        case = await desk.case(number, chat=chat)
        assert (case.state, case.outcome) == ("answered", "supported")
        assert [clock.kind for clock in case.clocks] == ["review_request", "reopen"]
        [answer] = [event for event in case.events if event.kind == "answered"]
        assert (answer.text, answer.attachment_ids) == (OPINION["text"], [opinion])
        path = f"/v1/chats/{chat}/cases/{number}/attachments/{opinion}"
        async with desk.api.get(path) as response:
            assert await response.read() == PNG
        assert (await news(desk, chat))[-1] == (number, "answered")
    # Another family's number is in nobody's history.
    assert master not in (await desk.case(joined.number, chat=NEIGHBOUR)).model_dump_json()
    # Who had the case was told once, not once for each family.
    assert [kind for _, kind in await news(desk, OFFICER)].count("answered") == 0
    # A review is each family's own right; the others stay answered.
    await desk.say(joined.number, "request_review", chat=NEIGHBOUR, text="没有电梯。")
    await desk.act(master, "close")
    assert [
        (await desk.case(number, chat=chat)).state
        for chat, number in ((RESIDENT, master), (NEIGHBOUR, joined.number), (OTHER_NEIGHBOUR, own.number))
    ] == ["closed", "review", "closed"]


@pytest.mark.parametrize("ended", ["answered", "closed"])
async def test_another_answer_reaches_all_who_had_the_first(
    desk: Desk, homes: dict[int, Agreement], ended: str
) -> None:
    """At the wish of one family the matter is looked into again: what comes of it is true for all."""
    master, collective = await published(desk)
    joined = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    await desk.act(master, "answer", **OPINION)
    await desk.say(joined, "rate", chat=NEIGHBOUR, rating=1, solved=False, text="没有电梯。")
    if ended == "closed":
        await desk.act(master, "close")
    assert (await desk.case(joined, chat=NEIGHBOUR)).state == ended
    await desk.say(master, "reopen", text="还是没有。")
    assert (await desk.page(master)).answered_with == [joined]
    # Nobody answers a member that has its answer by itself.
    await desk.act(joined, "answer", 409, **OPINION)

    opinion = await desk.upload()
    second: dict[str, Any] = {"outcome": "explained", "text": "电梯十二月安装。"}
    await desk.act(master, "answer", **second, attachment_ids=[opinion])
    case = await desk.case(joined, chat=NEIGHBOUR)
    assert (case.state, case.outcome, case.rating, case.solved) == ("answered", "explained", None, None)
    first_answer, *others, answer = [event for event in case.events if event.kind in ("answered", "closed")]
    assert (first_answer.text, answer.text) == (OPINION["text"], second["text"])
    assert [event.kind for event in others] == (["closed"] if ended == "closed" else [])
    assert answer.attachment_ids == [opinion]
    # With all the rights that go with an answer, from its own day on.
    own = await desk.case(master)
    assert case.clocks == own.clocks
    assert [clock.kind for clock in case.clocks] == ["review_request", "reopen"]
    assert {"reopen", "request_review", "rate"} <= {*case.allowed}
    notice = (await told(desk, NEIGHBOUR))[-1]
    assert (notice["number"], notice["news"], notice["again"], notice["together"]) == (joined, "answered", True, True)
    notice = (await told(desk, RESIDENT))[-1]
    assert (notice["number"], notice["news"], notice["again"], notice["together"]) == (master, "answered", True, True)
    assert [one["again"] for one in await told(desk, RESIDENT) if one["news"] == "answered"] == [False, True]
    # Who gave it decides no review of it.
    await desk.say(joined, "request_review", chat=NEIGHBOUR, text="不同意。")
    refused = await desk.act(joined, "review_answer", 403, **OPINION)
    assert refused["code"] == "own_answer"


async def test_who_goes_on_alone_is_a_member_no_longer(desk: Desk, homes: dict[int, Agreement]) -> None:
    """A review looks at the answer that it was asked for; whoever has their own taken up again, or is answered apart,
    is answered by that."""
    master, collective = await published(desk)
    reviewed, reopened = [
        (await join(desk, chat, homes[chat], collective))["number"] for chat in (NEIGHBOUR, OTHER_NEIGHBOUR)
    ]
    apart = await desk.file(chat=FAR, agreement_id=homes[FAR].id)
    await desk.act(apart, "merge", master=master)
    await desk.act(apart, "answer", outcome="explained", text="您家另行处理。")
    assert (await desk.page(master)).answered_with == [reviewed, reopened]
    await desk.act(master, "answer", **OPINION)
    await desk.say(reviewed, "request_review", chat=NEIGHBOUR, text="不同意。")
    await desk.say(reopened, "reopen", chat=OTHER_NEIGHBOUR, text="我家不一样。")
    await desk.say(master, "reopen", text="还是没有。")
    page = await desk.page(master)
    assert (page.members, page.answered_with, page.families) == ([], [], 1)
    for number, chat in ((reviewed, NEIGHBOUR), (reopened, OTHER_NEIGHBOUR), (apart, FAR)):
        page = await desk.page(number)
        # The office sees from which it went.
        assert (page.master, page.events[-1].master) == (None, master)
        assert (await desk.case(number, chat=chat)).collective is None
        assert master not in (await desk.case(number, chat=chat)).model_dump_json()
    before = [(await desk.page(number)).events for number in (reviewed, reopened, apart)]
    await desk.act(master, "answer", **OPINION)
    await desk.act(master, "close")
    assert [(await desk.page(number)).events for number in (reviewed, reopened, apart)] == before


async def test_what_joins_others_while_its_members_have_an_answer(desk: Desk, homes: dict[int, Agreement]) -> None:
    """They go along, as they stand, are answered with the others, and leave with it again."""
    first, collective = await published(desk)
    member = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    await desk.act(first, "answer", **OPINION)
    await desk.act(first, "close")
    await desk.say(first, "reopen", text="没修好。")
    second = await desk.to("assigned")
    await desk.act(second, "accept")
    await desk.act(first, "merge", master=second)
    page = await desk.page(second)
    assert (sorted(page.members), page.answered_with) == (sorted([first, member]), [first, member])
    assert (await desk.page(member)).state == "closed"
    await desk.act(first, "unmerge")
    assert ((await desk.page(second)).members, (await desk.page(first)).members) == ([], [member])
    await desk.act(first, "merge", master=second)
    await desk.act(second, "answer", outcome="explained", text="电梯十二月安装。")
    assert (await desk.case(member, chat=NEIGHBOUR)).outcome == "explained"
    assert [kind for _, kind in await news(desk, NEIGHBOUR)][-3:] == ["answered", "closed", "answered"]


async def test_who_leaves_takes_those_along_who_came_with_it(desk: Desk, homes: dict[int, Agreement]) -> None:
    """Not those that had joined the others before, or did so after."""
    second, collective = await published(desk)
    there = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    first = await desk.file(chat=OTHER_NEIGHBOUR, agreement_id=homes[OTHER_NEIGHBOUR].id)
    await desk.act(first, "register")
    with_first = await desk.file(chat=FAR, agreement_id=homes[FAR].id)
    await desk.act(with_first, "merge", master=first)
    await desk.act(first, "merge", master=second)
    late = await desk.file(chat=FAR, agreement_id=homes[FAR].id)
    await desk.act(late, "merge", master=first)
    assert (await desk.page(second)).members == [there, first, with_first, late]
    await desk.say(first, "split_off", chat=OTHER_NEIGHBOUR)
    assert (await desk.page(second)).members == [there, late]
    assert (await desk.page(first)).members == [with_first]


async def test_who_has_the_first_answer_stays_with_the_others_when_the_masters_family_withdraws(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    master, collective = await published(desk)
    first = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    await desk.act(master, "answer", **OPINION)
    await desk.say(master, "reopen", text="还是没有。")
    heir = await desk.file(chat=OTHER_NEIGHBOUR, agreement_id=homes[OTHER_NEIGHBOUR].id)
    await desk.act(heir, "merge", master=master)
    await desk.say(master, "withdraw")
    assert (await desk.page(heir)).answered_with == [first]
    await desk.act(heir, "answer", outcome="explained", text="电梯十二月安装。")
    assert (await desk.case(first, chat=NEIGHBOUR)).outcome == "explained"


async def test_another_answer_is_told_in_the_name_of_who_gave_it(desk: Desk, homes: dict[int, Agreement]) -> None:
    """The matter went to another office meanwhile: there a family turns that does not agree."""
    chief = await desk.account(600100250, StaffRole.CASE_OFFICER, name="街道甲")
    other = await desk.add_department("街道办", chief)
    master, collective = await published(desk, "assigned")
    await desk.act(master, "accept")
    joined = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    await desk.act(master, "answer", **OPINION)
    await desk.say(master, "reopen", text="还是没有。")
    before = await news(desk, NEIGHBOUR)
    await desk.act(master, "transfer", department_id=other)
    assert await news(desk, NEIGHBOUR) == before
    await desk.act(master, "answer", chat=600100250, **OPINION)
    notice = (await told(desk, NEIGHBOUR))[-1]
    assert (notice["news"], notice["department"]) == ("answered", "街道办")
    assert await news(desk, NEIGHBOUR) == [*before, (joined, "answered")]
    case = await desk.case(joined, chat=NEIGHBOUR)
    assert (case.department, case.events[-1].kind, case.events[-1].handled_by) == ("街道办", "answered", "街道办")
    await desk.say(joined, "request_review", chat=NEIGHBOUR, text="不同意。")
    assert (await desk.page(joined)).department == "街道办"


async def test_an_answer_of_its_own_at_the_same_moment_is_not_overwritten(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    """Whoever comes second sees what the first has done."""
    for turn in range(6):
        master = await desk.to("in_progress")
        member = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
        await desk.act(member, "merge", master=master)
        own = {"step": {"action": "answer", "outcome": "supported", "text": "您家另行处理。"}}
        both = {"step": {"action": "answer"} | OPINION}
        versions = {number: (await desk.page(number)).version for number in (member, master)}

        async def answer(number: str, body: dict[str, Any], wait: float, versions: dict[str, int] = versions) -> int:
            await asyncio.sleep(wait)
            path = f"/v1/staff/{OFFICER}/cases/{number}/actions"
            body = body | {"version": versions[number]}
            async with desk.api.post(path, json=body, headers={"Idempotency-Key": f"answer-{number}"}) as response:
                return response.status

        statuses = await asyncio.gather(answer(member, own, 0), answer(master, both, 0.002 * turn))
        answers = [event.text for event in (await desk.page(member)).events if event.kind == "answered"]
        # Its own, and nothing behind it; or that of all, and then nobody could give it one of its own.
        assert statuses[1] == 200
        assert answers == (["您家另行处理。"] if statuses[0] == 200 else [OPINION["text"]])


async def test_whoever_has_joined_is_offered_nothing_and_joins_no_second_time(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    """Neither from another dialog, nor once they have an answer: the next one is theirs anyway."""
    master, collective = await published(desk)
    await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective)
    await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective, 404, key="another-dialog")
    await desk.act(master, "answer", **OPINION)
    await desk.say(master, "reopen", text="还是没有。")
    await desk.act(master, "publish", text=PUBLISHED)
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []
    assert len((await similar(desk, OTHER_NEIGHBOUR, homes[OTHER_NEIGHBOUR]))["collective"]) == 1
    await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective, 404, key="a-third-dialog")
    assert (await desk.page(master)).families == 2


@pytest.mark.parametrize("action", ["rate", "reopen", "request_review"])
async def test_what_is_said_of_an_answer_is_not_said_of_the_next(
    desk: Desk, homes: dict[int, Agreement], action: str
) -> None:
    """Another one may come while somebody is still writing about the first."""
    master, collective = await published(desk)
    joined = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]

    async def answered_at() -> str:
        [*_, newest] = [e for e in (await desk.case(joined, chat=NEIGHBOUR)).events if e.kind == "answered"]
        return newest.happened_at.isoformat()

    await desk.act(master, "answer", **OPINION)
    first = await answered_at()
    await desk.say(master, "reopen", text="还是没有。")
    await desk.act(master, "answer", outcome="not_supported", text="不予支持。")
    said: dict[str, Any] = {"rating": 5, "solved": True} if action == "rate" else {"text": "再看看。"}
    refused = await desk.say(joined, action, 409, chat=NEIGHBOUR, answered_at=first, **said)
    assert refused["code"] == "answered_anew"
    case = await desk.case(joined, chat=NEIGHBOUR)
    assert (case.state, case.rating, case.solved) == ("answered", None, None)
    await desk.say(joined, action, chat=NEIGHBOUR, answered_at=await answered_at(), **said)


async def test_joining_twice_is_one_case(desk: Desk, homes: dict[int, Agreement]) -> None:
    master, collective = await published(desk)
    answers = await asyncio.gather(
        *(_join_status(desk, homes[NEIGHBOUR], collective) for _ in range(5)),
    )
    assert sorted(status for status, _ in answers) == [200, 200, 200, 200, 201]
    assert len({number for _, number in answers}) == 1
    assert (await desk.page(master)).families == 2


async def _join_status(desk: Desk, agreement: Agreement, collective: int) -> tuple[int, str]:
    path = f"/v1/chats/{NEIGHBOUR}/collective-cases/{collective}/members"
    headers = {"Idempotency-Key": "join-once"}
    async with desk.api.post(path, json={"agreement_id": agreement.id}, headers=headers) as response:
        return response.status, (await response.json())["number"]


async def test_who_splits_off_goes_on_alone_from_where_it_stands(desk: Desk, homes: dict[int, Agreement]) -> None:
    master, collective = await published(desk)
    number = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    await desk.say(number, "split_off", chat=NEIGHBOUR)
    await desk.act(master, "answer", **OPINION)
    case = await desk.case(number, chat=NEIGHBOUR)
    assert (case.state, case.collective, [clock.kind for clock in case.clocks]) == ("in_progress", None, ["answer"])
    assert [event.kind for event in case.events][-1] == "split_off"
    assert (await desk.page(master)).members == []
    refused = await desk.say(number, "split_off", 409, chat=NEIGHBOUR)
    assert refused["code"] == "not_allowed_now"


async def test_staff_merge_and_unmerge_with_the_history_kept(desk: Desk, homes: dict[int, Agreement]) -> None:
    master = await desk.to("in_progress")
    number = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
    seen = (await desk.page(master)).version
    merged = await desk.act(number, "merge", master=master)
    # Who had begun to answer before sees first that one more family will read it.
    refused = await desk.act(master, "answer", 409, version=seen, **OPINION)
    assert refused["code"] == "case_changed"
    assert (merged["state"], merged["master"]) == ("in_progress", master)
    assert [kind for _, kind in await news(desk, NEIGHBOUR)] == ["merged", "accepted"]
    unmerged = await desk.act(number, "unmerge")
    assert (unmerged["master"], unmerged["state"]) == (None, "in_progress")
    history = [(event["kind"], event["master"]) for event in unmerged["events"]]
    assert ("merged", master) in history
    assert history[-1] == ("unmerged", master)
    await desk.act(master, "answer", **OPINION)
    assert (await desk.page(number)).state == "in_progress"


async def test_what_is_merged_takes_its_members_along(desk: Desk, homes: dict[int, Agreement]) -> None:
    first, collective = await published(desk, "registered")
    member = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    second = await desk.to("in_progress")
    await desk.act(first, "merge", master=second)
    page = await desk.page(second)
    assert sorted(page.members) == sorted([first, member])
    assert (await desk.page(member)).state == "in_progress"
    # What follows another case is offered to nobody.
    assert (await similar(desk, OTHER_NEIGHBOUR, homes[OTHER_NEIGHBOUR]))["collective"] == []
    await desk.act(second, "answer", **OPINION)
    assert {(await desk.page(number)).state for number in (first, member, second)} == {"answered"}


@pytest.mark.parametrize("wrong", ["itself", "2026-999999", "answered", "\0"])
async def test_what_a_case_cannot_be_merged_with(desk: Desk, wrong: str) -> None:
    number = await desk.to("registered")
    master = {"itself": number, "answered": await desk.to("answered")}.get(wrong, wrong)
    refused = await desk.act(number, "merge", 404 if wrong.startswith("2026") else 422, master=master)
    assert refused["code"] in ("not_found", "invalid_input")
    assert (await desk.page(number)).master is None


async def test_two_that_are_merged_into_each_other_at_once(desk: Desk, homes: dict[int, Agreement]) -> None:
    one, other = await desk.to("registered"), await desk.to("registered")
    versions = {number: (await desk.page(number)).version for number in (one, other)}

    async def merge(number: str, master: str) -> int:
        path = f"/v1/staff/{OFFICER}/cases/{number}/actions"
        step = {"step": {"action": "merge", "master": master}, "version": versions[number]}
        async with desk.api.post(path, json=step, headers={"Idempotency-Key": f"merge-{number}"}) as response:
            return response.status

    assert sorted(await asyncio.gather(merge(one, other), merge(other, one))) in ([200, 409], [200, 422])
    masters = [(await desk.page(number)).master for number in (one, other)]
    assert masters.count(None) == 1


async def test_when_the_family_of_the_master_withdraws_the_others_go_on(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    master, collective = await published(desk)
    heir = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    third = (await join(desk, OTHER_NEIGHBOUR, homes[OTHER_NEIGHBOUR], collective))["number"]
    await desk.say(master, "withdraw")
    page = await desk.page(heir)
    # The words were about the home of the family that is gone.
    assert (page.members, page.families, page.published_text) == ([third], 2, None)
    assert (await similar(desk, NEIGHBOUR, homes[NEIGHBOUR]))["collective"] == []
    await desk.act(heir, "answer", **OPINION)
    assert (await desk.page(third)).state == "answered"
    assert (await desk.page(master)).state == "withdrawn"


@pytest.mark.parametrize(
    ("action", "fields"),
    [("refuse", {"text": "请找街道办。"}), ("divert", {"procedure": "litigation", "text": "请到区法院。"})],
)
async def test_who_is_not_answered_with_the_master_goes_on_alone(
    desk: Desk, homes: dict[int, Agreement], action: str, fields: dict[str, Any]
) -> None:
    """Further on than its master, a member cannot be refused with it: it was left with it for ever, on nobody's desk.
    One that stands where the master does has the same end, and is told in the same words."""
    master = await desk.to("registered")
    ahead = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
    await desk.act(ahead, "register")
    await desk.act(ahead, "accept")
    await desk.act(ahead, "claim", chat=COLLEAGUE)
    beside = await desk.file(chat=OTHER_NEIGHBOUR, agreement_id=homes[OTHER_NEIGHBOUR].id)
    for number in (ahead, beside):
        await desk.act(number, "merge", master=master)
    clocks = (await desk.page(ahead)).clocks
    await desk.act(master, action, **fields)
    ended = (await desk.page(master)).state
    assert (await desk.page(beside)).state == ended
    assert (await news(desk, OTHER_NEIGHBOUR))[-1] == (beside, {"refuse": "refused"}.get(action, "diverted"))
    if action == "divert":
        # What is accepted can be diverted as well.
        assert (await desk.page(ahead)).state == ended
        return
    page = await desk.page(ahead)
    assert (page.state, page.master, page.clocks) == ("accepted", None, clocks)
    assert (page.events[-1].kind, page.events[-1].by, page.events[-1].master) == ("unmerged", "system", master)
    assert (await desk.case(ahead, chat=NEIGHBOUR)).collective is None
    assert (await news(desk, NEIGHBOUR))[-1] == (ahead, "unmerged")
    assert (await news(desk, COLLEAGUE))[-1] == (ahead, "given")
    assert [case.number for case in (await desk.queue(chat=COLLEAGUE, view="mine")).cases] == [ahead]


async def test_nobody_merges_into_a_case_of_another_department(desk: Desk, homes: dict[int, Agreement]) -> None:
    chief = await desk.account(600100250, StaffRole.CASE_OFFICER, name="街道甲")
    other = await desk.add_department("街道办", chief)
    theirs = await desk.to("registered")
    await desk.act(theirs, "assign", department_id=other)
    mine = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
    refused = await desk.act(mine, "merge", 403, master=theirs)
    assert refused["code"] == "not_allowed"
    assert (await desk.page(mine)).master is None
    await desk.act(mine, "merge", chat=ADMIN, master=theirs)
    assert (await desk.page(mine)).master == theirs


async def test_one_joins_with_what_was_offered_alone(desk: Desk, homes: dict[int, Agreement], factory: Factory) -> None:
    """The case that joins is about the same, and in the same building: not only some home of the family's."""
    _, collective = await published(desk)
    about_money = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id, category="payment")
    await desk.say(about_money, "join", 404, chat=NEIGHBOUR, collective_id=collective)
    far_unit = await factory.unit(building=await factory.building("98"), room="9801")
    near_unit = await factory.unit(building=await factory.building(), room="0901")
    both = await factory.agreement(units=[far_unit, near_unit])
    await factory.link(STRANGER, both)
    far = await desk.file(chat=STRANGER, agreement_id=both.id, unit_id=far_unit.id)
    await desk.say(far, "join", 404, chat=STRANGER, collective_id=collective)
    near = await desk.file(chat=STRANGER, agreement_id=both.id, unit_id=near_unit.id)
    await desk.say(near, "join", chat=STRANGER, collective_id=collective)


async def test_whoever_has_the_master_hears_that_more_families_read_the_answer(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    master, collective = await published(desk)
    await desk.act(master, "claim", chat=COLLEAGUE)
    for chat in (NEIGHBOUR, OTHER_NEIGHBOUR):
        await join(desk, chat, homes[chat], collective)
    # Once a day: a whole building may join.
    assert await news(desk, COLLEAGUE) == [(master, "joined")]
    assert (await desk.page(master, chat=COLLEAGUE)).families == 3
    other = await desk.to("registered")
    await desk.act(other, "claim", chat=COLLEAGUE)
    merged = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
    await desk.act(merged, "merge", master=other)
    assert (await news(desk, COLLEAGUE))[-1] == (other, "joined")


async def test_a_step_that_is_taken_back_takes_none_of_its_members(
    desk: Desk, homes: dict[int, Agreement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All families are told, or nobody is."""
    from api.cases import together

    master, collective = await published(desk)
    for chat in (NEIGHBOUR, OTHER_NEIGHBOUR):
        await join(desk, chat, homes[chat], collective)
    follow, followed = together._follow, 0

    async def fail_at_the_second(*given: Any) -> None:
        nonlocal followed
        followed += 1
        if followed == 2:
            raise OSError
        await follow(*given)

    monkeypatch.setattr(together, "_follow", fail_at_the_second)
    before = [await news(desk, chat) for chat in (RESIDENT, NEIGHBOUR, OTHER_NEIGHBOUR)]
    await desk.act(master, "answer", 503, **OPINION)
    assert [await news(desk, chat) for chat in (RESIDENT, NEIGHBOUR, OTHER_NEIGHBOUR)] == before
    async with desk.factory.database.transaction() as session:
        kinds = set(await session.scalars(select(CaseEvent.kind)))
    assert "answered" not in kinds


async def test_photos_of_the_masters_family_stay_theirs(desk: Desk, homes: dict[int, Agreement]) -> None:
    """A member takes the master's place in the office with steps that name the master's; what lies on those is shown
    with them. Where the master was transferred, not assigned, its newest step was once the family's own, photos and
    all."""
    number = await desk.file()
    await desk.act(number, "register")
    await desk.act(number, "transfer", department_id=desk.department, text="这件归你们管。")
    await desk.act(number, "publish", text=PUBLISHED)
    photo = await upload(desk.api, RESIDENT, filename="我家.png", upload_key="photo-of-the-home")
    await desk.say(number, "add", text="我家的照片", attachment_ids=[photo["id"]])
    async with desk.factory.database.transaction() as session:
        collective = (await session.scalars(select(Case.id).where(Case.number == number))).one()
    joined = CaseOut.model_validate(await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))
    assert joined.department == "住建局"
    assert joined.attachments == []
    assert all(event.attachment_ids == [] for event in joined.events)
    path = f"/v1/chats/{NEIGHBOUR}/cases/{joined.number}/attachments/{photo['id']}"
    await call(desk.api, "GET", path, 404)
    notices = await told(desk, NEIGHBOUR)
    assert notices
    assert all(notice["attachments"] == [] for notice in notices)


# --- what the building reads ---


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


async def test_only_who_can_follow_is_told_with_the_master(desk: Desk, homes: dict[int, Agreement]) -> None:
    number, collective = await published(desk)
    joined = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    assert (await desk.page(number)).following == [joined]
    await desk.act(number, "answer", **OPINION)
    await desk.say(number, "reopen", text="没修好。")
    page = await desk.page(number)
    # Another answer is for all; that it takes longer, for instance, is told to whoever waits for one.
    assert (page.members, page.following, page.answered_with) == ([joined], [], [joined])
    await desk.act(number, "extend", days=10, text="要做检测。", approved_by="编造局长")
    assert (await news(desk, NEIGHBOUR))[-1] == (joined, "answered")
