"""The family knows who sees its home: what the bot says without being asked, and one tap that shuts a stranger out."""

import asyncio
import time
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from api.agreements.schemas import AgreementKind, AgreementRef, PartyRole
from api.chats.granting import Grant, grant_links, revoke_link_by_staff
from api.chats.models import Chat, Link
from api.identity.schemas import LinkMethod, LinkRole, LinkScope
from api.imports.service import LoadOptions, load_rolls
from api.messages import routes
from api.messages.models import Delivery
from api.messages.schemas import AccessDeclined, AccessGranted, DeliveryState, Notice
from api.messages.service import enqueue_notice
from api.staff.models import StaffAccount
from tests.api.imports import books
from tests.api.imports.books import ANNE, DAN
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.test_family import let_in, use_code
from tests.people import Person

pytestmark = pytest.mark.security("The family knows who sees its home")

NEW = "又有一个 Telegram 账号能看到您家的房子了"
MOMENTS = 12.0
"""Seconds within which a family is to be told, on any machine. A courier that nothing rings for waits twice as long."""


async def deliveries(factory: Factory) -> list[Delivery]:
    async with factory.database.transaction() as session:
        return list((await session.execute(select(Delivery).order_by(Delivery.id))).scalars())


async def settled(factory: Factory) -> list[Delivery]:
    """All messages, once none waits any more."""
    async with asyncio.timeout(30):
        while True:
            found = await deliveries(factory)
            if all(one.state is not DeliveryState.WAITING for one in found):
                return found
            await asyncio.sleep(0.02)


async def has_written(*people: Person) -> None:
    """Telegram lets a bot write only to who has written to it."""
    for person in people:
        await person.send("/help")
        await person.expect_any()


async def links_of(factory: Factory, person: Person) -> list[Link]:
    async with factory.database.transaction() as session:
        found = select(Link).where(Link.chat_id == person.id).order_by(Link.id)
        return list((await session.execute(found)).scalars())


