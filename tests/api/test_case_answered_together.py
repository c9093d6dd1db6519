"""Cases that are answered together: what a master is told, its members are told; who goes on alone, is not."""

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from api.agreements.models import Agreement
from api.audit.service import SYSTEM
from api.cases.models import Case
from api.cases.office_days import set_days
from api.cases.schemas import CaseOut
from api.staff.schemas import StaffRole
from tests.api.calls import PNG
from tests.api.desk import OFFICER, OPINION, RESIDENT, Desk
from tests.api.neighbours import FAR, NEIGHBOUR, OTHER_NEIGHBOUR, PUBLISHED, homes, join, news, published, similar, told

__all__ = ["homes"]


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
    async with desk.factory.database.transaction() as session:
        assert await session.scalar(select(Case.closed_at).where(Case.number == joined)) is None
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


async def test_who_was_brought_along_takes_nobody_along(desk: Desk, homes: dict[int, Agreement]) -> None:
    """Who joined a case, and was then put together with others as its member, leaves alone; so does who was handed to
    an heir."""
    first, second = await desk.to("in_progress"), await desk.to("in_progress")
    leaves, stays = [await desk.file(chat=chat, agreement_id=homes[chat].id) for chat in (NEIGHBOUR, OTHER_NEIGHBOUR)]
    for number in (leaves, stays):
        await desk.act(number, "merge", master=first)
    await desk.act(first, "merge", master=second)
    await desk.say(leaves, "split_off", chat=NEIGHBOUR)
    assert [(await desk.page(number)).master for number in (first, leaves, stays)] == [second, None, second]
    heir = first
    await desk.say(second, "withdraw")
    assert [(await desk.page(number)).master for number in (heir, stays)] == [None, heir]
    late = await desk.file(chat=FAR, agreement_id=homes[FAR].id)
    await desk.act(late, "merge", master=heir)
    await desk.say(stays, "split_off", chat=OTHER_NEIGHBOUR)
    assert [(await desk.page(number)).master for number in (stays, late)] == [None, heir]


async def test_who_is_let_go_keeps_its_own_members(desk: Desk, homes: dict[int, Agreement]) -> None:
    master = await desk.to("registered")
    ahead, its_own = [await desk.file(chat=chat, agreement_id=homes[chat].id) for chat in (NEIGHBOUR, OTHER_NEIGHBOUR)]
    for number in (ahead, its_own):
        await desk.act(number, "register")
        await desk.act(number, "accept")
    await desk.act(its_own, "merge", master=ahead)
    await desk.act(ahead, "merge", master=master)
    await desk.act(master, "refuse", text="请找街道办。")
    assert [(await desk.page(number)).master for number in (ahead, its_own)] == [None, ahead]


async def test_an_answer_is_said_to_be_for_all_only_where_there_are_others(
    desk: Desk, homes: dict[int, Agreement]
) -> None:
    master, collective = await published(desk)
    joined = (await join(desk, NEIGHBOUR, homes[NEIGHBOUR], collective))["number"]
    await desk.say(joined, "withdraw", chat=NEIGHBOUR)
    await desk.act(master, "answer", **OPINION)
    assert (await told(desk, RESIDENT))[-1]["together"] is False


@pytest.mark.parametrize("other", ["answer", "days"])
async def test_what_is_taken_apart_while_others_hold_its_cases(
    desk: Desk, homes: dict[int, Agreement], other: str
) -> None:
    """A member whose own members came before it: who locks in another order than the others waits for ever."""
    for turn in range(8):
        master = await desk.to("in_progress")
        own = await desk.file(chat=NEIGHBOUR, agreement_id=homes[NEIGHBOUR].id)
        leaves = await desk.file(chat=OTHER_NEIGHBOUR, agreement_id=homes[OTHER_NEIGHBOUR].id)
        await desk.act(own, "merge", master=leaves)
        await desk.act(leaves, "merge", master=master)
        versions = {number: (await desk.page(number)).version for number in (master, leaves)}

        async def step(number: str, versions: dict[str, int] = versions, **fields: Any) -> int:
            path = f"/v1/staff/{OFFICER}/cases/{number}/actions"
            body = {"step": fields, "version": versions[number]}
            async with desk.api.post(path, json=body, headers={"Idempotency-Key": f"step-{number}"}) as response:
                return response.status

        async def meanwhile(turn: int = turn, master: str = master) -> int:
            await asyncio.sleep(0.002 * turn)
            if other == "answer":
                return await step(master, action="answer", **OPINION)
            async with desk.factory.database.transaction() as session:
                await set_days(session, SYSTEM, {date(2027, 1, 4): turn % 2 == 0})
            return 200

        assert {*await asyncio.gather(step(leaves, action="unmerge"), meanwhile())} <= {200, 409}
