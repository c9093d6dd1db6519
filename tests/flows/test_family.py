"""A family and its home: letting a relative in, the progress alone, shutting out, and links that end by themselves."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from api.agreements.schemas import PartyRole
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, RelativeCodesOut
from api.imports.service import LoadOptions, load_rolls
from tests.api.imports import books
from tests.api.imports.books import ANNE, DAN
from tests.days import office_day
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.people import Person

CODE = re.compile(r"\b[A-HJ-NP-Z2-9]{10}\b")


async def change_links(factory: Factory, person: Person, what: str) -> None:
    async with factory.database.transaction() as session:
        await session.execute(text(f"UPDATE links SET {what} WHERE chat_id = :chat"), {"chat": person.id})


async def let_in(holder: Person, *taps: str) -> str:
    """The holder makes a code; the code."""
    await holder.send("/settings")
    for button in taps:
        await holder.tap(button)
    invitation = await holder.expect("https://t.me/", "只能用一次")
    assert not invitation.protected, "it is there to be passed on"
    told = await holder.expect("转发给您的家人")
    assert "。 " not in told.text
    found = CODE.search(invitation.text)
    assert found is not None
    assert f"start={found[0]}" in invitation.text
    return found[0]


async def use_code(system: System, factory: Factory, code: str, name: str = "小张") -> Person:
    child = await system.person(name)
    await child.send(f"/start {code}")
    if "看过了" in " ".join((await child.expect_any()).buttons):
        await child.tap("看过了")
    await child.expect("找到您的1份协议")
    return child


async def test_a_child_sees_the_progress_alone(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    await factory.ledger_entry(household.agreement, "98765.00")
    code = await let_in(resident, "让家人也能看", "生成邀请码", "只看进度", "一年")
    child = await use_code(system, factory, code)
    await child.send("/home")
    home = await child.expect("权利人让您看房子的进度")
    assert household.agreement.number not in home.text
    assert not any("付款" in button or "钱" in button for button in home.buttons)
    await child.send("/payments")
    told = await child.expect("钱和投诉只有权利人自己能看", "再给您一个邀请码")
    assert "98,765" not in told.text
    await child.send("/complain")
    await child.expect("钱和投诉只有权利人自己能看")
    await child.send("/settings")
    await child.expect("只有房子的进度", "看到")
    await resident.send("/payments")
    await resident.expect("98,765")
    # The holder sees who uses it, and shuts them out.
    await resident.send("/settings")
    await resident.expect("另一个 Telegram 账号能看到", "只有房子的进度", "最近一次使用")
    await resident.tap("让家人也能看")
    await resident.expect("还有谁能看到您家的房子", "家人")
    await resident.tap("不让那个账号看")
    await resident.tap("确定")
    await resident.expect("已经办好")
    await child.send("/home")
    await child.expect("请先验证一下身份")


async def test_in_english(system: System, factory: Factory, household: Household, english_resident: Person) -> None:
    await english_resident.send("/settings")
    await english_resident.tap("Let a relative see it")
    await english_resident.expect("Who else sees your home", "Nobody but this account")
    await english_resident.tap("Make a new code")
    await english_resident.tap("Everything")
    await english_resident.tap("Until I end it")
    invitation = await english_resident.expect("An invitation", "It works once")
    code = CODE.search(invitation.text.split("code:")[1])
    assert code is not None
    child = await use_code(system, factory, code[0])
    await child.send("/payments")
    await child.expect(household.agreement.number)


async def test_a_code_that_was_passed_to_the_wrong_person_is_cancelled(
    system: System, household: Household, resident: Person
) -> None:
    code = await let_in(resident, "让家人也能看", "生成邀请码", "全部", "一个月")
    await resident.tap("还有谁能看到")
    await resident.expect("还没人用的邀请码", "邀请码 1")
    await resident.tap("作废邀请码 1")
    await resident.expect("已经作废")
    stranger = await system.person("外人")
    await stranger.send(f"/start {code}")
    if "看过了" in " ".join((await stranger.expect_any()).buttons):
        await stranger.tap("看过了")
    await stranger.expect("邀请码")
    await stranger.send("/home")
    await stranger.expect("请先验证一下身份")


async def test_five_codes_wait_at_most(household: Household, resident: Person) -> None:
    for _ in range(5):
        await let_in(resident, "让家人也能看", "生成邀请码", "只看进度", "一年")
    await resident.send("/settings")
    await resident.tap("让家人也能看")
    shown = await resident.expect("邀请码 5")
    assert not any("➕" in button for button in shown.buttons)


async def test_a_code_that_could_not_be_shown_once_stayed_open(
    system: System, household: Household, resident: Person
) -> None:
    """Each further try made one more, which nobody had seen."""
    await resident.send("/settings")
    for button in ("让家人也能看", "生成邀请码", "全部"):
        await resident.tap(button)
    for _ in range(3):
        await system.fault("sendMessage", 500)
        await resident.tap("一个月")
        await resident.expect("连不上系统")
    await resident.tap("一个月")
    await resident.expect("https://t.me/", "只能用一次")
    await resident.expect("转发给您的家人")
    await resident.tap("还有谁能看到")
    shown = await resident.expect("还没人用的邀请码", "邀请码 1")
    assert "邀请码 2" not in shown.text


async def test_a_holder_whose_link_ends_while_the_screen_is_made_once_saw_an_error(
    system: System, factory: Factory, household: Household, resident: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await system.person("李四")
    await factory.link(other.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await resident.send("/settings")
    await resident.expect_button("让家人也能看")
    backend = system.application.bot_data["backend"]
    look_up = backend.relative_codes

    async def and_then_the_link_ends(chat_id: int, agreement_id: int) -> RelativeCodesOut:
        codes: RelativeCodesOut = await look_up(chat_id, agreement_id)
        async with factory.database.transaction() as session:
            await session.execute(text("DELETE FROM links WHERE chat_id = :chat"), {"chat": chat_id})
        return codes

    monkeypatch.setattr(backend, "relative_codes", and_then_the_link_ends)
    await resident.tap("让家人也能看")
    await resident.expect("只有权利人")


async def test_a_relative_lets_nobody_in(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    child = await system.person("小张")
    await factory.link(child.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await child.send("/settings")
    shown = await child.expect("您能看到")
    assert not any("让家人也能看" in button for button in shown.buttons)
    await resident.send("/settings")
    _, button = await resident.find_button("让家人也能看")
    await child.tap_data(shown.id, str(button["callback_data"]))
    await child.expect("只有权利人本人或共有人")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_who_was_away_for_long_is_asked_once_more(
    system: System, factory: Factory, household: Household, language: str
) -> None:
    person = await system.person("张三", phone=household.phone, language=language)
    await factory.link(person.id, household.agreement)
    await change_links(factory, person, "expires_on = CURRENT_DATE - 1")
    asked = {"zh-hans": "您很久没来了", "en": "You have not been here for a long time"}[language]
    for command in ("/home", "/payments", "/handover", "/complain"):
        await person.send(command)
        gate = await person.expect(asked)
    assert len(gate.buttons) == 2, "the proof, and the office"
    await person.send("/settings")
    shown = await person.expect(asked, household.agreement.number)
    assert household.name[0] + "*" not in shown.text


async def test_a_proxy_sees_nothing_after_the_last_day(system: System, factory: Factory, household: Household) -> None:
    proxy = await factory.person()
    today = office_day()
    party = await factory.party(
        household.agreement, proxy, PartyRole.PROXY, position=1, valid_until=today + timedelta(days=3)
    )
    person = await system.person("代办人")
    await factory.link(person.id, household.agreement, person=proxy, role=LinkRole.PROXY)
    await person.send("/settings")
    await person.expect("您能看到", "为止")
    async with factory.database.transaction() as session:
        day = {"day": today - timedelta(days=2), "id": party.id}
        await session.execute(text("UPDATE parties SET valid_until = :day WHERE id = :id"), day)
    await person.send("/home")
    await person.expect("期限到了")


async def test_an_heir_waits_for_the_office(system: System, factory: Factory, household: Household) -> None:
    heir, person = await factory.person(), await system.person("继承人")
    await factory.party(household.agreement, heir, PartyRole.HEIR, position=1)
    await factory.link(person.id, household.agreement, person=heir, role=LinkRole.HEIR, scope=LinkScope.PROGRESS)
    await person.send("/payments")
    told = await person.expect("工作专班看过继承的材料以前")
    assert "🏢 请工作专班帮忙" in told.buttons


async def test_a_new_roll_with_another_holder(system: System, factory: Factory, tmp_path: Path) -> None:
    async def roll(**changed: str) -> None:
        path = books.xlsx(tmp_path / "roll.xlsx", [books.relocation(**changed)])
        (report,) = await load_rolls(factory.database, factory.vault, [path], options=LoadOptions())
        assert report.loaded

    await roll()
    async with factory.database.transaction() as session:
        row = (await session.execute(text("SELECT agreement_id, person_id FROM parties"))).one()
    person = await system.person("赵测一", phone=ANNE.phone)
    async with factory.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO links (chat_id, agreement_id, person_id, role, method) "
                "VALUES (:chat, :agreement, :person, 'holder', 'phone')"
            ),
            {"chat": person.id, "agreement": row.agreement_id, "person": row.person_id},
        )
    await person.send("/home")
    await person.expect("AZ-2020-001")
    await roll(被安置人姓名=DAN.name, 证件号码=DAN.id_number, 联系电话=DAN.phone)
    await person.send("/home")
    gate = await person.expect("最新的台账上已经没有这个人了")
    assert gate.buttons == ["🔑 验证身份", "🏢 请工作专班帮忙"]
    await person.send("/settings")
    shown = await person.expect("现在看不到了", "AZ-2020-001")
    assert DAN.name[0] + "*" not in shown.text
    assert "1801" not in shown.text
    await roll()
    await person.send("/home")
    await person.expect("AZ-2020-001")


async def test_several_who_see_the_home_can_be_told_apart(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    """All of them were just "a relative"."""
    invented = factory.invented()
    owner = await factory.person(invented)
    await factory.party(household.agreement, owner, role=PartyRole.CO_OWNER)
    spouse = await system.person("李四", phone=invented.phone)
    await spouse.send("/home")
    for button in ("验证身份", "用手机号"):
        await spouse.tap(button)
    await spouse.press("发送我的手机号")
    await spouse.send(invented.id_number[-4:])
    await spouse.expect("找到您的1份协议")
    for number, name in enumerate(("小张", "小李"), 8):
        code = await let_in(resident, "让家人也能看", "生成邀请码", "只看进度", "一年")
        child = await use_code(system, factory, code, name)
        await change_links(factory, child, f"linked_at = '2026-11-2{number - 7}T0{number}:05+08'")
    await resident.send("/settings")
    shown = await resident.expect("设置")
    for told in (
        f"台账上的姓名：{invented.name[0]}*",
        f"手机号：{invented.phone[:3]}****{invented.phone[-4:]}",
        "2026年11月21日",
        "08:05",
        "2026年11月22日",
        "09:05",
    ):
        assert told in shown.text, shown.text
    assert invented.name not in shown.text
    assert invented.phone not in shown.text
    await resident.tap("让家人也能看")
    listed = await resident.expect("还有谁能看", "台账上的姓名", "08:05", "09:05")
    await resident.tap("2. 不让那个账号看", on=listed)
    await resident.expect("点“确定”以后", "08:05")
    await child.send("/settings")
    own = await child.expect("设置")
    assert "台账上的姓名" not in own.text
