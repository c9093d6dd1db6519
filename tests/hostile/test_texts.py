"""Words that could be taken for something else: markup, formats, writing that runs backwards or is not seen.

They arrive as text, byte for byte (without NUL, and without the space around them), and are shown as they were written.
"""

from datetime import date

import pytest
from sqlalchemy import select

from api.cases.models import Attachment, Case
from api.estate.schemas import MilestoneKind
from api.money.schemas import LedgerKind
from handlers.case_screens import OWN_TEXT
from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.files import PDF, picture
from tests.flows.test_complaint import dialog_of, filed, up_to_files, up_to_summary
from tests.hostile.conftest import Complaints
from tests.invented import Invented
from tests.people import Message, Person

pytestmark = pytest.mark.security("Hostile input arrives as text, or not at all")

TEXTS = {
    "markup": "<b>粗</b> <script>alert(1)</script> </blockquote><a href='https://evil.example'>点</a>",
    "references": "&lt;b&gt; &amp;amp; &#60;i&#62; &quot; &nosuch; &",
    "half a tag": "1 < 2 && 3 > 2 <",
    "Markdown": "*粗* _斜_ [点](https://evil.example) ```x``` ||藏||",
    "formats": "%s %(name)s {0} {number} {self.__class__} ${jndi:ldap://x} \\u0041",
    "SQL": "'; DROP TABLE cases; -- \"",
    "right to left": "\u202e反过来\u202c 和 مرحبا שלום\u200f",
    "isolates left open": "\u2066\u2067\u2068 开着的",
    "zero width": "零\u200b宽\u200c连\u200d接\ufeff符\u2060",
    "only zero width": "\u200b\u200c\u2060",
    "emoji": "👨‍👩‍👧‍👦🏳️‍🌈🇨🇳 ☎️ 1️⃣",
    "combining": "Z̸̡̢͎̗͔͈̑̈́a̵͓͇͛̕l̷̨̛͔̈́g̶̗̈́o é ﷽",
    "not normalised": "e\u0301 é Å Å ﬁ ㎡ １２３",
    "rare characters": "𠮷野家 𪚥 㐀 龘 \U0010fffd \ue000",
    "controls": "铃\x07 退\x08 逃\x1b[31m 删\x7f 行\x85尾",
    "line ends": "一\n\n\n二\u2028三\u2029四",
    "many ampersands": "&" * 3000,
    "many tags": "<b>" * 1000,
    "many astral characters": "𠮷" * 3000,
}
SHOWN = 600
"""Characters at the beginning of a text that every screen shows, however long it is."""


def no_more_markup(message: Message) -> bool:
    """What the bot itself writes is bold, italic or a quotation; a link, code or something hidden is from a text."""
    kinds = {entity["type"] for entity in message.wire.get("entities", [])}
    return not kinds & {"text_link", "code", "pre", "spoiler", "strikethrough", "underline", "custom_emoji"}


async def text_of(factory: Factory, case: Case) -> str:
    return factory.vault.open("case.text", case.text)


async def test_the_text_of_a_complaint(
    system: System, factory: Factory, complaints: Complaints, resident: Person
) -> None:
    for text in TEXTS.values():
        summary = await up_to_summary(resident, text)
        assert text[:SHOWN] in summary.text
        assert no_more_markup(summary)
        await resident.tap("提交")
        await resident.expect("您的投诉已经提交")
        case = (await filed(factory))[-1]
        assert await text_of(factory, case) == text
        await resident.tap("查看这份投诉")
        shown = await resident.expect(f"投诉 {case.number}")
        assert text[: OWN_TEXT - 1] in shown.text
        assert no_more_markup(shown)
        if len(text) > OWN_TEXT:
            await resident.tap("看全文")
            assert no_more_markup(await resident.expect(f"投诉 {case.number}", text))
        await system.quiet()
    assert len(await filed(factory)) == len(TEXTS)
    assert not complaints.of_ours


