"""Builds the bot and runs it. The only module of the runtime that knows the conversations."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import structlog
from telegram import BotCommand, Update
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ContextTypes, ExtBot

from bot.backend import Backend
from bot.context import App, Context
from bot.courier import Courier, carrying
from bot.dispatch import Switchboard, needs
from bot.errors import Patience, on_error
from bot.health import Health
from bot.metrics import Metrics
from bot.outcomes import halt_seconds
from bot.polling import PollingBot
from bot.retrying import retries
from bot.serving import serving
from bot.sessions import ChatProcessor
from bot.settings import BotSettings
from bot.transport import Transport
from bot.watching import Watches
from bot.webhook import Webhook
from handlers.registry import COMMANDS, DESCRIPTION, HANDLERS, SHORT_DESCRIPTION, compose, compose_broadcast
from locales import DEFAULT, SUPPORTED, translator

log = structlog.get_logger()

WANTED = [Update.MESSAGE, Update.CALLBACK_QUERY]
"""Kinds of updates asked for; Telegram keeps the others to itself."""
POLL_SECONDS = 25
TURN_SECONDS = 15
"""What a turn may take when the bot ends, before Telegram is left without its 200 and brings the update again."""
_LAST_PAUSE = 30.0


class NoToken(Exception):
    """The bot's token is missing, or Telegram does not know it."""


def build_application(settings: BotSettings) -> App:
    """The bot, ready for ``running``.

    Raises:
        NoToken: the settings hold none.
    """
    calls = Transport(pool_size=256, proxy=settings.proxy)
    polls = Transport(pool_size=2, proxy=settings.proxy)
    bot: ExtBot[None] = PollingBot(
        _token(settings),
        polls,
        base_url=f"{settings.telegram_api_url}/bot",
        base_file_url=f"{settings.telegram_api_url}/file/bot",
        request=calls,
        rate_limiter=Patience(),
    )
    metrics = Metrics("bot")
    backend = Backend(settings.api_url, settings.bearer, pool_size=max(settings.concurrency, 8), metrics=metrics)
    processor = ChatProcessor(backend, settings.concurrency, metrics)
    application: App = (
        Application.builder()
        .bot(bot)
        .context_types(ContextTypes(context=Context))
        .concurrent_updates(processor)
        .job_queue(None)
        .build()
    )
    processor.run_with(application, needs(HANDLERS))
    application.bot_data["backend"] = backend
    application.bot_data["metrics"] = metrics
    application.bot_data["transports"] = (calls, polls)
    application.bot_data["settings"] = settings
    application.bot_data["watches"] = Watches()
    application.bot_data["hurry"] = processor.hurry
    application.add_error_handler(on_error)
    application.add_handler(Switchboard(HANDLERS))
    return application


def _token(settings: BotSettings) -> str:
    if settings.telegram_token is None:
        raise NoToken("SHANGLOU_TELEGRAM_TOKEN is not set")
    return settings.telegram_token.get_secret_value()


@asynccontextmanager
async def running(application: App) -> AsyncIterator[None]:
    """The bot takes updates, and a courier brings notices, for as long as the block runs; then they finish what they
    have taken.

    Raises:
        NoToken: Telegram does not know the token.
        OSError: an address to listen on is taken.
    """
    settings: BotSettings = application.bot_data["settings"]
    async with AsyncExitStack() as stack:
        metrics: Metrics = application.bot_data["metrics"]
        await _open(stack, settings, metrics, application.bot_data["backend"], application.bot_data["transports"])
        stack.push_async_callback(application.shutdown)
        await _reach_telegram(application.initialize)
        await introduce(application.bot)
        await application.start()
        stack.push_async_callback(application.stop)
        stack.callback(application.bot_data["hurry"])
        stack.push_async_callback(application.bot_data["watches"].close)
        if settings.webhook_url is None:
            await stack.enter_async_context(_polling(application))
        else:
            await stack.enter_async_context(_webhook(application, settings))
        courier = _courier(settings, metrics, application.bot_data["backend"], application.bot)
        await stack.enter_async_context(carrying(courier))
        log.info("bot_started", username=application.bot.username, webhook=settings.webhook_url is not None)
        yield
    log.info("bot_stopped")


@asynccontextmanager
async def running_courier(settings: BotSettings) -> AsyncIterator[None]:
    """A courier alone goes about for as long as the block runs.

    Raises:
        NoToken: the settings hold none, or Telegram does not know it.
        OSError: the health address is taken.
    """
    transport = Transport(pool_size=settings.courier_batch, proxy=settings.proxy)
    bot: ExtBot[None] = ExtBot(
        _token(settings),
        base_url=f"{settings.telegram_api_url}/bot",
        base_file_url=f"{settings.telegram_api_url}/file/bot",
        request=transport,
        get_updates_request=Transport(pool_size=1),
    )
    metrics = Metrics("courier")
    backend = Backend(settings.api_url, settings.bearer, pool_size=2, metrics=metrics)
    async with AsyncExitStack() as stack:
        await _open(stack, settings, metrics, backend, [transport])
        stack.push_async_callback(bot.shutdown)
        await _reach_telegram(bot.initialize)
        await stack.enter_async_context(carrying(_courier(settings, metrics, backend, bot)))
        log.info("courier_started")
        yield


