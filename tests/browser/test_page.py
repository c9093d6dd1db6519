"""The chat page, used as a person would: an echo bot on the other side, Chromium on this one."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
)
from telegram.constants import ChatAction
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bot.playground import create_app, new_token, serve

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de000"
    "0000c49444154789c63383021010003c401b112fb3ef60000000049454e44ae426082"
)
"""A PNG of one pixel."""
Context = ContextTypes.DEFAULT_TYPE


@dataclass
class Scene:
    """The page's address, and what the echo bot has said and waits for."""

    url: str
    http: aiohttp.ClientSession
    answer_taps: asyncio.Event = field(default_factory=asyncio.Event)
    answer_text: asyncio.Event = field(default_factory=asyncio.Event)
    shown: Message | None = None

    async def person(self, **fields: Any) -> int:
        async with self.http.post("/play/users", json=fields) as response:
            return int((await response.json())["id"])

    def add_handlers(self, application: Application[Any, Any, Any, Any, Any, Any]) -> None:
        application.add_handler(CommandHandler("start", self.start))
        application.add_handler(MessageHandler(filters.CONTACT, self.contact))
        application.add_handler(MessageHandler(filters.PHOTO, self.photo))
        application.add_handler(MessageHandler(filters.TEXT, self.text))
        application.add_handler(CallbackQueryHandler(self.tap))

    async def start(self, update: Update, context: Context) -> None:
        assert update.message is not None
        keys: list[list[str | KeyboardButton]] = [[KeyboardButton("分享手机号", request_contact=True)], ["不用了"]]
        await update.message.reply_html(
            "<b>您好</b> &lt;script&gt;alert(1)&lt;/script&gt;",
            reply_markup=ReplyKeyboardMarkup(keys, one_time_keyboard=True),
        )

    async def contact(self, update: Update, context: Context) -> None:
        assert update.message is not None
        assert update.message.contact is not None
        own = update.message.contact.user_id == update.message.chat.id
        await update.message.reply_text(f"own={own}", reply_markup=ReplyKeyboardRemove())

    async def photo(self, update: Update, context: Context) -> None:
        assert update.message is not None
        await update.message.reply_text(f"photo: {update.message.caption}")

    async def text(self, update: Update, context: Context) -> None:
        assert update.message is not None
        await update.message.reply_chat_action(ChatAction.TYPING)
        await self.answer_text.wait()
        button = InlineKeyboardButton("按我", callback_data="press")
        self.shown = await update.message.reply_text(
            f"echo: {update.message.text}", reply_markup=InlineKeyboardMarkup([[button]])
        )

    async def tap(self, update: Update, context: Context) -> None:
        assert update.callback_query is not None
        await self.answer_taps.wait()
        await update.callback_query.answer("收到", show_alert=True)
        await update.callback_query.edit_message_text("按过了")


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    token = new_token()
    async with serve(create_app(token)) as url, aiohttp.ClientSession(url) as http:
        made = Scene(url, http)
        application = (
            Application.builder()
            .token(token)
            .base_url(f"{url}/bot")
            .base_file_url(f"{url}/file/bot")
            .concurrent_updates(True)
            .build()
        )
        made.add_handlers(application)
        assert application.updater is not None
        async with application:
            await application.bot.set_my_commands([("start", "重新开始"), ("home", "我的房屋")])
            await application.bot.set_my_description("回答上楼的问题")
            await application.start()
            await application.updater.start_polling(poll_interval=0)
            yield made
            made.answer_taps.set()
            made.answer_text.set()
            await application.updater.stop()
            await application.stop()


