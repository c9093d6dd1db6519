"""Settling the language, and who sees the home."""

from sqlalchemy import select

from api.chats.models import Link
from api.identity.schemas import LinkMethod, LinkRole
from handlers.relatives import AskUnlink
from handlers.settings import Unlink
from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.people import Person


async def live_links(factory: Factory) -> set[int]:
    """Chats that see something."""
    async with factory.database.transaction() as session:
        found = await session.execute(select(Link.chat_id).where(Link.revoked_at.is_(None)))
        return set(found.scalars())


async def test_what_a_resident_sees(household: Household, resident: Person) -> None:
    await resident.send("/settings")
    shown = await resident.expect("设置", "语言：简体中文", "您能看到", household.agreement.number, "权利人本人")
    assert shown.protected


async def test_a_stranger_sees_the_way_in(system: System) -> None:
    stranger = await system.person("Someone", language="en")
    await stranger.send("/settings")
    answer = await stranger.expect("No agreement is linked to this chat yet", "Language: English")
    assert "🔑 Verify my identity" in answer.buttons


async def test_no_longer_seeing_an_agreement(factory: Factory, household: Household, resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("不再看这份协议")
    await resident.expect("就看不到", household.agreement.number, "确定")
    await resident.tap("不了，返回")
    await resident.expect("您能看到", household.agreement.number)
    await resident.tap("不再看这份协议")
    await resident.tap("确定")
    await resident.expect("已经办好", "看不到任何协议")
    assert await live_links(factory) == set()
    await resident.send("/home")
    await resident.expect("请先验证一下身份")


async def test_a_holder_shuts_another_account_out(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    child = await system.person("小张")
    await factory.link(child.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    await child.send("/home")
    await child.expect(household.agreement.number)
    await resident.send("/settings")
    await resident.expect("另一个 Telegram 账号能看到", "家人", "邀请码")
    await resident.tap("不让那个账号看")
    await resident.expect("就看不到", "点“确定”以后")
    await resident.tap("确定")
    await resident.expect("已经办好")
    assert await live_links(factory) == {resident.id}
    await child.send("/home")
    await child.expect("请先验证一下身份")


async def test_a_relative_cannot_shut_the_holder_out(
    system: System, factory: Factory, household: Household, resident: Person
) -> None:
    child = await system.person("小张")
    await factory.link(child.id, household.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    async with factory.database.transaction() as session:
        link_id = (await session.execute(select(Link.id).where(Link.chat_id == resident.id))).scalar_one()
    await child.send("/settings")
    shown = await child.expect("您能看到")
    assert "另一个" not in shown.text
    await child.tap_data(shown.id, AskUnlink(link_id).encode())
    await child.expect("这个之前已经办过了")
    await child.tap_data(shown.id, Unlink(link_id).encode())
    await system.quiet()
    assert await live_links(factory) == {child.id, resident.id}


async def test_ending_a_link_twice(household: Household, resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("不再看这份协议")
    asked = await resident.expect("就看不到")
    _, yes = await resident.find_button("确定")
    await resident.tap_data(asked.id, str(yes["callback_data"]))
    await resident.expect("已经办好")
    await resident.tap_data(asked.id, str(yes["callback_data"]))
    await resident.expect("看不到任何协议")


async def test_many_agreements_come_in_pages(system: System, factory: Factory) -> None:
    person = await system.person("张三")
    households = [await new_household(factory) for _ in range(8)]
    for household in households:
        await factory.link(person.id, household.agreement)
    await person.send("/settings")
    shown = await person.expect("您能看到")
    assert sum(household.agreement.number in shown.text for household in households) == 6
    await person.tap("更多")
    shown = await person.expect("8. 您能看到")
    assert sum(household.agreement.number in shown.text for household in households) == 2


async def test_what_is_kept(resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("保存了我的哪些信息")
    await resident.expect("这里保存了什么", "只用来核对，不保存")
    await resident.tap("上一步")
    await resident.expect("设置")


async def test_the_language_is_kept(resident: Person) -> None:
    await resident.send("/settings")
    await resident.tap("Language")
    await resident.tap("English")
    await resident.send("/settings")
    await resident.expect("Language: English", "You see:")
