"""What a publisher enters into a draft: whom it is for, by taps or out of a file, texts with what is wrong, times."""

from decimal import Decimal
from pathlib import Path

from api.agreements.schemas import AgreementKind
from api.settings import Settings
from tests.api.imports.books import xlsx
from tests.flows.broadcasting import (
    Town,
    approve,
    approver,
    choose_everybody,
    draft,
    night_of,
    publisher,
    settings,
    submit,
    submitted,
    tap,
    town,
    write,
)
from tests.flows.files import PDF, PROGRAM, picture
from tests.flows.office import office
from tests.people import Person

__all__ = ["approver", "office", "publisher", "settings", "town"]


# --- whom it is for ---


async def test_conditions_are_put_together_tap_by_tap(town: Town, publisher: Person) -> None:
    elsewhere = await town.factory.unit(await town.factory.building("9"))
    await town.factory.agreement(kind=AgreementKind.PURCHASE, units=[elsewhere])
    await draft(publisher)
    await tap(publisher, "发给谁")
    await publisher.expect("还没有选")
    await tap(publisher, "➕ 选择住户", "🏘 按房屋位置", "A3地块", "一期", "2号楼", "✅ 全部")
    await publisher.expect("发给：A3地块 一期 2号楼", "共3户，2个账号")
    await tap(publisher, "并且", "🏘 按房屋位置", "A3地块", "一期", "9号楼", "✅ 全部")
    await publisher.expect("发给：A3地块 一期 2号楼或A3地块 一期 9号楼", "共4户")
    await tap(publisher, "但是除了")
    await publisher.expect("哪些住户不发")
    await tap(publisher, "购房户")
    await publisher.expect("（A3地块 一期 2号楼或A3地块 一期 9号楼），并且除了购房户", "共3户")
    await tap(publisher, "并且", "看English的")
    await publisher.expect("并且看English的", "1个账号")
    await tap(publisher, "去掉最后一条", "或者另一批", "已经交房的")
    await publisher.expect("除了购房户；\n或者已经交房的")
    await tap(publisher, "去掉最后一条", "重新选")
    await publisher.expect("还没有选")
    await tap(publisher, "所有住户")
    await publisher.expect("所有住户", "共4户")


async def test_one_entrance_and_what_is_not_there_any_more(town: Town, publisher: Person) -> None:
    await draft(publisher)
    await tap(publisher, "发给谁", "➕ 选择住户", "🏘 按房屋位置", "A3地块", "一期", "2号楼", "1单元")
    page = await publisher.expect("发给：A3地块 一期 2号楼 1单元")
    broadcast = await town.newest()
    data = page.inline[0]["callback_data"].split(":")
    made_up = ":".join(["b_take", *data[1:3], "and", "e999.0"])
    await publisher.tap_data(page.id, made_up)
    await publisher.expect("这个地方已经没有了")
    assert (await town.newest()).version == broadcast.version


async def test_numbers_out_of_a_file_or_typed(town: Town, publisher: Person, tmp_path: Path) -> None:
    await draft(publisher)
    await tap(publisher, "发给谁", "➕ 选择住户", "📄 用名单文件")
    await publisher.expect("请发一份表格")
    await publisher.sticker()
    await publisher.expect("这个收不了")
    await publisher.send_document(PROGRAM, filename="a.exe", media_type="application/x-msdownload")
    await publisher.expect("读不出表格")
    await publisher.send("没有的编号-1\n没有的编号-2")
    await publisher.expect("没有这些编号的协议")
    rows = [{"协议编号": number, "备注": ""} for number in (town.first.agreement.number, "没有的编号-3")]
    table = xlsx(tmp_path / "numbers.xlsx", rows, title=None)
    await publisher.send_document(table.read_bytes(), filename="名单.xlsx", media_type="application/octet-stream")
    await publisher.expect("找到1份协议", "有1个编号查不到：没有的编号-3", "发给：名单里的1份协议", "1个账号")
    await tap(publisher, "并且", "📄 用名单文件")
    await publisher.send(town.second.agreement.number)
    await publisher.expect("发给：名单里的2份协议", "2个账号")


# --- what it says ---


async def test_what_is_wrong_is_told_with_its_place_and_mended(town: Town, publisher: Person, approver: Person) -> None:
    page = await draft(publisher)
    assert "✅ 提交审批" not in page.buttons
    assert "还没有选发给谁" in page.text
    await choose_everybody(publisher)
    await tap(publisher, "内容和按钮", "简体中文")
    await publisher.send("您好\n您家在{房号}，{home")
    told = await publisher.expect("有地方要改", "简体中文，第2行第4个字：{房号}填不出来", "第2行第9个字：{填不出来")
    assert told.protected
    await tap(publisher, "返回这条群发")
    page = await publisher.expect("发出以前要先改好", "{房号}")
    assert "✅ 提交审批" not in page.buttons
    await tap(publisher, "内容和按钮", "✔️ 简体中文")
    await publisher.send("您好\n您家在")
    await publisher.expect("内容已保存")
    await tap(publisher, "➕ 房屋")
    await publisher.expect("您家在{home}")
    await tap(publisher, "换回上一稿")
    await publisher.expect("您家在")
    await tap(publisher, "➕ 房屋", "返回这条群发")
    await submit(publisher)
    await approve(approver)
    await town.begin()
    await town.resident.expect("您家在A3-")


