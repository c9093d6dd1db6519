"""What officers do in the chat with cases that are answered together."""

from tests.factories import Factory
from tests.flows.conftest import System, new_household
from tests.flows.office import Office, office, open_case
from tests.people import Person

__all__ = ["office"]


async def test_an_officer_offers_a_case_to_the_building_and_puts_another_together_with_it(
    system: System, factory: Factory, office: Office
) -> None:
    officer = await office.hire()
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
    await officer.send("一单元楼道漏水")
    await officer.expect("本楼住户将看到", "一单元楼道漏水", "别人不知道是谁家提的")
    await officer.tap("确定")
    await officer.expect("办好了", "已向本楼公开", "一单元楼道漏水")

    await open_case(officer, own)
    await officer.tap("合并办理")
    await officer.expect("要合并到的那一件的编号")
    await officer.send("2026-999999")
    await officer.tap("确定")
    await officer.expect("没有这个编号的")
    await officer.send(master)
    await officer.expect("合并到", master, "编号和期限不变")
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
