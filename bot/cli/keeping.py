"""``shanglou backup`` and ``shanglou restore``. What they tell is Chinese, like all the office's commands."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, Any, BinaryIO

import typer

from api import migrations
from api.audit.chain import hash_text
from api.cases.store import AttachmentStore
from api.db import Database
from api.errors import Unavailable
from api.keeping.archive import Damaged, WrongKey, identities_of, recipients_of
from api.keeping.backup import Made, Rotating, back_up
from api.keeping.contents import End, Manifest
from api.keeping.postgres import NoTool, ToolFailed
from api.keeping.restore import (
    Checked,
    KeysMissing,
    NotEmpty,
    NotOurs,
    Restored,
    ServerTooOld,
    TooNew,
    Unfinished,
    check,
    check_it_fits,
    check_target,
    once_it_is_written,
    verify_restored,
)
from api.keeping.restore import restore as restore_into
from api.settings import Settings
from bot.cli.database import api_settings, on_url, open_database
from bot.cli.progress import progress_bar
from bot.cli.running import refuse, to_stderr
from bot.logs import set_up_logs

_TOLD = {"agreements": "协议", "people": "人员", "chats": "聊天", "cases": "投诉", "deliveries": "通知"}
_WHAT = {"database": "数据库", "files": "附件"}

KeyFile = Annotated[
    Path | None, typer.Option("--key", metavar="KEYFILE", help="File with the key that `keys backup` printed.")
]


def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it; - is standard output.")],
    check_only: Annotated[
        bool, typer.Option("--check", help="Read FILE through instead, without restoring it; needs --key.")
    ] = False,
    key: KeyFile = None,
) -> None:
    """Write database and files into one encrypted file, while everything goes on. Or read such a file through."""
    # Standard output may be the backup itself.
    set_up_logs(level=logging.WARNING)
    settings = api_settings()
    if check_only:
        checked = _read_through(settings, Path(file), key)
        _tell(checked.manifest, checked.end, settings)
        to_stderr("备份完整，没有改动。")
        return
    if settings.backup_recipients is None:
        refuse("还没有设置 SHANGLOU_BACKUP_RECIPIENTS：备份加密给谁。运行 shanglou keys backup 生成一对钥匙。")
    recipients = recipients_of(settings.backup_recipients)
    store = AttachmentStore(settings.attachments_url, settings.data_dir)
    with _reasons(), _whole_or_nothing(file) as out, progress_bar() as bar, open_database(settings) as url:

        async def work(database: Database) -> Made:
            return await back_up(
                settings, database, url, store, recipients, out, lambda what, done, of: bar(_WHAT[what], done, of)
            )

        made = on_url(url, work)
    _tell(made.manifest, made.end, settings)
    to_stderr(f"数据库 {_size(made.database_bytes)}，备份文件 {_size(made.sealed_bytes)}。")
    if made.end.lost:
        to_stderr(f"注意：有 {made.end.lost} 个附件在存储里找不到，备份里也没有。其余都已备份。")
        raise typer.Exit(1)


@contextmanager
def _whole_or_nothing(name: str) -> Iterator[BinaryIO]:
    """The file appears under its name when it is complete and on the disk."""
    if name == "-":
        if sys.stdout.isatty():
            refuse("备份不能显示在屏幕上。请写文件名，或者接到别的命令：shanglou backup - | …")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    file = Path(name)
    if file.exists():
        refuse(f"{file} 已经存在。请换一个文件名。")
    try:
        handle, partial_name = mkstemp(prefix=f"{file.name}.", suffix=".part", dir=file.parent)
    except OSError as error:
        refuse(f"写不了 {file}：{error.strerror}。")
    partial = Path(partial_name)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    key: KeyFile = None,
) -> None:
    """Restore a backup into an empty database, and its files. Nothing is sent until `sending release`."""
    set_up_logs(level=logging.WARNING)
    settings = api_settings()
    store = AttachmentStore(settings.attachments_url, settings.data_dir)
    # What cannot work is said before gigabytes are read.
    identities = _identities(key)
    with _reasons(), open_database(settings, as_it_is=True) as url:
        on_url(url, check_target)
        checked = _read_through(settings, file, key)
        check_it_fits(checked.manifest, settings.vault())
        _tell(checked.manifest, checked.end, settings)
        with file.open("rb") as stream, progress_bar() as bar:

            async def work(database: Database) -> dict[str, tuple[int, int]]:
                return await restore_into(
                    settings, database, url, store, stream, identities, checked,
                    lambda what, done, of: bar(_WHAT[what], done, of),
                )  # fmt: skip

            differing = on_url(url, work)

        async def look(database: Database) -> Restored:
            return await verify_restored(settings, database, checked, differing)

        with once_it_is_written():
            migrations.upgrade(url)
            restored = on_url(url, look)
    _tell_restored(restored, settings)
    if not restored.well:
        raise typer.Exit(1)


def _identities(key: Path | None) -> list[Any]:
    if key is None:
        refuse("请用 --key 写明开备份的钥匙在哪个文件里（shanglou keys backup 印出的那几行）。")
    try:
        return identities_of(key.read_text())
    except OSError as error:
        refuse(f"读不了 {key}：{error.strerror}。")
    except ValueError:
        refuse(f"{key} 里没有开备份的钥匙。钥匙以 AGE-SECRET-KEY-1 开头。")


def _read_through(settings: Settings, file: Path, key: Path | None) -> Checked:
    identities = _identities(key)
    with _reasons(), progress_bar() as bar:
        try:
            with file.open("rb") as stream:
                return check(
                    stream,
                    identities,
                    settings.index_key.get_secret_value(),
                    lambda what, done, of: bar(_WHAT[what], done, of),
                )
        except FileNotFoundError:
            refuse(f"没有 {file} 这个文件。")


@contextmanager
def _reasons() -> Iterator[None]:
    """What went wrong, in one sentence, and what to do."""
    try:
        yield
    except WrongKey:
        refuse("这把钥匙打不开这个备份：它是给别的钥匙加密的，或者文件开头被改动过。什么也没有恢复。")
    except Damaged:
        refuse("这个文件不是完整的备份：被改动过，或者缺了一截。什么也没有恢复。请用另一份备份。")
    except NotOurs:
        refuse("这个备份不是用现在的 SHANGLOU_INDEX_KEY 做的：也许密钥不对，也许是别人伪造的。什么也没有恢复。")
    except TooNew:
        refuse("这个备份是更新版本的 shanglou 做的，本版本读不了。请先升级 shanglou 再恢复。")
    except KeysMissing as error:
        refuse(f"SHANGLOU_ENCRYPTION_KEYS 里缺少当时的密钥 {error.key_id}，恢复了也打不开。请先把它加进去。")
    except NotEmpty:
        refuse(
            "目标数据库不是空的。请新建一个空的数据库（内置数据库：换一个空的 SHANGLOU_DATA_DIR），再恢复到那里。"
            "如果是上一次恢复在核对时中断了，见 docs/keeping.md。"
        )
    except Unfinished:
        refuse(
            "数据库已经恢复，但后面的核对中断了；现在什么也不会发出去。请先不要启动。可以删掉这个数据库、新建一个空的，"
            "再恢复一次；或者接着手工做：shanglou migrate、shanglou sending hold、"
            "shanglou audit verify --expect 上面的校验值。"
        )
    except ServerTooOld as error:
        refuse(
            f"目标数据库是 PostgreSQL {error.server}，备份来自 {error.backup}。请恢复到 {error.backup} 或更新的版本。"
        )
    except NoTool as error:
        there = f"现有的是 {'、'.join(map(str, error.found))}" if error.found else "现在没有找到"
        refuse(
            f"需要 PostgreSQL {error.least} 或更新版本的 {error.name}，{there}。请安装对应的 PostgreSQL 客户端，"
            "并用 SHANGLOU_POSTGRES_BIN 写明所在目录；或者安装 shanglou[embedded]。"
        )
    except ToolFailed as error:
        refuse(f"PostgreSQL 的工具报错，没有做成：{error}")
    except Rotating:
        refuse("密钥正在更换，附件在备份期间被重新加密。请等 shanglou keys rotate 做完再备份。")
    except Unavailable:
        refuse("附件存储用不了，没有做成。恢复后再运行一次。")
    except OSError as error:
        refuse(f"没有做成：{error.strerror or type(error).__name__}。")


def _tell(manifest: Manifest, end: End, settings: Settings) -> None:
    """On stderr, for standard output may be the backup itself."""
    made_at = manifest.made_at.astimezone(settings.timezone)
    to_stderr(f"备份的时刻：{made_at:%Y-%m-%d %H:%M:%S}，结构版本 {manifest.revision}，shanglou {manifest.program}。")
    rows = "，".join(f"{word} {manifest.rows.get(name, 0)}" for name, word in _TOLD.items())
    erased = f"（备份期间另有 {end.erased} 个被删除）" if end.erased else ""
    to_stderr(f"{rows}，附件 {end.files} 个 {_size(end.file_bytes)}{erased}。")
    if manifest.newest_seal:
        told = hash_text(bytes.fromhex(manifest.newest_hash))
        to_stderr(f"审计记录最新校验值（第 {manifest.newest_seal} 号）：{told}")
    to_stderr(f"里面的个人信息仍由密钥 {'、'.join(manifest.key_ids)} 加密，没有这些密钥备份没有用：请分开保管。")


def _tell_restored(restored: Restored, settings: Settings) -> None:
    verdict, manifest = restored.verdict, restored.checked.manifest
    if restored.migrated_to:
        to_stderr(f"结构已从 {manifest.revision} 升级到 {restored.migrated_to}。")
    for table, (was, is_now) in restored.differing.items():
        to_stderr(f"问题：{table} 备份时有 {was} 行，现在有 {is_now} 行。")
    for key_id in restored.strange_keys:
        to_stderr(f"问题：有的数据用密钥 {key_id} 加密，它不在 SHANGLOU_ENCRYPTION_KEYS 里。请把它加进去。")
    for place in restored.unopenable:
        to_stderr(f"问题：{place} 用现在的密钥打不开。")
    if verdict.findings:
        to_stderr(f"问题：审计记录有 {verdict.findings} 处不符，请运行 shanglou audit verify。")
    if not restored.well:
        to_stderr("数据已经写入，但有上面的问题。解决之前请不要启动。外发已暂停。")
        return
    to_stderr(f"核对无误：审计记录 {verdict.events} 条全部相符，{restored.opened} 种加密数据都能打开。恢复完成。")
    moment = manifest.made_at.astimezone(settings.timezone) + timedelta(minutes=1)
    to_stderr(
        "外发已暂停：备份之后发过的消息否则会再发一遍。请先看 shanglou sending status，取消已经发过的群发，"
        f"再运行 shanglou sending release（--drop-before {moment:%Y-%m-%dT%H:%M} 不再发那以前的通知）。"
    )


def _size(size: int) -> str:
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} B"
