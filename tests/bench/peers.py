"""What the system is measured against: the shortest bots that two libraries make, as their own pages show them.

``python -m tests.bench.peers KIND URL``; each answers a text with the same text.
"""

import asyncio
import sys
from typing import Any

TOKEN = "1:bench"


def python_telegram_bot(url: str, concurrent_updates: int) -> None:
    """Stock: its own HTTP client (httpx), the default builder, polling. ``concurrent_updates`` 0 is the default: one
    after the other."""
    from telegram import Update
    from telegram.ext import Application, ContextTypes, MessageHandler, filters

    async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        await update.message.reply_text(update.message.text or "")

    builder: Any = Application.builder().token(TOKEN).base_url(f"{url}/bot").base_file_url(f"{url}/file/bot")
    if concurrent_updates:
        builder = builder.concurrent_updates(concurrent_updates)
    application = builder.build()
    application.add_handler(MessageHandler(filters.TEXT, echo))
    application.run_polling()


def aiogram(url: str) -> None:
    """Stock: the dispatcher's defaults, polling."""
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.types import Message

    dispatcher = Dispatcher()

    @dispatcher.message()
    async def echo(message: Message) -> None:
        await message.answer(message.text or "")

    async def poll() -> None:
        async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url))) as bot:
            await dispatcher.start_polling(bot)

    asyncio.run(poll())


if __name__ == "__main__":
    kind, address = sys.argv[1:]
    if kind == "aiogram":
        aiogram(address)
    else:
        python_telegram_bot(address, concurrent_updates=int(kind.removeprefix("ptb-")))
