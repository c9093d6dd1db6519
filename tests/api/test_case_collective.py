"""Collective cases: offered while filing, joined, left, merged by staff."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from api.agreements.models import Agreement
from api.cases.models import Case, CaseEvent
from api.cases.schemas import CaseOut
from api.staff.schemas import StaffRole
from tests.api.calls import call, upload
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, OPINION, RESIDENT, STRANGER, Desk
from tests.api.neighbours import FAR, NEIGHBOUR, OTHER_NEIGHBOUR, PUBLISHED, homes, join, news, published, similar, told
from tests.factories import Factory

__all__ = ["homes"]


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
