"""Documents of the office's answer: brought in the chat, and what Telegram refuses offered in another way."""

import base64
from datetime import timedelta

import aiohttp
import pytest

from api.cases import links
from api.settings import Settings
from api.staff.schemas import StaffRole
from tests.api.calls import PNG
from tests.api.desk import OFFICER, Desk
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.test_notices import has_written
from tests.people import Person

PUBLIC = "http://127.0.0.1:8699"


async def answered(desk: Desk, person: Person) -> str:
    number = await desk.to("accepted", chat=person.id)
    file = await desk.upload(filename="意见书.png")
    await desk.act(number, "answer", outcome="supported", text="见附件。", attachment_ids=[file])
    return number


async def test_without_a_public_address_it_can_be_collected(system: System, resident: Person, desk: Desk) -> None:
    await has_written(resident)
    number = await answered(desk, resident)
    notice = await resident.expect("有答复了", "附有1个文件")
    await system.fault("sendDocument", 400, description="Bad Request: file is refused", count=1)
    await resident.tap("工作专班发来的文件", on=notice)
    await resident.tap("意见书.png")
    told = await resident.expect("Telegram 不肯收“意见书.png”", "请到工作专班来取", number)
    assert told.protected
    # The next try succeeds.
    await resident.tap("意见书.png")
    await resident.expect_that("the document", lambda person: any("document" in m.wire for m in person.answers))


async def test_a_link_that_is_short_lived_and_dies_with_the_right_to_see(
    settings: Settings,
    database_url: str,
    factory: Factory,
    household: Household,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configured = settings.model_copy(update={"public_url": PUBLIC})
    async with System(configured, database_url) as system:
        person = await system.person("张三", phone=household.phone)
        link = await factory.link(person.id, household.agreement)
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        async with aiohttp.ClientSession(system.api_url, headers=headers) as api, aiohttp.ClientSession() as browser:
            desk = Desk(api, factory)
            desk.agreement = household.agreement
            await has_written(person)
            desk.officer = await desk.account(OFFICER, StaffRole.CASE_OFFICER)
            await answered(desk, person)
            notice = await person.expect("有答复了")
            await system.fault("sendDocument", 413, description="Request Entity Too Large", count=2)
            await person.tap("工作专班发来的文件", on=notice)
            await person.tap("意见书.png")
            offer = await person.expect("只给您一个人", "以前有效")
            assert offer.protected
            url = next(str(button["url"]) for button in offer.inline if "url" in button)
            assert url.startswith(f"{PUBLIC}/files/")
            at = system.api_url + url.removeprefix(PUBLIC)
            async with browser.get(at) as response:
                assert response.status == 200
                assert await response.read() == PNG
                assert response.headers["content-disposition"].startswith("attachment;")
                assert response.headers["content-type"] == "application/octet-stream"
                assert response.headers["cache-control"] == "no-store"
                assert response.headers["referrer-policy"] == "no-referrer"
            token = at.rpartition("/")[2]
            for wrong in (token[:-2], token[:-8] + "AAAAAAAA", "x", "é", "%00", "A" * 3000):
                async with browser.get(f"{system.api_url}/files/{wrong}") as response:
                    assert response.status == 404, wrong
            # Another file's token is not made of this one's; a sealed text of another purpose opens nothing.
            other = factory.vault.seal_json("chat.dialog", [person.id, "2026-000001", 1, 2**40])
            async with browser.get(f"{system.api_url}/files/{base64.urlsafe_b64encode(other).decode()}") as response:
                assert response.status == 404
            monkeypatch.setattr(links, "LIFETIME", timedelta(seconds=-1))
            await person.tap("意见书.png")
            over = await person.expect("只给您一个人")
            late = next(str(button["url"]) for button in over.inline if "url" in button)
            async with browser.get(system.api_url + late.removeprefix(PUBLIC)) as response:
                assert response.status == 404
            async with api.delete(f"/v1/chats/{person.id}/links/{link.id}") as response:
                assert response.status == 204
            async with browser.get(at) as response:
                assert response.status == 404