async def test_nul_in_a_text_is_left_out(factory: Factory, resident: Person) -> None:
    await up_to_summary(resident, "\0厨房\0漏水 \0")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert await text_of(factory, case) == "厨房漏水"


async def test_nul_in_the_caption_of_a_file_is_left_out(
    factory: Factory, complaints: Complaints, resident: Person
) -> None:
    """PostgreSQL and JSON's readers may stumble over NUL where the API's own check is not passed."""
    await up_to_files(resident, "厨房")
    await resident.send_photo(picture(1), caption="\0漏\0水")
    await resident.expect("1张照片")
    await resident.send_document(PDF, caption="\0")
    await resident.expect("1张照片、1个文件")
    await resident.tap("继续")
    summary = await resident.expect("请核对一下", "厨房\n漏水")
    assert "\0" not in summary.text
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert await text_of(factory, case) == "厨房\n漏水"
    assert not complaints.of_ours


async def test_the_captions_of_photos(
    factory: Factory, complaints: Complaints, system: System, resident: Person
) -> None:
    """They are text like any other, of photos too that have no more room."""
    await up_to_files(resident, "厨房")
    captions = [text[:100].strip() for text in TEXTS.values()]
    for number, caption in enumerate(captions):
        await resident.send_photo(picture(number), caption=caption)
        assert no_more_markup(await resident.expect_any())
        await system.quiet()
    await resident.tap("继续")
    assert no_more_markup(await resident.expect("请核对一下", "\n".join(captions)[:SHOWN]))
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交")
    [case] = await filed(factory)
    assert await text_of(factory, case) == "\n".join(["厨房", *captions])
    assert not complaints.of_ours


FILE_NAMES = {
    "检测报告.pdf": "检测报告.pdf",
    "<b>x</b>.pdf": "b>.pdf",
    "a&amp;b \"c\" 'd'.pdf": "a&amp;b \"c\" 'd'.pdf",
    "../../etc/passwd": "passwd.pdf",
    "..\\..\\windows\\x.PDF": "x.PDF",
    "\u202efdp.exe": "fdp.exe.pdf",
    "零\u200b宽.pdf": "零宽.pdf",
    "a\0b\r\nX-Evil: 1.pdf": "abX-Evil: 1.pdf",
    "x.pdf?upload_key=other-key&kind=photo#": "x.pdf?upload_key=other-key&kind=photo#.pdf",
    "%00%2f..%2f": "%00%2f..%2f.pdf",
    "👨‍👩‍👧‍👦.pdf": "👨👩👧👦.pdf",
    " . ": "file.pdf",
    "长" * 300 + ".pdf": "长" * 116 + ".pdf",
}
"""As the sender's app claims it, and as it is kept: no folders, nothing that is not seen, an ending that is true."""


async def test_the_name_of_a_file(system: System, factory: Factory, complaints: Complaints, resident: Person) -> None:
    await up_to_files(resident)
    person = system.world.people[resident.id]
    for number, (claimed, kept) in enumerate(FILE_NAMES.items()):
        await resident.refresh()
        stored = system.world.files.add_document("x.pdf", "application/pdf", PDF).content
        said = {"message_id": 10**6 + number, "date": 1_790_000_000, "chat": person.chat, "from": person.user}
        system.world.updates.put(resident.id, "message", said | {"document": {**stored, "file_name": claimed}})
        await resident.expect("1个文件")
        async with factory.database.transaction() as session:
            attachment = (await session.execute(select(Attachment))).scalar_one()
        assert factory.vault.open("attachment.filename", attachment.filename) == kept
        await resident.tap("去掉最后一个文件")
        await system.quiet()
    assert not complaints.of_ours


async def test_the_name_of_a_telegram_account(system: System, complaints: Complaints) -> None:
    """It is not repeated, not even to its owner."""
    for name in (text[:60].strip() for text in TEXTS.values()):
        person = await system.person(name)
        for said in ("/start", "/home", "x"):
            await person.send(said)
            assert name not in (await person.expect_any()).text
    assert not complaints.of_ours


