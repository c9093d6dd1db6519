"""What a broadcast is measured against: a bare loop of two libraries' own ``send_message``, with no ledger, no pace and
no second try. ``python -m tests.bench.senders KIND URL COUNT`` sends so many personal texts, 64 at a time, and tells on
stdout, as JSON, the seconds and the CPU seconds that took."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tests.bench.peers import TOKEN
from tests.drill.families import FIRST_CHAT, TEXT

AT_ONCE = 64
Send = Callable[[int, str], Awaitable[Any]]


async def python_telegram_bot(url: str, count: int) -> dict[str, float]:
    from telegram import Bot
    from telegram.request import HTTPXRequest

    # Its default is one connection, which would wait for each answer.
    request = HTTPXRequest(connection_pool_size=AT_ONCE)
    async with Bot(TOKEN, base_url=f"{url}/bot", request=request) as bot:
        return await _send_all(lambda chat_id, text: bot.send_message(chat_id, text, parse_mode="HTML"), count)


async def aiogram(url: str, count: int) -> dict[str, float]:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    async with Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url))) as bot:
        return await _send_all(lambda chat_id, text: bot.send_message(chat_id, text, parse_mode="HTML"), count)


async def _send_all(send: Send, count: int) -> dict[str, float]:
    chats = iter(range(FIRST_CHAT + 1, FIRST_CHAT + count + 1))

    async def work() -> None:
        for chat_id in chats:
            number = chat_id - FIRST_CHAT
            text = TEXT.format(number=f"DRILL-{number}", home=f"D1-一期-1-1-{number}", paid_up_to="2026-06-30")
            await send(chat_id, text)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}


KINDS = {"ptb": python_telegram_bot, "aiogram": aiogram}

if __name__ == "__main__":
    kind, address, number = sys.argv[1:]
    print(json.dumps(asyncio.run(KINDS[kind](address, int(number)))))