async def test_a_conversation_on_the_page(scene: Scene, page: Page) -> None:
    person = await scene.person(
        first_name="王芳", phone="+8613800000001", language_code="zh-hans", note="拆迁户\n协议编号：AZ-1"
    )
    await page.goto(f"{scene.url}/?user={person}&start=code-7")

    # An empty chat shows what the bot is for and one big button, which carries the link's code.
    await expect(page.locator(".intro")).to_contain_text("回答上楼的问题")
    await page.get_by_role("button", name="开始").click()
    mine, theirs = page.locator(".row-mine"), page.locator(".row-theirs")
    await expect(mine.first).to_contain_text("/start code-7")
    await expect(theirs.first).to_contain_text("您好 <script>alert(1)</script>")
    await expect(theirs.first.locator("strong")).to_have_text("您好")
    await expect(mine.first.get_by_role("img", name="已送达")).to_be_visible()

    # The contact button asks first; the keyboard goes when the bot takes it away.
    await page.locator("#keyboard").get_by_role("button", name="分享手机号").click()
    await expect(page.locator("#box")).to_contain_text("+8613800000001")
    await page.locator("#box").get_by_role("button", name="分享").click()
    await expect(theirs.last).to_contain_text("own=True")
    await expect(page.locator("#keyboard")).to_be_hidden()

    # What is typed goes out with Enter; the bot is seen typing until it answers.
    await page.get_by_role("textbox", name="输入消息").fill("喂 😀 <i>x</i>")
    await page.keyboard.press("Enter")
    await expect(page.locator("#typing")).to_be_visible()
    await expect(page.locator("#bot-status")).to_have_text("正在输入…")
    scene.answer_text.set()
    await expect(theirs.last).to_contain_text("echo: 喂 😀 <i>x</i>")
    await expect(page.locator("#typing")).to_be_hidden()

    # An inline button is busy until its tap is answered; then the alert, then the edit.
    key = page.get_by_role("button", name="按我")
    await key.click()
    await expect(page.locator(".key[aria-busy=true]")).to_be_visible()
    scene.answer_taps.set()
    await expect(page.locator("#box")).to_contain_text("收到")
    await page.locator("#box").get_by_role("button", name="好").click()
    await expect(theirs.last).to_contain_text("按过了")
    await expect(theirs.last.locator(".edited")).to_have_text("已编辑")
    await expect(page.locator(".key")).to_have_count(0)

    # A deleted message leaves the screen.
    assert scene.shown is not None
    await scene.shown.delete()
    await expect(page.get_by_text("按过了")).to_have_count(0)

    # A photo with a caption, by way of the preview.
    await page.set_input_files("#pick-photos", {"name": "a.png", "mimeType": "image/png", "buffer": PICTURE})
    await page.get_by_placeholder("添加说明").fill("漏水")
    await page.locator("#sheet").get_by_role("button", name="发送").click()
    await expect(theirs.last).to_contain_text("photo: 漏水")
    image = mine.last.locator("img")
    await expect(image).to_be_visible()
    assert await image.evaluate("image => image.complete && image.naturalWidth") == 1

    # Commands are offered while a slash is typed.
    await page.get_by_role("textbox", name="输入消息").fill("/ho")
    await expect(page.get_by_role("option")).to_have_text(["/home我的房屋"])
    await page.get_by_role("textbox", name="输入消息").fill("")

    # The note of the person chosen fills in what they need.
    await page.get_by_role("button", name="切换人物").click()
    await page.locator("#people-sheet").get_by_role("button", name="填入").first.click()
    await expect(page.get_by_role("textbox", name="输入消息")).to_have_value("AZ-1")


async def test_people_are_switched_and_each_reads_their_language(scene: Scene, page: Page) -> None:
    first = await scene.person(first_name="王芳", language_code="zh-hans")
    await scene.person(first_name="Anna", language_code="en")
    await page.goto(f"{scene.url}/?user={first}")
    await page.get_by_role("button", name="开始").click()
    await expect(page.locator(".row-theirs")).to_have_count(1)
    await page.get_by_role("button", name="切换人物").click()
    await page.locator("#people-sheet").get_by_role("button", name=re.compile("Anna")).click()
    await expect(page.locator("#start")).to_have_text("Start")
    await expect(page.locator(".row")).to_have_count(0)
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.locator("#people-sheet").get_by_text("Add a person").click()
    await page.locator("#people-sheet").get_by_label("Name").fill("李建国")
    await page.locator("#people-sheet").get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator("#open-people")).to_contain_text("李建国")
    await expect(page.locator("#people-sheet")).to_be_hidden()


async def test_whoever_reads_further_up_is_told_of_news(scene: Scene, page: Page) -> None:
    person = await scene.person(first_name="王芳")
    scene.answer_text.set()
    await page.goto(f"{scene.url}/?user={person}")
    await page.get_by_role("button", name="开始").click()
    for number in range(12):
        async with scene.http.post(f"/play/users/{person}/messages", json={"text": f"{number}"}):
            pass
    await expect(page.locator(".row-theirs")).to_have_count(13)
    await expect(page.locator(".row-theirs").last).to_be_in_viewport(ratio=1)
    await page.locator("#scroll").hover()
    await page.mouse.wheel(0, -5000)
    await expect(page.locator("#pill")).to_be_visible()
    await expect(page.locator("#pill")).to_have_text("回到最新")
    assert scene.shown is not None
    await scene.shown.reply_text("news")
    await expect(page.locator("#pill")).to_have_text("1 条新消息")
    await page.locator("#pill").click()
    await expect(page.get_by_text("news")).to_be_in_viewport()
    await expect(page.locator("#pill")).to_be_hidden()
