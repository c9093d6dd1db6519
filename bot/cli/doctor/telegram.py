"""Telegram: the token, where updates go, and its clock."""

import asyncio
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot.cli.doctor.findings import Finding, State, clock, failed, ok, skipped, warning
from bot.settings import BotSettings

MANY_WAITING = 100
"""Updates that Telegram keeps; more tell that nobody takes them."""
LOOKS_AT_THE_CLOCK, SECONDS_BETWEEN = 3, 1.1
"""A busy server renews its ``Date`` header late: a clock is off when it is each time that one looks."""
RECENT_SECONDS = 3600.0
"""An error of Telegram's that is older is over."""

_CHECKS = ("token", "webhook", "telegram_clock")


async def look_at_telegram(settings: BotSettings, now: Callable[[], float]) -> list[Finding]:
    """
    Args:
        now: this machine's clock, in seconds since 1970.
    """
    if settings.telegram_token is None:
        return [skipped("token", "没有设置 SHANGLOU_TELEGRAM_TOKEN，不查 Telegram。")]
    base = f"{settings.telegram_api_url}/bot{settings.telegram_token.get_secret_value()}/"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), trust_env=False) as session:

        async def ask(method: str) -> tuple[int, dict[str, Any], Finding | None]:
            began = now()
            async with session.post(base + method, proxy=settings.proxy, allow_redirects=False) as response:
                told = _clock(response.headers.get("Date"), began, now())
                return response.status, await response.json(content_type=None), told

        try:
            status, me, told = await ask("getMe")
            if status != 200 or not isinstance(me, dict):
                return [_refused(status)]
            _, webhook, _ = await ask("getWebhookInfo")
            for _ in range(LOOKS_AT_THE_CLOCK - 1):
                if told is None or told.state is State.OK:
                    break
                await asyncio.sleep(SECONDS_BETWEEN)
                *_, told = await ask("getMe")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Its message would quote the address, and so the token.
            return [
                failed(
                    "token",
                    f"连不上 Telegram（{type(error).__name__}）。",
                    "请检查网络；直接连不上时用 SHANGLOU_TELEGRAM_PROXY 设置代理。",
                )
            ]
    return [
        _name(settings, str(me["result"]["username"])),
        _webhook(settings, webhook.get("result", {}), now()),
        *([] if told is None else [told]),
    ]


def _refused(status: int) -> Finding:
    if status in (401, 404):
        return failed(
            "token",
            "Telegram 不认识这个机器人令牌。",
            "请在 BotFather 那里核对令牌，写进 SHANGLOU_TELEGRAM_TOKEN，再重启机器人。",
        )
    return failed("token", f"Telegram 的应答不正常（{status}）。", "请过几分钟再运行一次；一直这样就检查代理。")


def _name(settings: BotSettings, username: str) -> Finding:
    if settings.bot_username is not None and settings.bot_username.lower() != username.lower():
        return warning(
            "token",
            f"令牌是 @{username} 的，设置里写的却是 @{settings.bot_username}。",
            "请改正 SHANGLOU_BOT_USERNAME，否则邀请链接会打开别的机器人。",
        )
    return ok("token", f"令牌有效，是 @{username} 的。")


def _webhook(settings: BotSettings, info: dict[str, Any], now: float) -> Finding:
    url, waiting = str(info.get("url", "")), int(info.get("pending_update_count", 0))
    error_at, error = float(info.get("last_error_date", 0)), str(info.get("last_error_message", ""))
    if settings.webhook_url is None and url:
        return failed(
            "webhook",
            "设置是轮询，Telegram 却在把消息推送到一个地址。",
            "确认没有别的部署在用同一个令牌，再重启机器人：它启动时会取消推送。",
        )
    if settings.webhook_url is not None and url != settings.webhook_url:
        return failed(
            "webhook",
            "Telegram 推送的地址不是 SHANGLOU_WEBHOOK_URL。" if url else "Telegram 没有推送到 SHANGLOU_WEBHOOK_URL。",
            "请启动（或重启）机器人：它启动时会登记地址；还不对，就是别的部署在用同一个令牌。",
        )
    if settings.webhook_url is not None and now - error_at < RECENT_SECONDS:
        return failed(
            "webhook",
            f"Telegram 最近一小时内推送失败过：{error}。",
            "请检查反向代理、证书和机器人是否在运行（docs/operations.md）。",
        )
    if waiting > MANY_WAITING:
        return failed("webhook", f"有 {waiting} 条消息在 Telegram 那里等着。", "请看机器人是不是在运行，日志里有什么。")
    return ok("webhook", "消息会" + ("推送到设置的地址" if url else "由机器人来取（轮询）") + f"，{waiting} 条在等。")


def _clock(date: str | None, began: float, ended: float) -> Finding | None:
    if date is None:
        return None
    # The header names whole seconds, rounded down.
    theirs = parsedate_to_datetime(date).timestamp() + 0.5
    return clock("telegram_clock", " Telegram 的时钟", (began + ended) / 2 - theirs, (ended - began) / 2 + 0.5)


def real_clock() -> float:
    return time.time()
