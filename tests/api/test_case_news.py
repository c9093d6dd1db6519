"""What happens with a case that nobody has is told to all who may take it, each of them once."""

from api.staff.schemas import StaffRole
from tests.api.desk import ADMIN, COLLEAGUE, OFFICER, VIEWER, Desk
from tests.api.test_case_leaving import change, desk_news

CHIEF, PETITIONS = 600100260, 600100261


async def heard(desk: Desk, chat: int) -> list[tuple[str, str]]:
    return [(notice["news"], notice["number"]) for notice in await desk_news(desk, chat)]


async def test_what_is_given_to_an_office_and_nobody_there_is_told_to_whoever_may_take_it(desk: Desk) -> None:
    chief = await desk.account(CHIEF, StaffRole.CASE_OFFICER, name="科长")
    other = await desk.add_department("街道办", desk.colleague, chief, supervisor=chief)
    number = await desk.to("registered")
    await desk.act(number, "assign", department_id=other)
    for chat in (COLLEAGUE, CHIEF):
        assert await heard(desk, chat) == [("unclaimed", number)]
    for chat in (OFFICER, ADMIN, VIEWER):
        assert await heard(desk, chat) == []
    # Once somebody has taken it, only they hear.
    await desk.act(number, "claim", chat=COLLEAGUE)
    await desk.say(number, "add", text="又漏了。")
    assert await heard(desk, COLLEAGUE) == [("unclaimed", number), ("added", number)]
    assert await heard(desk, CHIEF) == [("unclaimed", number)]


async def test_what_is_taken_up_again_and_nobodys_finds_somebody(desk: Desk) -> None:
    number = await desk.to("assigned")
    await desk.act(number, "accept")
    await desk.act(number, "answer", outcome="supported", text="九月底前修好。")
    await desk.say(number, "reopen", text="没修好。")
    for chat in (OFFICER, COLLEAGUE):
        assert (await heard(desk, chat))[-1] == ("reopened", number)


async def test_an_answer_reaches_who_asked_and_who_has_taken_it_since(desk: Desk) -> None:
    """With no department, the petitions office's own officers hear; where it has none, the administrators."""
    number = await desk.to("registered")
    await desk.act(number, "ask", text="哪一间？")
    await desk.say(number, "reply", text="厨房。")
    assert await heard(desk, OFFICER) == await heard(desk, ADMIN) == [("replied", number)]
    await desk.account(PETITIONS, StaffRole.CASE_OFFICER)
    await desk.act(number, "ask", text="几楼？")
    await desk.say(number, "reply", text="三楼。")
    assert await heard(desk, OFFICER) == [("replied", number)] * 2
    assert await heard(desk, PETITIONS) == await heard(desk, ADMIN) == [("replied", number)]
    await desk.act(number, "ask", text="几号？")
    await desk.act(number, "claim", chat=COLLEAGUE)
    await desk.say(number, "reply", text="九号。")
    assert await heard(desk, COLLEAGUE) == [("replied", number)]
    assert await heard(desk, OFFICER) == [("replied", number)] * 2


async def test_who_may_not_decide_the_review_is_not_the_one_who_hears_of_it(desk: Desk) -> None:
    """Alone in their department they gave the answer: an administrator hears, and decides."""
    alone = await desk.account(CHIEF, StaffRole.CASE_OFFICER, name="科长")
    other = await desk.add_department("街道办", alone, supervisor=alone)
    number = await desk.to("registered")
    await desk.act(number, "assign", department_id=other, officer_id=alone)
    await desk.act(number, "accept", chat=CHIEF)
    await desk.act(number, "answer", chat=CHIEF, outcome="not_supported", text="没有依据。")
    before = await heard(desk, CHIEF)
    await desk.say(number, "request_review", text="不同意。")
    assert await heard(desk, CHIEF) == before
    assert await heard(desk, ADMIN) == [("review_requested", number)]


async def test_who_has_lost_the_role_supervises_nothing(desk: Desk) -> None:
    was = await desk.account(CHIEF, StaffRole.CASE_OFFICER, name="科长")
    other = await desk.add_department("街道办", was, supervisor=was)
    await change(desk, was, roles=["viewer"])
    number = await desk.to("registered")
    await desk.act(number, "assign", department_id=other)
    assert await heard(desk, CHIEF) == []
    assert await heard(desk, ADMIN) == [("unclaimed", number)]


async def test_what_an_office_sends_back_is_told_to_who_shares_it_out(desk: Desk) -> None:
    petitions = await desk.account(PETITIONS, StaffRole.CASE_OFFICER, name="接访丙")
    assert petitions
    number = await desk.to("transferred")
    await desk.act(number, "object", text="不归我们管。")
    assert ("unclaimed", number) in await heard(desk, PETITIONS)
