"""Notice and consent before anything personal, and a person's rights over what is kept."""

from api.identity.schemas import LinkMethod
from tests.factories import Factory
from tests.flows.conftest import Household, System
from tests.flows.test_verification import invitation, links_of


async def test_the_notice_comes_before_anything_else(system: System, factory: Factory, household: Household) -> None:
    person = await system.person("张三", phone=household.phone, agreed=False)
    await person.send("/start")
    await person.tap("验证身份")
    notice = await person.expect("您的个人信息怎么用", "由项目工作专班开办", "/forget", "/mydata", "服务器在境外")
    assert notice.buttons == ["我看过了，继续", "✖️ 取消"]
    await person.tap("我看过了")
    await person.expect("选一种方式")
    await person.tap("用手机号")
    asked = await person.expect("关于身份证号", "不留底")
    assert asked.buttons[:2] == ["同意，继续", "🔑 用邀请码"]
    await person.tap("同意")
    await person.expect("发送我的手机号")
    await person.press("发送我的手机号")
    await person.send(household.id_number[-4:])
    await person.expect("找到您的1份协议")
    assert len(await links_of(factory, person)) == 1
    # Asked once: the next agreement is added without it.
    await person.send("/settings")
    await person.tap("添加")
    await person.expect("选一种方式")


async def test_in_english(system: System, household: Household) -> None:
    person = await system.person("Sam", phone=household.phone, language="en", agreed=False)
    await person.send("/home")
    await person.tap("Verify my identity")
    await person.expect("How your data is handled", "The office of your redevelopment runs this bot")
    await person.tap("I have read it")
    await person.tap("With the agreement")
    await person.expect("needs special care", "I keep no copy")
    await person.tap("Back")
    await person.expect("Choose a way")


async def test_who_would_rather_not_have_an_id_number_compared_takes_a_code(
    system: System, factory: Factory, household: Household
) -> None:
    person = await system.person("小张", agreed=False)
    await person.send("/home")
    await person.tap("验证身份")
    await person.tap("我看过了")
    await person.tap("用协议")
    await person.expect("关于身份证号")
    await person.tap("用邀请码")
    await person.send(await invitation(factory, household))
    await person.expect("找到您的1份协议")
    [link] = await links_of(factory, person)
    assert link.method is LinkMethod.CODE


async def test_a_code_that_comes_first_waits_for_the_notice(
    system: System, factory: Factory, household: Household
) -> None:
    code = await invitation(factory, household)
    for said in (f"/start {code}", code):
        person = await system.person("小张", agreed=False)
        await person.send(said)
        await person.expect("您的个人信息怎么用")
        assert await links_of(factory, person) == []
        await person.expect_deleted(code)
        await person.send("这是什么")
        await person.expect("请先点下面的按钮")
        await person.tap("取消" if said is not code else "我看过了")
    await person.expect("找到您的1份协议")
    assert len(await links_of(factory, person)) == 1


async def test_the_page_and_taking_the_id_number_back(system: System, household: Household) -> None:
    person = await system.person("张三", phone=household.phone)
    await person.send("/privacy")
    await person.expect("您的个人信息怎么用", "同意核对身份证号")
    await person.tap("不再核对我的身份证号")
    page = await person.expect("以后不再核对您的身份证号")
    assert "不再核对我的身份证号" not in page.buttons
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect("选一种方式")
    await person.tap("用手机号")
    await person.expect("关于身份证号")


async def test_who_has_agreed_to_nothing_sees_the_page_too(system: System) -> None:
    stranger = await system.person("外人", agreed=False)
    await stranger.send("/privacy")
    page = await stranger.expect("您的个人信息怎么用")
    assert "同意" not in page.text
