"""python-telegram-bot 22.8 with its stock HTTP client, against the playground."""

import asyncio

import pytest
import telegram
from telegram import (
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ChatMemberStatus, ParseMode
from telegram.error import BadRequest, Conflict, EndPointNotFound, Forbidden, InvalidToken

from tests.contract.conftest import NewPhone, Phone, World, png


def keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(item, callback_data=item) for item in data]])


async def next_update(bot: telegram.Bot, offset: int | None = None) -> Update:
    updates = await bot.get_updates(offset=offset, timeout=5)
    assert updates
    return updates[0]


async def test_it_says_who_it_is(bot: telegram.Bot, world: World) -> None:
    assert bot.bot.is_bot
    assert bot.username == world.state.bot["username"]


async def test_a_sent_message_comes_back_as_telegram_would_give_it(bot: telegram.Bot, phone: Phone) -> None:
    first = await bot.send_message(phone.id, "first")
    message = await bot.send_message(
        phone.id,
        "😀 <b>您的<i>新家</i></b> &lt;3 <a href='https://example.org/a?b=1&amp;c=2'>here</a>\n<pre><code"
        ' class="language-sql">select</code></pre>',
        parse_mode=ParseMode.HTML,
        reply_markup=keyboard("a", "b"),
        reply_parameters=ReplyParameters(first.message_id),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        protect_content=True,
        disable_notification=True,
    )
    assert message.text == "😀 您的新家 <3 here\nselect"
    assert [(entity.type, entity.offset, entity.length) for entity in message.entities] == [
        ("bold", 3, 4),
        ("italic", 5, 2),
        ("text_link", 11, 4),
        ("pre", 16, 6),
    ]
    assert message.parse_entities()[message.entities[1]] == "新家"
    assert message.entities[2].url == "https://example.org/a?b=1&c=2"
    assert message.entities[3].language == "sql"
    assert message.reply_markup == keyboard("a", "b")
    assert message.reply_to_message is not None
    assert message.reply_to_message.message_id == first.message_id
    assert message.has_protected_content
    assert message.link_preview_options is not None
    assert message.link_preview_options.is_disabled
    assert message.from_user == bot.bot
    assert message.chat.type == "private"

    seen = (await phone.messages(first.message_id))[0]
    assert seen["silent"] is True
    assert seen["mine"] is False
    assert seen["reply_markup"]["inline_keyboard"][0][0] == {"text": "a", "callback_data": "a"}


async def test_only_inline_keyboards_are_echoed_and_the_phone_shows_the_others(
    bot: telegram.Bot, phone: Phone, world: World
) -> None:
    markup = ReplyKeyboardMarkup(
        [[KeyboardButton("手机号", request_contact=True)], ["取消"]], one_time_keyboard=True, is_persistent=True
    )
    message = await bot.send_message(phone.id, "?", reply_markup=markup)
    assert message.reply_markup is None
    _, card = await world.ask("GET", f"/play/users/{phone.id}")
    assert card["keyboard"] == {
        "keyboard": [[{"text": "手机号", "request_contact": True}], [{"text": "取消"}]],
        "is_persistent": True,
        "one_time_keyboard": True,
    }
    await bot.send_message(phone.id, "!", reply_markup=ReplyKeyboardRemove())
    _, card = await world.ask("GET", f"/play/users/{phone.id}")
    assert card["keyboard"] is None


async def test_a_deleted_message_takes_its_reply_keyboard_with_it(
    bot: telegram.Bot, phone: Phone, world: World
) -> None:
    message = await bot.send_message(phone.id, "?", reply_markup=ReplyKeyboardMarkup([["a"]]))
    await message.delete()
    _, card = await world.ask("GET", f"/play/users/{phone.id}")
    assert card["keyboard"] is None
    assert await phone.messages() == []


async def test_edits(bot: telegram.Bot, phone: Phone) -> None:
    message = await bot.send_message(phone.id, "one", reply_markup=keyboard("a"))
    edited = await message.edit_text("two", reply_markup=keyboard("b"))
    assert isinstance(edited, telegram.Message)
    assert edited.edit_date is not None
    [seen] = await phone.messages()
    assert (seen["text"], seen["edited"], seen["rewritten"]) == ("two", True, True)

    with pytest.raises(BadRequest, match=r"(?i)not modified"):
        await message.edit_text("two", reply_markup=keyboard("b"))
    with pytest.raises(BadRequest, match=r"(?i)not modified"):
        await message.edit_reply_markup(keyboard("b"))
    await message.edit_reply_markup(None)
    [seen] = await phone.messages()
    assert "reply_markup" not in seen
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("x", phone.id, message.message_id + 100)
    own = await phone.send("mine")
    with pytest.raises(BadRequest, match=r"(?i)message can't be edited"):
        await bot.edit_message_text("x", phone.id, own["message_id"])


async def test_an_edit_without_a_keyboard_removes_it(bot: telegram.Bot, phone: Phone) -> None:
    message = await bot.send_message(phone.id, "one", reply_markup=keyboard("a"))
    edited = await message.edit_text("two")
    assert isinstance(edited, telegram.Message)
    assert edited.reply_markup is None