async def test_a_relative_comes_in_the_first_phone_is_told_and_one_tap_shuts_out(
    system: System, factory: Factory, household: Household, resident: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await let_in(resident, "让家人也能看", "生成邀请码", "全部", "一年")
    monkeypatch.setattr(routes, "POLL", 60.0)
    child = await use_code(system, factory, code)
    began = time.monotonic()
    notice = await resident.expect(NEW, household.agreement.number, "用邀请码验证", "身份：家人", "能看：全部")
    assert time.monotonic() - began < MOMENTS
    assert notice.protected
    assert f"{household.name[0]}*" in notice.text
    assert household.name not in notice.text
    await resident.tap("不是自家人", on=notice)
    done = await resident.expect("已经办好", "那个账号看不到您家的房子了")
    assert done.id == notice.id, "it stands where the button was"
    assert done.protected
    told = await child.expect("这里以后看不到这套房子了", household.agreement.number, "是权利人或共有人取消的")
    assert told.protected
    assert household.name[0] + "*" not in told.text
    await child.send("/home")
    await child.expect("请先验证一下身份")
    # The holder sees it all the same, and who taps once more is told that there is nothing left to do.
    await resident.send("/home")
    await resident.expect(household.agreement.number)
    await resident.tap_data(notice.id, str(notice.inline[0]["callback_data"]))
    await resident.expect("现在不用取消了")
    assert {one.state for one in await settled(factory)} == {DeliveryState.SENT}
    assert all(one.payload is None for one in await deliveries(factory)), "what is sent is not kept"


async def test_in_english(system: System, factory: Factory, household: Household, english_resident: Person) -> None:
    await english_resident.send("/settings")
    for button in ("Let a relative see it", "Make a new code", "Everything", "Until I end it"):
        await english_resident.tap(button)
    invitation = await english_resident.expect("An invitation")
    child = await use_code(system, factory, invitation.text.split("send this code: ")[1][:10])
    await english_resident.expect(
        "One more Telegram account can see your home now", "Role: Family member", "by invitation code"
    )
    await english_resident.tap("shut it out now")
    await english_resident.expect("It is done")
    await child.expect("这里以后看不到这套房子了")


async def test_who_does_not_own_it_is_told_without_the_button(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    first = await system.person("小张")
    await factory.link(first.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    watcher = await system.person("小李")
    await factory.link(
        watcher.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE, scope=LinkScope.PROGRESS
    )
    await has_written(first, watcher)
    code = await let_in(resident, "让家人也能看", "生成邀请码", "全部", "一年")
    newcomer = await use_code(system, factory, code, "新人")
    await resident.expect(NEW)
    told = await first.expect(NEW, household.agreement.number, "他们可以不让那个账号看")
    assert told.buttons == ["🏢 请工作专班帮忙"]
    masked = await watcher.expect(NEW)
    assert household.agreement.number not in masked.text
    # The button of the holder's message, in another's hand, does nothing.
    button = next(b for b in resident.last.inline if str(b["callback_data"]).startswith("shut_out:"))
    await first.tap_data(told.id, str(button["callback_data"]))
    await first.expect("现在不用取消了")
    await newcomer.send("/home")
    await newcomer.expect(household.agreement.number)
    assert [one.chat_id for one in await settled(factory)] == [resident.id, first.id, watcher.id]


async def test_a_stranger_with_the_familys_papers_is_told_to_the_family(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    """Who has number, name and ID number comes in; what stands against it is that the family hears of it at once."""
    await has_written(resident)
    stranger = await system.person("外人", phone=household.phone)
    await stranger.send("/home")
    await stranger.tap("验证身份")
    await stranger.tap("手机号")
    await stranger.press("发送我的手机号")
    await stranger.expect("后四位")
    await stranger.send(household.id_number[-4:])
    await stranger.expect(household.agreement.number)
    await resident.expect(NEW, "用手机号验证", "身份：")
    await resident.tap("不是自家人")
    await resident.expect("已经办好")
    await stranger.send("/payments")
    await stranger.expect("请先验证一下身份")


async def test_the_office_ends_a_link_and_says_so(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    await has_written(resident)
    [link] = await links_of(factory, resident)
    account = await factory.add(StaffAccount(name=factory.vault.seal("staff.name", "编造员"), roles=["case_officer"]))
    async with factory.database.transaction() as session:
        await revoke_link_by_staff(session, factory.vault, account.id, link.id)
    told = await resident.expect("这里以后看不到这套房子了", "是工作专班取消的", "重新验证一次身份")
    assert told.buttons == ["🔑 验证身份", "🏢 请工作专班帮忙"]
    await resident.send("/home")
    await resident.expect("请先验证一下身份")


async def test_a_new_roll_suspends_a_link_and_says_why(system: System, factory: Factory, tmp_path: Path) -> None:
    async def roll(**changed: str) -> None:
        path = books.xlsx(tmp_path / "roll.xlsx", [books.relocation(**changed)])
        (report,) = await load_rolls(factory.database, factory.vault, [path], options=LoadOptions())
        assert report.loaded

    await roll()
    person = await system.person("赵测一", phone=ANNE.phone)
    await has_written(person)
    async with factory.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO links (chat_id, agreement_id, person_id, role, method) "
                "SELECT :chat, agreement_id, person_id, 'holder', 'phone' FROM parties"
            ),
            {"chat": person.id},
        )
    await roll(被安置人姓名=DAN.name, 证件号码=DAN.id_number, 联系电话=DAN.phone)
    told = await person.expect("这里暂时不能看这套房子了", "AZ-2020-001", "最新的台账上已经没有这个人了")
    assert told.protected
    assert DAN.name[0] + "*" not in told.text
    assert "1801" not in told.text
    # Both ways on lead on.
    assert told.buttons == ["🔑 验证身份", "🏢 请工作专班帮忙"]
    await person.tap("验证身份", on=told)
    await person.expect_any()
    await person.tap("请工作专班帮忙", on=told)
    await person.expect_any()


REF = AgreementRef(id=1, number="TEST-9", kind=AgreementKind.PURCHASE, holder="")


@pytest.mark.parametrize(
    ("notice", "said", "button"),
    [
        (
            AccessGranted(agreement=REF, role=LinkRole.HEIR, scope=LinkScope.PROGRESS),
            ("工作专班已经给您开通", "TEST-9", "能看：只有房子的进度"),
            "我的房子",
        ),
        (
            AccessDeclined(reason="缺<b>公证书</b> & 户口本"),
            ("没能帮您开通", "缺<b>公证书</b> & 户口本"),
            "请工作专班帮忙",
        ),
    ],
)
async def test_the_office_answers_a_request(
    system: System, factory: Factory, notice: Notice, said: tuple[str, ...], button: str
) -> None:
    person = await system.person("申请人")
    await has_written(person)
    if isinstance(notice, AccessGranted):
        agreement = await factory.agreement(number="TEST-9")
        assert agreement.id == REF.id
        await factory.link(person.id, agreement, role=notice.role, scope=notice.scope)
    async with factory.database.transaction() as session:
        await enqueue_notice(session, factory.vault, [person.id], notice)
    told = await person.expect(*said)
    assert told.protected
    await person.tap(button)
    await person.expect_any()


async def test_who_has_blocked_the_bot_is_left_alone_until_they_write_again(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    await resident.send("/home")
    await resident.expect(household.agreement.number)
    await system.quiet()
    await resident.block()
    newcomer, owner = await system.person("小张"), await factory.person()
    await factory.party(household.agreement, owner, PartyRole.CO_OWNER, position=1)

    async def somebody_comes() -> list[Delivery]:
        """Somebody with the papers of a co-owner; all messages, once none waits any more."""
        today = datetime.now(system.settings.timezone).date()
        grant = Grant(household.agreement.id, owner.id, LinkRole.CO_OWNER)
        async with factory.database.transaction() as session:
            await session.execute(
                text("UPDATE links SET revoked_at = now() WHERE chat_id = :chat AND revoked_at IS NULL"),
                {"chat": newcomer.id},
            )
            await grant_links(session, factory.vault, newcomer.id, LinkMethod.AGREEMENT, [grant], today)
        return await settled(factory)

    [first] = await somebody_comes()
    assert (first.state, first.error) == (DeliveryState.GONE, "forbidden")
    async with factory.database.transaction() as session:
        chat = await session.get(Chat, resident.id)
        assert chat is not None
        assert chat.gone_at is not None
    tried = system.world.outbox.done["sendMessage"]
    assert (await somebody_comes())[-1].state is DeliveryState.GONE
    assert system.world.outbox.done["sendMessage"] == tried, "Telegram was not even asked"
    await resident.unblock()
    await resident.send("/home")
    await resident.expect(household.agreement.number)
    await system.quiet()
    assert (await somebody_comes())[-1].state is DeliveryState.SENT
    await resident.expect(NEW)