async def test_what_stands_behind_a_command(system: System, complaints: Complaints) -> None:
    for payload in TEXTS.values():
        person = await system.person("王")
        for command in ("start", "help", "cancel", "home"):
            await person.send(f"/{command} {payload}")
            answer = await person.expect_any()
            assert no_more_markup(answer)
            assert payload not in answer.text
            await system.quiet()
    assert not complaints.of_ours


async def test_a_text_with_nul_at_every_step_of_showing_who_one_is(system: System, complaints: Complaints) -> None:
    """A number, a name and characters of an ID number that PostgreSQL could not store are wrong like any other."""
    person = await system.person("王")
    await person.send("/home")
    await person.tap("验证身份")
    await person.expect_any()
    await system.quiet()
    await person.refresh()
    for agreement in ("看过了", "同意"):
        if any(agreement in text for message in person.messages.values() for text in message.buttons):
            await person.tap(agreement)
            await system.quiet()
    await person.tap("用协议")
    await system.quiet()
    await person.refresh()
    if any("同意" in text for message in person.messages.values() for text in message.buttons):
        await person.tap("同意")
    for said in ("A\0-1", "张\0三\u202e<b>", "1\0" * 6):
        await person.send(said)
        await person.expect_any()
        await system.quiet()
    assert not complaints.of_ours


INJECTED = "<b>甲</b>&lt;i&gt; \u202e\"'{0}%s"


async def test_whatever_stands_in_the_rolls(
    system: System, factory: Factory, complaints: Complaints, resident: Person
) -> None:
    """Names of buildings, rooms, sources and remarks, typed by many hands in the offices."""
    holder = await factory.person(Invented(INJECTED, "999900194801010015", "19900009999"))
    place = await factory.building(
        INJECTED, await factory.phase(INJECTED, await factory.parcel(INJECTED, await factory.project(INJECTED)))
    )
    unit = await factory.unit(place, entrance=INJECTED, room=INJECTED, layout=INJECTED)
    agreement = await factory.agreement(people=[holder], units=[unit], number=INJECTED, source=INJECTED)
    await factory.milestone(place, MilestoneKind.RESUMED, achieved_on=date(2026, 1, 1), note=INJECTED, source=INJECTED)
    await factory.forecast(place, date(2027, 1, 1), reason=INJECTED, source=INJECTED)
    await factory.registration(agreement, filing_number=INJECTED, blocked_by=INJECTED, status=INJECTED, source=INJECTED)
    await factory.transition_fee(agreement, rate_text=INJECTED, source=INJECTED)
    await factory.ledger_entry(agreement, kind=LedgerKind.TRANSITION_FEE, note=INJECTED, source=INJECTED)
    person = await system.person("王")
    await factory.link(person.id, agreement)
    for command, at_least in (("home", 5), ("handover", 3), ("payments", 2), ("settings", 1)):
        await person.send(f"/{command}")
        answer = await person.expect(INJECTED)
        assert answer.text.count(INJECTED) >= at_least, answer.text
        assert no_more_markup(answer)
        await system.quiet()
    await person.send("/complain")
    await person.tap("房屋质量")
    await person.send("漏水")
    await person.expect("内容收到了")
    await person.tap("继续")
    assert no_more_markup(await person.expect("请核对一下", INJECTED))
    await person.tap("提交")
    assert no_more_markup(await person.expect("您的投诉已经提交", INJECTED))
    assert not complaints.of_ours


async def test_a_text_that_is_nothing_is_not_taken(factory: Factory, system: System, resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.expect("把事情写下来")
    await resident.send("\0 \0")
    await resident.expect("把事情写下来")
    await system.quiet()
    assert '"text":' not in str(await dialog_of(factory, resident))