async def test_deletions(bot: telegram.Bot, phone: Phone) -> None:
    one, two = [await bot.send_message(phone.id, text) for text in "ab"]
    mine = await phone.send("secret")
    assert await bot.delete_message(phone.id, mine["message_id"])
    with pytest.raises(BadRequest, match=r"(?i)message to delete not found"):
        await bot.delete_message(phone.id, mine["message_id"])
    assert await bot.delete_messages(phone.id, [one.message_id, two.message_id, 999])
    assert await phone.messages() == []


async def test_photos_have_sizes_and_can_be_fetched_and_sent_again(bot: telegram.Bot, phone: Phone) -> None:
    picture = png(1000, 400)
    message = await bot.send_photo(phone.id, picture, caption="<i>x</i>", parse_mode=ParseMode.HTML)
    assert [(size.width, size.height) for size in message.photo] == [
        (90, 36),
        (320, 128),
        (800, 320),
        (1000, 400),
    ]
    assert len({size.file_unique_id for size in message.photo}) == 4
    assert message.caption_entities[0].type == "italic"
    file = await bot.get_file(message.photo[-1].file_id)
    assert file.file_size == len(picture)
    assert await file.download_as_bytearray() == picture
    again = await bot.send_photo(phone.id, message.photo[0].file_id)
    assert again.photo == message.photo
    with pytest.raises(BadRequest, match=r"(?i)IMAGE_PROCESS_FAILED"):
        await bot.send_photo(phone.id, b"no picture")
    with pytest.raises(BadRequest, match=r"(?i)invalid file_id"):
        await bot.get_file("nonsense")


async def test_documents_keep_their_names(bot: telegram.Bot, phone: Phone) -> None:
    message = await bot.send_document(phone.id, b"%PDF-1.7", filename='合同 "1".pdf', caption="see")
    assert message.document is not None
    assert message.document.file_name == '合同 "1".pdf'
    assert message.document.mime_type == "application/pdf"
    file = await message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"%PDF-1.7"


async def test_albums_share_a_group(bot: telegram.Bot, phone: Phone) -> None:
    known = await bot.send_photo(phone.id, png(10, 10))
    album = await bot.send_media_group(
        phone.id,
        [InputMediaPhoto(png(20, 20), caption="a"), InputMediaPhoto(known.photo[-1].file_id)],
    )
    assert len({message.media_group_id for message in album}) == 1
    assert album[0].media_group_id
    assert album[0].caption == "a"
    papers = await bot.send_media_group(
        phone.id, [InputMediaDocument(b"a", filename="a.txt"), InputMediaDocument(b"b", filename="b.txt")]
    )
    assert [message.document.file_name for message in papers if message.document] == ["a.txt", "b.txt"]


async def test_location_action_and_chat(bot: telegram.Bot, phone: Phone) -> None:
    message = await bot.send_location(phone.id, 30.5, 114.3)
    assert message.location is not None
    assert message.location.latitude == 30.5
    assert await bot.send_chat_action(phone.id, ChatAction.TYPING)
    with pytest.raises(BadRequest, match=r"(?i)wrong parameter action"):
        await bot.send_chat_action(phone.id, "dancing")
    assert (await bot.get_chat(phone.id)).first_name == "王芳"


async def test_commands_by_scope_and_language(bot: telegram.Bot, phone: Phone, world: World) -> None:
    await bot.set_my_commands([BotCommand("home", "My home")])
    await bot.set_my_commands([BotCommand("home", "我的房屋")], language_code="zh")
    assert (await bot.get_my_commands())[0].description == "My home"
    assert (await bot.get_my_commands(language_code="zh"))[0].description == "我的房屋"
    _, card = await world.ask("GET", f"/play/users/{phone.id}")
    assert card["bot"]["commands"] == [{"command": "home", "description": "我的房屋"}]
    await bot.set_my_commands([BotCommand("queue", "办理")], scope=BotCommandScopeChat(phone.id))
    _, card = await world.ask("GET", f"/play/users/{phone.id}")
    assert card["bot"]["commands"][0]["command"] == "queue"
    await bot.delete_my_commands(scope=BotCommandScopeChat(phone.id))
    assert await bot.get_my_commands(scope=BotCommandScopeChat(phone.id)) == ()
    with pytest.raises(BadRequest, match=r"(?i)BOT_COMMAND_INVALID"):
        await bot.set_my_commands([("Bad-Name", "x")])


async def test_name_descriptions_and_menu_button(bot: telegram.Bot, phone: Phone, world: World) -> None:
    await bot.set_my_name("上楼助手", language_code="zh")
    await bot.set_my_description("回答拆迁户和购房户的问题")
    await bot.set_my_short_description("short")
    assert (await bot.get_my_name("zh")).name == "上楼助手"
    assert (await bot.get_my_description("en")).description == "回答拆迁户和购房户的问题"
    assert (await bot.get_my_short_description()).short_description == "short"
    assert await bot.set_chat_menu_button(phone.id, telegram.MenuButtonCommands())
    assert (await bot.get_chat_menu_button(phone.id)).type == "commands"
    _, card = await world.ask("GET", f"/play/users/{phone.id}")
    assert card["bot"]["name"] == "上楼助手"
    assert card["bot"]["description"] == "回答拆迁户和购房户的问题"


