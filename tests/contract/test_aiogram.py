"""An independent check: a small aiogram bot lives on the playground, and aiogram's models read every answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BufferedInputFile,
    CallbackQuery,
    InaccessibleMessage,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    MenuButtonCommands,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from tests.contract.conftest import Phone, World, png

INLINE = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="好", callback_data="ok")],
        [InlineKeyboardButton(text="网", url="https://example.org")],
    ]
)


@pytest.fixture
async def bot(world: World) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(world.url))
    made = Bot(world.token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))
    yield made
    await session.close()


def small_bot() -> Dispatcher:
    dispatcher = Dispatcher()

    @dispatcher.message(CommandStart(deep_link=True))
    async def invited(message: Message, command: CommandObject) -> None:
        await message.answer(f"invited with {command.args}")

    @dispatcher.message(Command("start"))
    async def start(message: Message) -> None:
        keys = [
            [KeyboardButton(text="手机号", request_contact=True), KeyboardButton(text="位置", request_location=True)]
        ]
        await message.answer("<b>您好</b>", reply_markup=ReplyKeyboardMarkup(keyboard=keys, resize_keyboard=True))

    @dispatcher.message(F.contact)
    async def contact(message: Message) -> None:
        assert message.contact is not None
        assert message.from_user is not None
        own = message.contact.user_id == message.from_user.id
        await message.answer("own" if own else "not own", reply_markup=ReplyKeyboardRemove())

    @dispatcher.message(F.photo)
    async def photo(message: Message, bot: Bot) -> None:
        assert message.photo is not None
        data = await bot.download(message.photo[-1])
        assert data is not None
        await message.answer_photo(
            BufferedInputFile(data.read(), "again.png"), caption="<i>again</i>", reply_markup=INLINE
        )

    @dispatcher.callback_query(F.data == "ok")
    async def tapped(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.message.edit_reply_markup(reply_markup=None)
        await query.answer("好的", show_alert=True)

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.reply("voice" if message.voice else "text")

    return dispatcher


@pytest.fixture
async def polling(bot: Bot) -> AsyncIterator[None]:
    dispatcher = small_bot()
    task = asyncio.create_task(
        dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False, polling_timeout=5)
    )
    yield
    with contextlib.suppress(RuntimeError):
        await dispatcher.stop_polling()
    await task


async def test_a_conversation_with_an_aiogram_bot(polling: None, phone: Phone, world: World) -> None:
    sent = await phone.send("/start")
    hello = await phone.answer(sent["message_id"])
    assert (hello["text"], hello["entities"]) == ("您好", [{"type": "bold", "offset": 0, "length": 2}])
    assert hello["reply_markup"]["keyboard"][0][0] == {"text": "手机号", "request_contact": True}

    sent = await phone.do("contact")
    assert (await phone.answer(sent["message_id"]))["text"] == "own"
    sent = await phone.do("contact", phone_number="+8613900000009")
    assert (await phone.answer(sent["message_id"]))["text"] == "not own"

    sent = await phone.upload("photo", ("a.png", png(640, 480), "image/png"))
    again = await phone.answer(sent["message_id"])
    assert again["caption"] == "again"
    assert (again["photo"][-1]["width"], again["photo"][-1]["height"]) == (640, 480)
    tap = await phone.do("taps", message_id=again["message_id"], data="ok")
    _, answer = await world.ask("GET", f"/play/users/{phone.id}/taps/{tap['callback_query_id']}?wait=30")
    assert (answer["text"], answer["show_alert"]) == ("好的", True)
    [seen] = await phone.messages(again["message_id"] - 1)
    assert "reply_markup" not in seen

    sent = await phone.send("/start code-1_a")
    assert (await phone.answer(sent["message_id"]))["text"] == "invited with code-1_a"
    sent = await phone.do("voice")
    echoed = await phone.answer(sent["message_id"])
    assert echoed["text"] == "voice"
    assert echoed["reply_to_message"]["message_id"] == sent["message_id"]


async def test_its_models_read_every_kind_of_update(bot: Bot, phone: Phone) -> None:
    shown = await bot.send_message(phone.id, "x", reply_markup=INLINE)
    text = await phone.send("/a https://example.org")
    await phone.do("edits", message_id=text["message_id"], text="b")
    await phone.do("contact")
    await phone.do("location", latitude=30, longitude=114)
    await phone.do("sticker")
    await phone.do("voice")
    await phone.upload("document", ("a.pdf", b"%PDF", "application/pdf"))
    await phone.upload("photo", ("a.png", png(9, 9), ""), ("b.png", png(9, 9), ""), caption="c")
    await phone.do("taps", message_id=shown.message_id, data="ok")
    await phone.do("taps", message_id=999, data="gone")
    await phone.do("block")
    await phone.do("unblock")
    await phone.do("messages", text="r", reply_to=shown.message_id)
    updates = await bot.get_updates()
    assert [update.event_type for update in updates] == (
        ["message", "edited_message"] + ["message"] * 7 + ["callback_query"] * 2 + ["my_chat_member"] * 2 + ["message"]
    )
    contents = [update.message.content_type for update in updates if update.message]
    assert contents == ["text", "contact", "location", "sticker", "voice", "document", "photo", "photo", "text"]
    old = updates[10].callback_query
    assert old is not None
    assert isinstance(old.message, InaccessibleMessage)
    for update in updates:
        # Nothing that the playground writes is unknown to the models.
        unknown = [getattr(update, kind).model_extra for kind in (update.event_type,)]
        assert unknown in ([{}], [None])


async def test_its_models_read_every_answer(bot: Bot, phone: Phone) -> None:
    await bot.delete_webhook(drop_pending_updates=True)
    assert (await bot.get_webhook_info()).url == ""
    assert (await bot.me()).is_bot
    message = await bot.send_message(phone.id, "<u>a</u> &amp; b", protect_content=True, reply_markup=INLINE)
    assert message.html_text == "<u>a</u> &amp; b"
    assert message.reply_markup is not None
    assert message.reply_markup.model_dump() == INLINE.model_dump()
    edited = await bot.edit_message_text("c", chat_id=phone.id, message_id=message.message_id)
    assert isinstance(edited, Message)
    assert edited.edit_date
    photo = await bot.send_photo(phone.id, BufferedInputFile(png(2000, 1000), "a.png"), caption="x")
    assert photo.photo is not None
    assert photo.photo[-1].width == 1280
    edited = await bot.edit_message_caption(chat_id=phone.id, message_id=photo.message_id, caption="y")
    assert isinstance(edited, Message)
    assert edited.caption == "y"
    document = await bot.send_document(phone.id, BufferedInputFile(b"a;b", "台账.csv"))
    assert document.document is not None
    assert document.document.file_name == "台账.csv"
    assert (await bot.get_file(document.document.file_id)).file_size == 3
    album = await bot.send_media_group(
        phone.id,
        [
            InputMediaPhoto(media=BufferedInputFile(png(5, 5), "1.png"), caption="<b>z</b>"),
            InputMediaPhoto(media=photo.photo[0].file_id),
        ],
    )
    assert album[0].caption_entities is not None
    papers = await bot.send_media_group(
        phone.id, [InputMediaDocument(media=BufferedInputFile(b"1", name)) for name in ("a.txt", "b.txt")]
    )
    assert len(papers) == 2
    assert (await bot.send_location(phone.id, 30, 114)).location is not None
    assert await bot.send_chat_action(phone.id, "typing")
    assert (await bot.get_chat(phone.id)).id == phone.id
    assert await bot.set_my_commands([BotCommand(command="a", description="b")], BotCommandScopeAllPrivateChats())
    assert (await bot.get_my_commands(BotCommandScopeAllPrivateChats()))[0].command == "a"
    assert await bot.delete_my_commands(BotCommandScopeAllPrivateChats())
    assert await bot.set_my_name("上楼")
    assert (await bot.get_my_name()).name == "上楼"
    assert await bot.set_my_description("d")
    assert (await bot.get_my_description()).description == "d"
    assert await bot.set_my_short_description("s")
    assert (await bot.get_my_short_description()).short_description == "s"
    assert await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    assert isinstance(await bot.get_chat_menu_button(), MenuButtonCommands)
    assert await bot.delete_messages(phone.id, [document.message_id, photo.message_id])


async def test_its_errors_are_told_apart(bot: Bot, phone: Phone, world: World) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(1, "x")
    await world.ask("POST", "/play/faults", json={"method": "sendMessage", "status": 429, "retry_after": 5})
    with pytest.raises(TelegramRetryAfter) as raised:
        await bot.send_message(phone.id, "x")
    assert raised.value.retry_after == 5
    await phone.do("block")
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(phone.id, "x")
