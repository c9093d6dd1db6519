"""Families of one building who complain of the same: offered while writing, joined, answered together, split off."""

import pytest
from sqlalchemy import select

from api.cases.models import Case
from tests.api.desk import OPINION, Desk
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.test_cases import file_one
from tests.people import Person

PUBLISHED = "二单元电梯一直没有装。"


@pytest.fixture
async def neighbour(system: System, factory: Factory) -> Person:
    """Of another family in the same building, reading English."""
    other = await new_household(factory)
    person = await system.person("Lin", phone=other.phone, language="en")
    await factory.link(person.id, other.agreement)
    return person


async def published(resident: Person, desk: Desk) -> str:
    number = await file_one(resident, "电梯没有装")
    for action in ("register", "accept", "start"):
        await desk.act(number, action)
    await desk.act(number, "publish", text=PUBLISHED)
    return number


async def filed_by(factory: Factory, person: Person) -> Case:
    async with factory.database.transaction() as session:
        return (await session.scalars(select(Case).where(Case.chat_id == person.id))).one()


async def joined(factory: Factory, neighbour: Person) -> Case:
    """Of who joins what the building is offered."""
    await neighbour.send("/complain")
    await neighbour.tap("Transition fee")
    await neighbour.tap("Join them")
    await neighbour.tap("Yes, join")
    await neighbour.expect("filed, together with the others")
    return await filed_by(factory, neighbour)


async def test_a_neighbour_joins_and_both_have_the_answer_in_their_language(
    system: System, factory: Factory, household: Household, resident: Person, neighbour: Person, desk: Desk
) -> None:
    master = await published(resident, desk)
    await neighbour.send("/complain")
    await neighbour.tap("Transition fee")
    offered = await neighbour.expect("1 family of your building asks this already", PUBLISHED, "Please write what")
    assert offered.protected
    assert master not in offered.text
    await neighbour.tap("Join them")
    await neighbour.expect("Join this family?", PUBLISHED, "do not learn who you are")
    await neighbour.tap("No, write my own")
    await neighbour.tap("Transition fee")
    await neighbour.tap("Join them")
    asked = await neighbour.expect("Join this family?")
    await neighbour.tap("Yes, join", on=asked)
    await neighbour.expect("filed, together with the others", "2 families are answered together")
    own = await filed_by(factory, neighbour)
    assert factory.vault.open("case.text", own.text) == PUBLISHED
    await neighbour.tap("View it")
    shown = await neighbour.expect(f"Complaint {own.number}", "2 families are answered together")
    assert "Split off from the others" in shown.buttons
    await desk.act(master, "answer", **OPINION)
    await resident.expect(f"您的投诉 {master} 有答复了", OPINION["text"])
    answer = await neighbour.expect(f"Your complaint {own.number} is answered", OPINION["text"])
    assert master not in answer.text
    # What comes of it when one family has it looked into again is for both.
    await desk.say(master, "reopen", chat=resident.id, text="还是没装。")
    await desk.act(master, "answer", outcome="explained", text="电梯十二月安装。")
    await resident.expect(f"您的投诉 {master} 有新的答复了", "电梯十二月安装。")
    await neighbour.expect(
        f"new answer to your complaint {own.number}", "the place of the answer before", "together", "电梯十二月安装。"
    )
    await neighbour.tap("See the complaint")
    shown = await neighbour.expect(f"Complaint {own.number}", "电梯十二月安装。")
    assert "Rate the answer" in " ".join(shown.buttons)


async def test_what_was_being_said_of_an_answer_is_not_said_of_the_next(
    system: System, factory: Factory, resident: Person, neighbour: Person, desk: Desk
) -> None:
    """Stars were given to the first answer; the second, which refuses, must not get them."""
    master = await published(resident, desk)
    own = await joined(factory, neighbour)
    await desk.act(master, "answer", **OPINION)
    await neighbour.expect("is answered")
    await neighbour.tap("Rate the answer")
    await neighbour.tap("Very good")
    await neighbour.tap("Yes, solved")
    await desk.say(master, "reopen", chat=resident.id, text="还是没装。")
    await desk.act(master, "answer", outcome="not_supported", text="不予支持。")
    await neighbour.expect("new answer to your complaint")
    await neighbour.send("thank you, all is well")
    await neighbour.expect("There is a new answer by now", "不予支持。")
    case = await desk.case(own.number, chat=neighbour.id)
    assert (case.rating, case.solved) == (None, None)
    # A request is kept, and goes once the person has seen what it is about.
    await neighbour.tap("Ask for a review")
    await neighbour.send("I do not agree at all")
    await desk.say(master, "reopen", chat=resident.id, text="还是没装。")
    await desk.act(master, "answer", outcome="explained", text="电梯十二月安装。")
    await neighbour.expect("new answer to your complaint")
    await neighbour.tap("Send to the office")
    await neighbour.expect("There is a new answer by now", "电梯十二月安装。")
    assert (await desk.case(own.number, chat=neighbour.id)).state == "answered"
    await neighbour.expect("I do not agree at all", "Nothing is sent yet")
    await neighbour.tap("Send to the office")
    await neighbour.expect("Your request for a review")
    assert (await desk.case(own.number, chat=neighbour.id)).state == "review"


async def test_a_member_splits_off_with_one_tap(
    system: System, factory: Factory, resident: Person, neighbour: Person, desk: Desk
) -> None:
    master = await published(resident, desk)
    own = (await joined(factory, neighbour)).number
    await neighbour.tap("View it")
    shown = await neighbour.expect(f"Complaint {own}")
    await neighbour.tap("Split off", on=shown)
    await neighbour.expect("on its own again")
    await neighbour.tap("Split off", on=shown)
    await neighbour.expect("on its own already")
    await desk.act(master, "answer", **OPINION)
    await resident.expect(f"您的投诉 {master} 有答复了")
    assert (await filed_by(factory, neighbour)).state == "in_progress"


async def test_an_offer_that_is_over_leaves_the_person_where_they_were(
    system: System, resident: Person, neighbour: Person, desk: Desk
) -> None:
    master = await published(resident, desk)
    await neighbour.send("/complain")
    await neighbour.tap("Transition fee")
    await neighbour.tap("Join them")
    asked = await neighbour.expect("Join this family?")
    await desk.act(master, "unpublish")
    await neighbour.tap("Yes, join", on=asked)
    await neighbour.expect("offers it no more", "Please write what happened")
    await neighbour.send("The lift is not there.")
    await neighbour.expect("up to")


async def test_ones_own_open_complaint_is_shown_before_another_is_written(resident: Person, desk: Desk) -> None:
    number = await file_one(resident, "电梯没有装")
    await resident.send("/complain")
    await resident.tap("过渡费")
    await resident.expect("已经有一件投诉在办", number)
    await resident.tap(f"补充到 {number}")
    await resident.expect(f"投诉 {number}")
