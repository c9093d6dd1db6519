"""The command: which checks are possible on this machine, and how what they found is told. It changes nothing."""

import asyncio
import logging
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar

import orjson
import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from api.embedded import EmbeddedPostgres
from api.settings import Settings, env_file
from api.settings import load as load_office
from bot.cli.doctor.backend import look_at_api
from bot.cli.doctor.database import look_at_database
from bot.cli.doctor.disks import FreeBytes, free_bytes, look_at_disks
from bot.cli.doctor.findings import Finding, State, failed, in_time, ok, skipped, warning
from bot.cli.doctor.telegram import look_at_telegram, real_clock
from bot.cli.running import in_one_sentence
from bot.logs import hide_secrets_of, set_up_logs, without_secrets
from bot.settings import BotSettings
from bot.settings import load as load_telegram

CHECKS = {
    "settings": "设置",
    "settings_file": "设置文件",
    "token": "机器人令牌",
    "webhook": "消息推送",
    "telegram_clock": "时钟（Telegram）",
    "api": "API",
    "disk_attachments": "附件",
    "disk_database": "内置数据库的磁盘",
    "disk_temporary": "临时文件夹",
    "disk": "磁盘",
    "database": "数据库",
    "clock": "时钟（数据库）",
    "migrations": "数据库结构",
    "keys": "密钥",
    "staff": "工作人员",
    "worker": "后台任务",
    "outbox": "通知",
    "audit": "审计记录",
}
"""What is looked at, in the words of the screen; the first ones are what the others need."""

_STATES = {
    State.OK: ("正常", typer.colors.GREEN),
    State.WARNING: ("注意", typer.colors.YELLOW),
    State.FAILED: ("有问题", typer.colors.RED),
    State.SKIPPED: ("没有查", typer.colors.BRIGHT_BLACK),
}
_ONLY_THE_OFFICE = {"encryption_keys", "index_key"}

Kind = TypeVar("Kind", bound=BaseSettings)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object of JSON.")] = False,
) -> None:
    """Look whether everything here is well, and say what to do where it is not. It changes nothing."""
    # What the checks stumble on they tell themselves.
    set_up_logs(level=logging.CRITICAL)
    findings = examine()
    well = all(finding.state is not State.FAILED for finding in findings)
    if as_json:
        told = {"well": well, "version": version("shanglou"), "findings": [asdict(finding) for finding in findings]}
        typer.echo(without_secrets(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()))
    else:
        _tell(findings)
    raise typer.Exit(0 if well else 1)


def examine(now: Callable[[], float] = real_clock, free: FreeBytes = free_bytes) -> list[Finding]:
    """All that can be looked at from here.

    Args:
        now: this machine's clock, in seconds since 1970.
        free: bytes that are free where a folder lies.
    """
    found: list[Finding] = []
    telegram, about = _settings(load_telegram, BotSettings)
    found += about
    office, about = _settings(load_office, Settings)
    if office is None and _is_not_the_office(load_office):
        about = [skipped("database", "这台机器没有办公室一侧的设置（密钥、数据库），数据库和磁盘没有查。")]
    found += about
    found += _file(Path(env_file()))
    with ExitStack() as stack:
        url = None
        if office is not None:
            url, about = _database_url(office, stack)
            found += about
        return found + asyncio.run(_look(telegram, office, url, now, free))


async def _look(
    telegram: BotSettings | None,
    office: Settings | None,
    url: str | None,
    now: Callable[[], float],
    free: FreeBytes,
) -> list[Finding]:
    looks = []
    if telegram is not None:
        looks.append(in_time("token", look_at_telegram(telegram, now), 30))
        looks.append(in_time("api", look_at_api(_api_url(telegram, office), telegram.bearer), 30))
    if office is not None:
        looks.append(in_time("disk", look_at_disks(office, free), 20))
    if office is not None and url is not None:
        looks.append(in_time("database", look_at_database(url, office.vault(), office.timezone, now), 60))
    return [finding for found in await asyncio.gather(*looks) for finding in found]


def _settings(load: Callable[[], Kind], kind: type[Kind]) -> tuple[Kind | None, list[Finding]]:
    try:
        settings = load()
    except ValidationError as error:
        return None, [
            failed("settings", in_one_sentence(error, kind), "请改正这些设置；每一项写在 docs/operations.md。")
        ]
    hide_secrets_of(settings)
    return settings, [ok("settings", "机器人的设置齐全。" if kind is BotSettings else "办公室一侧的设置齐全。")]


def _is_not_the_office(load: Callable[[], BaseSettings]) -> bool:
    """Whether nothing is set that only the office's machines have."""
    try:
        load()
    except ValidationError as error:
        missing = {str(e["loc"][0]) for e in error.errors(include_input=False) if e["loc"] and e["type"] == "missing"}
        return missing >= _ONLY_THE_OFFICE
    return False


def _file(path: Path) -> list[Finding]:
    try:
        mode = path.stat().st_mode
    except OSError:
        return []
    if mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
        return [warning("settings_file", f"别的用户可以读 {path}，里面有密钥。", f"请运行 chmod 600 {path}。")]
    return [ok("settings_file", f"{path} 只有自己能读。")]


def _database_url(office: Settings, stack: ExitStack) -> tuple[str | None, list[Finding]]:
    """Of the database that is named, or of the embedded one, if it has ever been; nothing is made or migrated."""
    if office.database_url is not None:
        return office.database_url.get_secret_value(), []
    folder = office.data_dir / "postgres"
    if not folder.is_dir():
        return None, [
            failed(
                "database",
                f"没有设置 SHANGLOU_DATABASE_URL，{folder} 里也还没有内置数据库。",
                "请设置 SHANGLOU_DATABASE_URL，或先运行一次 shanglou up。",
            )
        ]
    try:
        server = EmbeddedPostgres(folder)
    except Exception as error:
        return None, [
            failed(
                "database",
                f"内置数据库启动不了（{type(error).__name__}）。",
                f"请看 {folder} 里的日志，并确认装了 shanglou[embedded]，磁盘没有满。",
            )
        ]
    stack.callback(server.stop)
    return server.url, []


def _api_url(telegram: BotSettings, office: Settings | None) -> str:
    if telegram.telegram_token is None and office is not None:
        host = "127.0.0.1" if _is_every_address(office.api_host) else office.api_host
        return f"http://{host}:{office.api_port}"
    return telegram.api_url


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        word, colour = _STATES[finding.state]
        typer.secho(f"{word}\t", fg=colour, nl=False)
        # After an English sentence, as the settings have them, comes a space.
        space = " " if finding.found.endswith(".") else ""
        typer.echo(without_secrets(f"{CHECKS[finding.check]}：{finding.found}{space}{finding.do}"))
    counts = {state: sum(finding.state is state for finding in findings) for state in State}
    typer.echo(
        f"{counts[State.FAILED]} 项有问题，{counts[State.WARNING]} 项要注意，"
        f"{counts[State.OK]} 项正常，{counts[State.SKIPPED]} 项没有查。"
    )
