"""One update that lies about its types, is two kinds at once, or cannot be read: it is let go, and nobody waits for it.

Each of these has once failed a turn, sent a broken request to the API, or stopped the queue for good.
"""

from typing import Any

import pytest

from handlers.complaint_draft import Step
from handlers.complaint_screens import Change
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.files import picture
from tests.flows.test_bad_input import contact as at_contact
from tests.flows.test_bad_input import step_in
from tests.flows.test_complaint import dialog_of
from tests.hostile.conftest import Complaints, HookedSystem
from tests.hostile.mutations import body_of
from tests.people import Person

pytestmark = pytest.mark.security("Hostile input arrives as text, or not at all")

BEYOND = 2**52


def said(**other: Any) -> dict[str, Any]:
    user = {"id": 720000001, "is_bot": False, "first_name": "王", "language_code": "zh-hans"}
    chat = {"id": 720000001, "type": "private", "first_name": "王"}
    return {"message_id": 9, "date": 1_790_000_000, "chat": chat, "from": user, "text": "/start"} | other


def tapped(**other: Any) -> dict[str, Any]:
    return {"id": "1", "from": said()["from"], "chat_instance": "1", "data": "menu", "message": said()} | other


LIES: dict[str, dict[str, Any]] = {
    "a chat named by a path": {"message": said(chat={"id": "../../healthz", "type": "private"})},
    "a chat named by another request": {
        "message": said(chat={"id": "1 HTTP/1.1\r\nX: y\r\n\r\nGET /", "type": "private"})
    },
    "a chat that is true": {"message": said(chat={"id": True, "type": "private"})},
    "a chat beyond all": {"message": said(chat={"id": BEYOND, "type": "private"})},
    "a chat that is a list": {"message": said(chat={"id": [1], "type": "private"})},
    "a group that is private": {"message": said(chat={"id": -5, "type": "private"})},
    "a kind of chat that is none": {"message": said(chat={"id": 5, "type": ["private"]})},
    "a message beyond all": {"message": said(message_id=BEYOND)},
    "a text that is a number": {"message": said(text=5)},
    "half a surrogate pair": {"message": said(text="\ud800")},
    "a language that is a list": {"message": said(**{"from": said()["from"] | {"language_code": ["zh"]}})},
    "a sender that is an object": {"message": said(**{"from": said()["from"] | {"id": {}}})},
    "a contact that is a word": {
        "message": said(contact={"phone_number": "138", "first_name": "x", "user_id": "720000001"})
    },
    "a place off the earth": {"message": said(location={"latitude": 91, "longitude": 0})},
    "a place without a number": {"message": said(location={"latitude": "30", "longitude": 0})},
    "a file name that is a list": {
        "message": said(document={"file_id": "a", "file_unique_id": "a", "file_name": ["a"]})
    },
    "a picture of a negative size": {
        "message": said(photo=[{"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1, "file_size": -1}])
    },
    "a tap with a number": {"callback_query": tapped(data=5)},
    "a tap that is no tap's": {"callback_query": tapped(id=5)},
    "a message and a tap": {"message": said(), "callback_query": tapped()},
}


MEDIA_TYPES = ("image/png\r\nX-Evil: 1", "文本/平", "image/png; charset=\0", "x" * 5000, "/", " ")


async def test_an_update_that_lies_goes_nowhere(hooked: HookedSystem, complaints: Complaints) -> None:
    person = await hooked.person("王", user_id=720000001)
    for number, (what, lie) in enumerate(LIES.items(), start=1):
        complaints.capture.entries.clear()
        assert await hooked.post(body_of({"update_id": number, **lie})) == 200, what
        await person.send("/start")
        await person.expect("您想查什么")
        assert len(person.answers) == 1, what
        heard = [entry["event"] for entry in complaints.capture.entries if entry["log_level"] != "info"]
        assert heard == ["update_not_understood"], what


async def test_a_batch_with_an_update_that_cannot_be_read(
    system: System, complaints: Complaints, resident: Person
) -> None:
    """Polling: those around it are answered, and it does not come again."""
    await system.stop_bot()
    await resident.send("/handover")
    for unreadable in ({"text": "no chat"}, said(date="yesterday"), said(entities=[5])):
        system.world.updates.put(resident.id, "message", unreadable)
    await resident.send("/help")
    await system.start_bot()
    await resident.expect("/handover")
    await system.quiet()
    assert any("交房" in text for text in resident.said())
    assert not len(system.world.updates)
    assert not complaints.of_ours


async def test_a_button_of_the_summary_before_there_is_one(
    system: System, factory: Factory, complaints: Complaints, resident: Person
) -> None:
    """An app that is not Telegram's own can send what no button on the screen carries."""
    await resident.send("/complain")
    await resident.expect("您要反映哪方面的事")
    await system.quiet()
    for step in Step:
        dialog = str(await dialog_of(factory, resident)).split('"id":"')[1].split('"')[0]
        await resident.tap_data(resident.last.id, Change(dialog, step).encode())
        await system.quiet()
        assert step_in(await dialog_of(factory, resident)) == Step.CATEGORY
    assert not complaints.of_ours


async def test_a_media_type_that_is_none(system: System, complaints: Complaints, resident: Person) -> None:
    """It is the sender's app that claims it; the office looks at the content."""
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    user = said()["from"] | {"id": resident.id}
    for number, claimed in enumerate(MEDIA_TYPES):
        await resident.refresh()
        stored = system.world.files.add_document("a.png", "image/png", picture(number)).content
        document = {**stored, "mime_type": claimed, "file_unique_id": f"a/b?c=d&\r\n{number}"}
        chat = {"id": resident.id, "type": "private"}
        update = said(chat=chat, document=document, message_id=10**6 + number, **{"from": user})
        del update["text"]
        system.world.updates.put(resident.id, "message", update)
        await resident.expect(f"{number + 1}个文件")
        await system.quiet()
    assert not complaints.of_ours


async def test_a_phone_number_that_is_none(
    system: System, complaints: Complaints, household: Household, resident: Person
) -> None:
    await at_contact(resident, household)
    contact = {"phone_number": "1" * 41, "first_name": "x", "user_id": resident.id}
    chat = {"id": resident.id, "type": "private"}
    update = said(chat=chat, contact=contact, message_id=10**6, **{"from": said()["from"] | {"id": resident.id}})
    del update["text"]
    system.world.updates.put(resident.id, "message", update)
    await resident.expect_any()
    await system.quiet()
    assert await resident.keyboard()
    assert not complaints.of_ours


async def test_a_code_with_much_between_its_letters(system: System, complaints: Complaints) -> None:
    person = await system.person("王")
    await person.send("A" + " " * 200 + "BCDE-23456")
    await person.expect_any()
    assert not complaints.of_ours


async def test_a_chat_that_is_gone_is_no_failure_of_ours(hooked: HookedSystem, complaints: Complaints) -> None:
    assert await hooked.post(body_of({"update_id": 1, "message": said()})) == 200
    group = said(chat={"id": -100, "type": "group", "title": "x"}, text="/start")
    assert await hooked.post(body_of({"update_id": 2, "message": group})) == 200
    assert not complaints.of_ours
    assert [entry["event"] for entry in complaints.capture.entries].count("out_of_reach") == 2


async def test_a_file_that_telegram_does_not_give(system: System, complaints: Complaints, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    await system.fault("getFile", 400, description="Bad Request: wrong file_id or the file is temporarily unavailable")
    await resident.send_photo(picture(), caption="厨房漏水")
    await resident.expect("没能从 Telegram 取到这个文件", "要不要再发几张照片")
    await resident.send_photo(picture())
    await resident.expect("1张照片")
    assert not complaints.of_ours