async def test_formatting_stays_as_typed_and_an_id_number_does_not_go_in(town: Town, publisher: Person) -> None:
    await draft(publisher)
    await tap(publisher, "内容和按钮", "简体中文")
    await publisher.send(f"身份证{town.first.id_number}")
    await publisher.expect("看着像身份证号")
    await publisher.expect_deleted(town.first.id_number)
    await tap(publisher, "继续填写")
    await publisher.expect("请发内容")
    await publisher.send("1 < 2 & 3")
    await publisher.expect("内容已保存", "1 < 2 & 3")
    assert (await town.newest()).bodies["zh_CN"]["text"] == "1 &lt; 2 &amp; 3"
    await publisher.voice()
    await publisher.expect("请写成文字")


async def test_too_long_a_text(town: Town, publisher: Person) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await tap(publisher, "内容和按钮", "简体中文")
    await publisher.send("{news}" + "字" * 3600)
    await publisher.expect("太长了，填好以后最多有4200个字", "第1行第")
    await publisher.send("字" * 3000)
    await publisher.expect("内容已保存")


async def test_a_missing_language_falls_back_as_is_said(town: Town, publisher: Person) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "Water is off", "English")
    await publisher.expect("简体中文：还没有写")
    await tap(publisher, "内容和按钮", "✔️ English", "🌐 没写的语言都看这份")
    await publisher.expect("这里没有的语言，收到English的内容")
    await tap(publisher, "返回这条群发")
    page = await publisher.expect("English（没写的语言也看这份）")
    assert "✅ 提交审批" in page.buttons


# --- the rest ---


async def test_when_it_begins_as_people_say_it(town: Town, publisher: Person, settings: Settings) -> None:
    await submitted(publisher, "停水通知")
    await tap(publisher, "发送时间")
    await publisher.send("等会儿")
    await publisher.expect("看不出是哪天几点")
    await publisher.send("2020年1月1日9点")
    await publisher.expect("已经过了")
    await publisher.send("2099年1月1日9点")
    await publisher.expect("一年多")
    night = night_of(settings)
    await publisher.send(f"明天{night}:15")
    await publisher.expect(
        "定在", f"{night:02}:15", f"这是夜里：不加急的话，要等到早上{(night + 1) % 24}点", "目前：📝 草稿"
    )
    await tap(publisher, "发送时间", "批准后马上发")
    await publisher.expect("开始时间：批准后马上发")


async def test_a_photo_goes_with_it_and_leaves_less_room(town: Town, publisher: Person, approver: Person) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "字" * 1100)
    await tap(publisher, "照片或文件")
    await publisher.send("没有照片")
    await publisher.expect("这个收不了")
    await publisher.send_photo(picture())
    await publisher.expect("文件会一起发", "附文件", "太长了")
    await tap(publisher, "照片或文件", "不附文件")
    await publisher.expect("已保存")
    await tap(publisher, "照片或文件")
    await publisher.send_document(PDF, filename="通告.pdf")
    await publisher.expect("文件会一起发")
    await tap(publisher, "内容和按钮", "✔️ 简体中文")
    await publisher.send("见附件")
    await publisher.expect("内容已保存")
    await tap(publisher, "返回这条群发")
    await submit(publisher)
    await approve(approver)
    await town.begin()
    got = await town.resident.expect("见附件")
    assert got.wire["document"]["file_name"] == "通告.pdf"
    assert got.protected


async def test_families_of_whom_a_value_is_not_there(town: Town, publisher: Person, approver: Person) -> None:
    await town.factory.transition_fee(town.first.agreement, monthly_amount=Decimal(1470))
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "每月过渡费：{monthly_fee}")
    await publisher.expect("缺“每月过渡费”的：1", town.second.agreement.number, "写“还没有公布”")
    await tap(publisher, "📄 缺少内容的住户")
    await publisher.expect_that("a table came", lambda person: "document" in person.last.wire)
    await tap(publisher, "返回这条群发", "❔ 缺少内容时", "不发给他们")
    await publisher.expect("1个账号会收到")
    await submit(publisher)
    await approve(approver)
    assert await town.begin() == 1
    await town.resident.expect("每月过渡费：¥1,470.00")


async def test_it_comes_to_oneself_first(town: Town, publisher: Person) -> None:
    await draft(publisher)
    await choose_everybody(publisher)
    await write(publisher, "{name}您好")
    await tap(publisher, "🧪 先发给我看看")
    got = await publisher.expect("*您好")
    assert got.protected
    assert got.text.endswith("您好")
