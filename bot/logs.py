"""Logging: lines of JSON on stderr, or readable ones on a terminal. No secret ever appears, nor what people said.

Libraries quote what they work on: in the messages of their exceptions (never written: ``place_of`` stands for them), in
DEBUG (never let through), and asyncio in its own (cut off). Secrets are struck out of the finished line, wherever in it
they stand.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import structlog
from pydantic import SecretStr
from pydantic_settings import BaseSettings

_TOKEN = re.compile(r"\d+(?::|%3A)[A-Za-z0-9_-]{20,}")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_hidden: set[str] = set()


def place_of(error: BaseException) -> str:
    """File and line where an exception was raised: enough to find it, while its message may quote people's data."""
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"


def hide_secrets_of(settings: BaseSettings) -> None:
    """From now on strike this deployment's secrets out of every line."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if not isinstance(value, SecretStr):
            continue
        whole = value.get_secret_value()
        parts = {whole, *(part.strip() for part in whole.split(","))}
        # Of a key ring the keys without their ids, of an address its password.
        parts |= {part.partition(":")[2] for part in parts if "://" not in part}
        if "://" in whole and (password := urlsplit(whole).password):
            parts |= {password, unquote(password)}
        _hidden.update(form for part in parts if len(part) >= 8 for form in (part, quote(part, safe="")))


def crash_report(error: BaseException) -> str:
    """An error nobody expected, without its message: where it was raised and the way there."""
    frames = traceback.extract_tb(error.__traceback__)
    way = "".join(f"  {frame.filename}:{frame.lineno} {frame.name}\n" for frame in frames)
    return without_secrets(f"It failed unexpectedly: {type(error).__name__} at\n{way}")


def without_secrets(text: str) -> str:
    """The text with every known secret, and whatever looks like a bot's token, struck out."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, "<secret>")
    return _TOKEN.sub("<token>", text)


def set_up_logs(*, level: int = logging.INFO, readable: bool | None = None) -> None:
    """Send everything that is logged to stderr.

    Args:
        level: what is let through; DEBUG never is, for there the libraries write whole updates.
        readable: for people instead of programs; by default when stderr is a terminal.
    """
    if readable is None:
        readable = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        # The ids of the turn (bot.trails) or of the request (api.requests) that is being worked on.
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _only_type_and_place,
        _nothing_that_asyncio_quotes,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(max(level, logging.INFO)),
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer, _without_secrets],
            foreign_pre_chain=shared,
        )
    )
    # Also where a library's own logger lets more through.
    handler.setLevel(max(level, logging.INFO))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(level, logging.INFO))
    for noisy in ("telegram", "httpx", "aiohttp", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    threading.excepthook = lambda thread: _nobody_caught("thread_failed", thread.exc_value)
    sys.unraisablehook = lambda lost: _nobody_caught("cleaning_up_failed", lost.exc_value)


def _nobody_caught(event: str, error: BaseException | None) -> None:
    # Python itself would write the message.
    structlog.get_logger().error(event, exc_info=error)


def _only_type_and_place(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    exc_info: _ExcInfo | BaseException | bool | None = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()  # type: ignore[assignment]
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event.setdefault("error", type(error).__name__)
        event.setdefault("at", place_of(error))
    return event


def _nothing_that_asyncio_quotes(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = event.get("_record")
    if record is not None and record.name == "asyncio":
        # "Exception in callback f('what somebody wrote')", "…\nfuture: <Task … exception=ValueError('a name')>"
        event["event"] = re.split(r"[(<\n]", str(event["event"]), maxsplit=1)[0].rstrip()
    return event


def _without_secrets(_: Any, __: str, line: Any) -> str:
    return without_secrets(str(line))
