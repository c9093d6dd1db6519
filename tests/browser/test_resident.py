"""The main job by clicking, as somebody does it on a phone: prove who one is, look things up, file a complaint."""

from datetime import date
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from api.cases.models import Case
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.files import picture


@pytest.mark.long
async def test_from_a_stranger_to_a_filed_complaint(
    system: System, factory: Factory, household: Household, page: Page, tmp_path: Path
) -> None:
    await factory.forecast(await factory.building(), date(2027, 6, 30), source="专班通报第12号")
    person = await system.person("张三", phone=household.phone, agreed=False)
    photo = tmp_path / "漏水.jpg"
    photo.write_bytes(picture())

    async def press(name: str, *, exact: bool = False) -> None:
        await page.locator("#log").get_by_role("button", name=name, exact=exact).last.click()

    theirs, mine = page.locator(".row-theirs"), page.locator(".row-mine")

    await page.goto(f"{system.url}/?user={person.id}")
    await page.get_by_role("button", name="开始").click()
    await press("验证身份")
    await press("我看过了，继续")
    await press("用手机号")
    await press("同意，继续")
    await page.locator("#keyboard").get_by_role("button", name="发送我的手机号").click()
    await page.locator("#box").get_by_role("button", name="分享").click()
    await expect(theirs.last).to_contain_text("后四位")
    await page.get_by_role("textbox").fill(household.id_number[-4:])
    await page.get_by_role("textbox").press("Enter")
    await expect(theirs.last).to_contain_text("验证好了")
    # The message with the characters of the ID number is gone from the chat.
    await expect(mine.filter(has_text=household.id_number[-4:])).to_have_count(0)

    await press("什么时候交房")
    await expect(theirs.last).to_contain_text("预计 2027年6月30日 交房")
    await expect(theirs.last).to_contain_text("专班通报第12号")
    await press("我的房子", exact=True)
    await expect(theirs.last).to_contain_text(household.unit.room)

    await press("返回主菜单")
    await press("我要投诉")
    await press("房屋质量")
    await expect(theirs.last).to_contain_text("把事情写下来")
    await page.get_by_role("textbox").fill("厨房漏水，从三月开始")
    await page.get_by_role("textbox").press("Enter")
    await expect(theirs.last).to_contain_text("内容收到了")
    await page.locator("#pick-photos").set_input_files(photo)
    await page.locator("dialog[open]").get_by_role("button", name="发送").click()
    await expect(theirs.last).to_contain_text("1张照片")
    await press("继续")
    await expect(theirs.last).to_contain_text("请核对一下")
    await press("提交")
    await expect(theirs.last).to_contain_text("您的投诉已经提交")

    async with factory.database.transaction() as session:
        case = (await session.execute(select(Case))).scalar_one()
    await expect(theirs.last).to_contain_text(case.number)
    assert factory.vault.open("case.text", case.text) == "厨房漏水，从三月开始"