async def _open(
    stack: AsyncExitStack,
    settings: BotSettings,
    metrics: Metrics,
    backend: Backend,
    transports: Iterable[Transport],
) -> None:
    await stack.enter_async_context(backend)
    if settings.health_port is not None:
        await stack.enter_async_context(serving(Health(metrics.registry), settings.health_host, settings.health_port))
    for transport in transports:
        # Where initializing is broken off, PTB's own shutdown() closes nothing.
        stack.push_async_callback(transport.shutdown)


def _courier(settings: BotSettings, metrics: Metrics, backend: Backend, bot: ExtBot[None]) -> Courier:
    return Courier(
        backend,
        bot,
        compose,
        compose_broadcast,
        time_zone=settings.timezone,
        batch=settings.courier_batch,
        metrics=metrics,
    )


async def run(settings: BotSettings) -> None:
    """Run the bot until SIGINT or SIGTERM."""
    await _run_until_signal(lambda: running(build_application(settings)))


async def run_courier(settings: BotSettings) -> None:
    """Run a courier alone until SIGINT or SIGTERM."""
    await _run_until_signal(lambda: running_courier(settings))


async def _run_until_signal(start: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    started = False

    def end() -> None:
        stop.set()
        if not started and task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        async with start():
            started = True
            await stop.wait()
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _reach_telegram(initialize: Callable[[], Awaitable[None]]) -> None:
    """Initialize, however long Telegram takes to be reachable."""
    unending = retries(
        _telegram_is_away, attempts=None, timeout=None, wait_initial=0.5, wait_max=_LAST_PAUSE, wait_jitter=0.5
    )
    async for attempt in unending:
        with attempt:
            try:
                await initialize()
            except InvalidToken:
                # Telegram's own error quotes the token.
                raise NoToken("Telegram does not know the token in SHANGLOU_TELEGRAM_TOKEN") from None


def _telegram_is_away(error: Exception) -> bool | float:
    """Whether to wait for it; the pause that it asked for itself, where it did."""
    if isinstance(error, RetryAfter):
        return halt_seconds(error)
    if isinstance(error, NetworkError):
        log.warning("telegram_not_reachable", error=type(error).__name__)
        return True
    return False


@asynccontextmanager
async def _polling(application: App) -> AsyncIterator[None]:
    updater = application.updater
    assert updater is not None  # noqa: S101 - the builder makes one unless told not to
    await updater.start_polling(
        timeout=POLL_SECONDS, bootstrap_retries=-1, allowed_updates=WANTED, error_callback=_on_polling_error
    )
    try:
        yield
    finally:
        # First no new updates, then (application.stop) those already taken are finished: the queue is first in,
        # first out, and its end comes behind them.
        await updater.stop()


def _on_polling_error(error: TelegramError) -> None:
    log.warning("polling_failed", error=type(error).__name__, reason=error.message)


@asynccontextmanager
async def _webhook(application: App, settings: BotSettings) -> AsyncIterator[None]:
    assert settings.webhook_url is not None  # noqa: S101 - the caller asked
    assert settings.webhook_secret is not None  # noqa: S101 - the settings see to it
    secret = settings.webhook_secret.get_secret_value()
    app = Webhook(application, secret, urlsplit(settings.webhook_url).path)
    async with serving(app, settings.webhook_host, settings.webhook_port, grace=TURN_SECONDS):
        await application.bot.set_webhook(
            settings.webhook_url,
            secret_token=secret,
            allowed_updates=WANTED,
            max_connections=min(settings.concurrency, 100),
        )
        yield
    await app.drain()


async def introduce(bot: ExtBot[Any]) -> None:
    """Set the command menu and the descriptions in every language, where they differ from what Telegram shows.

    A bot that cannot do it works all the same.
    """
    try:
        # None: for all whose language has no menu of its own.
        await asyncio.gather(
            *(_introduce(bot, locale, None if locale == DEFAULT else locale.partition("_")[0]) for locale in SUPPORTED)
        )
    except TelegramError as error:
        log.warning("introduction_failed", error=type(error).__name__)


async def _introduce(bot: ExtBot[Any], locale: str, language: str | None) -> None:
    words = translator(locale)
    commands = tuple(BotCommand(name, words.plain(text)) for name, text in COMMANDS)
    if await bot.get_my_commands(language_code=language) != commands:
        await bot.set_my_commands(commands, language_code=language)
    description, short = words.plain(DESCRIPTION), words.plain(SHORT_DESCRIPTION)
    if (await bot.get_my_description(language)).description != description:
        await bot.set_my_description(description, language)
    if (await bot.get_my_short_description(language)).short_description != short:
        await bot.set_my_short_description(short, language)