async def test_a_tap_carries_the_message_and_waits_for_its_answer(
    bot: telegram.Bot, phone: Phone, world: World
) -> None:
    message = await bot.send_message(phone.id, "?", reply_markup=keyboard("yes"))
    tap = await phone.do("taps", message_id=message.message_id, data="yes")
    query = (await next_update(bot)).callback_query
    assert query is not None
    assert query.data == "yes"
    assert query.chat_instance
    assert isinstance(query.message, telegram.Message)
    assert query.message.reply_markup == keyboard("yes")
    await query.answer("好", show_alert=True)
    _, answer = await world.ask("GET", f"/play/users/{phone.id}/taps/{tap['callback_query_id']}?wait=30")
    assert (answer["answered"], answer["text"], answer["show_alert"]) == (True, "好", True)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query("12345")


async def test_an_old_button_of_a_message_that_is_gone(bot: telegram.Bot, phone: Phone) -> None:
    message = await bot.send_message(phone.id, "?", reply_markup=keyboard("yes"))
    await message.delete()
    await phone.do("taps", message_id=message.message_id, data="yes")
    query = (await next_update(bot)).callback_query
    assert query is not None
    assert query.message is not None
    assert not query.message.is_accessible


async def test_contacts_own_and_typed(bot: telegram.Bot, phone: Phone) -> None:
    asked = await bot.send_message(
        phone.id, "?", reply_markup=ReplyKeyboardMarkup([[KeyboardButton("号码", request_contact=True)]])
    )
    await phone.do("contact")
    await phone.do("contact", phone_number="+8613900000009")
    own, typed = [update.message for update in await bot.get_updates(timeout=2)]
    assert own is not None
    assert typed is not None
    assert own.contact is not None
    assert typed.contact is not None
    assert (own.contact.user_id, own.contact.phone_number) == (phone.id, "+8613800000001")
    assert own.reply_to_message is not None
    assert own.reply_to_message.message_id == asked.message_id
    assert (typed.contact.user_id, typed.contact.phone_number) == (None, "+8613900000009")


async def test_updates_stay_until_an_offset_confirms_them(bot: telegram.Bot, phone: Phone) -> None:
    for text in ("a", "b", "c"):
        await phone.send(text)
    first = await bot.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["a", "b"]
    assert await bot.get_updates(limit=2) == first
    assert [message["seen"] for message in await phone.messages()] == [False] * 3
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["c"]
    assert [message["seen"] for message in await phone.messages()] == [True, True, False]
    [last] = await bot.get_updates(offset=-1)
    assert last.update_id == rest[-1].update_id


async def test_a_long_poll_wakes_with_the_message(bot: telegram.Bot, phone: Phone) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.sleep(0.1)
    await phone.send("/start code@x 你好")
    async with asyncio.timeout(15):
        [update] = await poll
    assert update.message is not None
    assert update.message.parse_entities(["bot_command"]) == {update.message.entities[0]: "/start"}


async def test_two_pollers_are_one_too_many(bot: telegram.Bot, phone: Phone) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(bot.get_updates(timeout=30))
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first
    await phone.send("hello")
    assert len(await second) == 1


async def test_allowed_updates_are_honoured_and_remembered(bot: telegram.Bot, phone: Phone) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    await phone.send("not wanted")
    await phone.do("taps", message_id=1, data="wanted")
    [update] = await bot.get_updates()
    assert update.callback_query is not None
    await bot.get_updates(offset=update.update_id + 1, allowed_updates=[])
    await phone.send("wanted again")
    assert len(await bot.get_updates()) == 1


async def test_blocking_and_coming_back(bot: telegram.Bot, phone: Phone) -> None:
    await phone.do("block")
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(phone.id, "hello?")
    await phone.do("unblock")
    await bot.send_message(phone.id, "hello!")
    gone, back = [update.my_chat_member for update in await bot.get_updates()]
    assert gone is not None
    assert back is not None
    assert gone.new_chat_member.status == ChatMemberStatus.BANNED
    assert back.new_chat_member.status == ChatMemberStatus.MEMBER


async def test_a_person_who_never_wrote_cannot_be_reached(bot: telegram.Bot, new_phone: NewPhone) -> None:
    stranger = await new_phone(started=False)
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(stranger.id, "hello")
    await stranger.send("/start")
    await bot.send_message(stranger.id, "hello")


async def test_the_wrong_token_and_an_unknown_method(bot: telegram.Bot, world: World) -> None:
    other = telegram.Bot("1:someone-else", base_url=f"{world.url}/bot")
    with pytest.raises(InvalidToken):
        await other.initialize()
    await other.shutdown()
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("makeCoffee")
