"""Photos and documents of a complaint: albums, too many, of the wrong kind, taken back."""

from api.cases.schemas import MAX_ATTACHMENT_BYTES
from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.files import PDF, PROGRAM, picture
from tests.flows.test_complaint import stored_files, up_to_files
from tests.people import Person


async def test_a_caption_is_the_text_where_there_is_none(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send_photo(picture(), caption="阳台裂了一条缝")
    await resident.expect("已收到：1张照片")
    await resident.tap("继续")
    await resident.expect("请核对一下", "阳台裂了一条缝", "1张照片")


async def test_a_photo_without_words_asks_for_words(resident: Person) -> None:
    await resident.send("/complain")
    await resident.tap("房屋质量")
    await resident.send_photo(picture())
    await resident.expect("已收到：1张照片", "把事情写下来")


async def test_an_album_is_answered_once(system: System, factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_photo(*(picture(shade) for shade in range(10)))
    await resident.expect("已收到：10张照片", "文件已经放满了")
    assert len(resident.answers) == 1
    assert await stored_files(factory) == 10
    await resident.tap("继续")
    await resident.expect("10张照片")
    await resident.tap("提交")
    await resident.expect("您的投诉已经提交", "10张照片")


async def test_more_than_ten_files(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_document(PDF)
    await resident.expect("已收到：1个文件")
    await resident.send_photo(*(picture(shade) for shade in range(10)), caption="都是漏水的地方")
    await resident.expect("9张照片、1个文件", "一次最多放10个文件", "有1个文件没有收下")
    assert await stored_files(factory) == 10
    await resident.send_photo(picture(99))
    await resident.expect("一次最多放10个文件")


async def test_files_that_are_not_taken(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_document(PROGRAM, filename="setup.exe", media_type="application/octet-stream")
    await resident.expect("这种文件收不了", "要不要再发几张照片")
    await resident.send_document(bytes(MAX_ATTACHMENT_BYTES + 1), filename="film.pdf")
    await resident.expect("超过 20 MB", "要不要再发几张照片")
    assert await stored_files(factory) == 0
    await resident.send_document(PDF + bytes(3 * 1024 * 1024), filename="large.pdf")
    await resident.expect("已收到：1个文件")
    await resident.tap("去掉最后一个文件")
    await resident.tap("继续")
    await resident.expect("请核对一下", "附上的：没有")


async def test_taking_files_back(factory: Factory, resident: Person) -> None:
    await up_to_files(resident)
    await resident.send_photo(picture(1))
    await resident.expect("已收到：1张照片")
    await resident.send_document(PDF)
    await resident.expect("已收到：1张照片、1个文件")
    await resident.send_location()
    await resident.expect("1个位置")
    await resident.tap("去掉最后一个文件")
    await resident.expect("已收到：1张照片、1个位置")
    await resident.tap("去掉位置")
    await resident.expect("已收到：1张照片")
    await resident.tap("去掉最后一个文件")
    await resident.expect("要不要再发几张照片")
    assert await stored_files(factory) == 0
