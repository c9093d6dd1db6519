"""What officers do in the chat with cases that are answered together."""

from tests.factories import Factory
from tests.flows.conftest import Household, System, new_household
from tests.flows.office import Office, office, open_case
from tests.flows.test_cases import file_one
from tests.people import Person

__all__ = ["office"]


async def test_an_officer_offers_a_case_to_the_building_and_puts_another_together_with_it(
    system: System, factory: Factory, office: Office, household: Household, resident: Person
) -> None:
    officer = await office.hire()
    await resident.send("/start")
    master = await office.filed()
    await office.act(master, "register", chat=officer.id)
    other = await new_household(factory)
    neighbour: Person = await system.person("李四", phone=other.phone)
    await factory.link(neighbour.id, other.agreement)
    await neighbour.send("/complain")
    await neighbour.tap("房屋质量")
    await neighbour.send("我家也漏水")
    await neighbour.tap("继续")
    await neighbour.tap("提交")
    await neighbour.expect("您的投诉已经提交")
    (own,) = [case.number for case in (await office.queue(chat=officer.id)).cases if case.number != master]

    await open_case(officer, master)
    await officer.tap("向本楼公开")
    await officer.expect("本楼每一户都能看到")
    await officer.send(f"{household.name}家（{household.unit.room}室）楼道漏水")
    await officer.tap("确定")
    await officer.expect("没有公开", "这家人的姓名", "门牌", "楼道漏水")
    await officer.send("一单元楼道漏水")
    await officer.expect("本楼住户将看到", "一单元楼道漏水", "也会收到")
    await officer.tap("确定")
    await officer.expect("办好了", "已向本楼公开", "一单元楼道漏水")
    told = await resident.expect("邻居", "一单元楼道漏水", f"投诉 {master}")
    assert household.name not in told.text

    await open_case(officer, own)
    await officer.tap("合并办理")
    await officer.expect("要合并到的那一件的编号")
    for wrong in ("2026-999999", own, "我也不知道"):
        await officer.send(wrong)
        await officer.expect("没找到这个编号")
    await officer.send(str(int(master[5:])))
    await officer.expect("合并到", master, "房屋质量", "编号和期限不变")
    await officer.tap("确定")
    await officer.expect("办好了", f"已合并到 {master}")
    told = await neighbour.expect(f"您的投诉 {own} 和别家的合在一起办理了", "编号和期限都不变")
    assert master not in told.text
    page = await open_case(officer, master)
    assert f"有1件合并到这一件： {own}" in page.text

    await open_case(officer, own)
    await officer.tap("取消合并")
    await officer.expect("单独办理")
    await officer.tap("确定")
    await officer.expect("办好了")
    await neighbour.expect(f"您的投诉 {own} 改为单独办理")


async def test_the_family_has_its_complaint_offered_no_longer(office: Office, resident: Person) -> None:
    officer = await office.hire()
    await resident.send("/start")
    number = await office.filed()
    await office.act(number, "register", chat=officer.id)
    await office.act(number, "publish", text="一单元楼道漏水", chat=officer.id)
    await resident.expect("邻居", "一单元楼道漏水")
    await resident.tap("看这份投诉")
    await resident.expect("邻居", "“一单元楼道漏水”")
    await resident.tap("不给邻居看")
    shown = await resident.expect("不再给邻居看")
    assert "一单元楼道漏水”" not in shown.text
    page = await open_case(officer, number)
    assert "已向本楼公开" not in page.text


async def test_what_does_not_look_alike_is_pointed_out_before_it_is_put_together(
    system: System, factory: Factory, office: Office
) -> None:
    """The family is told that others complain of the same."""
    officer = await office.hire()
    one = await file_one(office.resident, "厨房漏水")
    elsewhere = await factory.agreement(units=[await factory.unit(building=await factory.building("77"))])
    neighbour: Person = await system.person("李四")
    await factory.link(neighbour.id, elsewhere)
    await neighbour.send("/complain")
    await neighbour.tap("房屋质量")
    await neighbour.send("楼道漏水")
    await neighbour.tap("继续")
    await neighbour.tap("提交")
    await neighbour.expect("您的投诉已经提交")
    (other,) = [case.number for case in (await office.queue(chat=officer.id)).cases if case.number != one]
    await open_case(officer, one)
    await officer.tap("合并办理")
    await officer.send(other)
    shown = await officer.expect("合并到", other, "不是一类事", "不在同一栋楼")
    assert "✅ 确定" in shown.buttons
    # A number that is wrong takes the one before away: what is confirmed is what was meant.
    await officer.send("2026-999999")
    shown = await officer.expect("没找到这个编号")
    assert other not in shown.text
    assert "✅ 确定" not in shown.buttons
    await officer.send(other)
    await officer.expect("合并到", other)
    # Nothing was written that asks for a second thought; a number means what it always does.
    await officer.tap("取消")
    await officer.expect("没有任何变动")
    await officer.send(one)
    await officer.expect(f"信访件 {one}", "厨房漏水")
    assert (await office.page(one, chat=officer.id)).master is None
    # What is answered is nothing to be put together with.
    for action in ("register", "accept"):
        await office.act(other, action, chat=officer.id)
    await office.act(other, "answer", chat=officer.id, outcome="explained", text="已经发了。")
    await open_case(officer, one)
    await officer.tap("合并办理")
    await officer.send(other)
    await officer.expect("没找到这个编号")
