"""What a check found."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum

CLOCK_SECONDS = 2.0
"""A clock that is off by more is told of."""


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It could not be looked at from here."""


@dataclass(frozen=True)
class Finding:
    """``check``: what was looked at, for programs. ``found`` and ``do`` are sentences: how it is, and what to do."""

    check: str
    state: State
    found: str
    do: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, State.OK, found)


def warning(check: str, found: str, do: str) -> Finding:
    return Finding(check, State.WARNING, found, do)


def failed(check: str, found: str, do: str) -> Finding:
    return Finding(check, State.FAILED, found, do)


def skipped(check: str, found: str) -> Finding:
    return Finding(check, State.SKIPPED, found)


async def in_time(check: str, work: Awaitable[list[Finding]], seconds: float) -> list[Finding]:
    """What the work finds. That it takes too long, or stumbles, is a finding as well."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return [failed(check, f"{seconds:.0f} 秒内没有查完。", "看看那一边是不是太忙或卡住了，然后再运行一次。")]
    except Exception as error:
        # Only its type: a message may quote anything.
        return [failed(check, f"检查本身出错了（{type(error).__name__}）。", "请把这一行报告给维护人员。")]


def clock(check: str, whose: str, ahead: float, doubt: float) -> Finding:
    """
    Args:
        whose: the other clock.
        ahead: by how many seconds this machine's clock is ahead of it.
        doubt: seconds that the way there and back, and the precision of the other clock, leave open.
    """
    if abs(ahead) - doubt <= CLOCK_SECONDS:
        return ok(check, f"本机时钟和{whose}一致。")
    which = "快" if ahead > 0 else "慢"
    return failed(
        check,
        f"本机时钟比{whose}{which} {abs(ahead):.0f} 秒。",
        "请在两边都打开时间同步（chrony 或 systemd-timesyncd）。",
    )
