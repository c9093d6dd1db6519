"""Commands for the encryption keys. What they tell is Chinese, like all the office's commands."""

import base64
import os
from itertools import count

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.cases.store import AttachmentStore
from api.db import Database
from api.errors import Unavailable
from api.keeping.archive import new_identity
from api.privacy import Vault
from api.rotation import FILES, Rotation, Usage, keys_in_use, rotate, usage
from bot.cli.database import api_settings, on_database
from bot.cli.progress import progress_bar
from bot.cli.running import refuse, to_stderr

_MAX_SHOWN = 20

keys = typer.Typer(no_args_is_help=True, help="The encryption keys: which are in use, and how to change them.")


@keys.command("new")
def new() -> None:
    """Print a fresh key to be put into SHANGLOU_ENCRYPTION_KEYS."""
    taken = api_settings().vault().key_ids
    key_id = next(key_id for number in count(1) if (key_id := f"k{number}") not in taken)
    typer.echo(f"{key_id}:{base64.urlsafe_b64encode(os.urandom(32)).decode()}")


@keys.command("backup")
def backup_key() -> None:
    """Print a fresh pair for backups: the key that opens them, to be kept away, and the recipient for the settings."""
    identity, recipient = new_identity()
    typer.echo("# 开备份的钥匙，写进一个文件，不要放在这台机器上。没有它，备份谁也打不开。")
    typer.echo(f"# SHANGLOU_BACKUP_RECIPIENTS={recipient}")
    typer.echo(identity)


@keys.command("status")
def status() -> None:
    """Show what each key has sealed, and which keys nothing needs any more."""
    settings = api_settings()
    raise typer.Exit(_tell(settings.vault(), on_database(settings, usage)))


@keys.command("rotate")
def rotate_keys() -> None:
    """Seal everything anew with the first key of the ring, while the system runs. Broken off, it can be begun again."""
    settings = api_settings()
    vault, store = settings.vault(), AttachmentStore(settings.attachments_url, settings.data_dir)
    try:
        with progress_bar() as on_progress:

            async def work(database: Database) -> Rotation:
                return await rotate(database, vault, store, on_progress)

            outcome = on_database(settings, work)
    except Unavailable:
        refuse("附件存储用不了，轮换没有做完。恢复后再运行一次，会接着做。")
    except KeyboardInterrupt:
        to_stderr("已中断。再运行一次会接着做。")
        raise typer.Exit(130) from None
    for place, done in outcome.resealed.items():
        if done:
            to_stderr(f"{_named(place)}：重新加密了 {done} 项")
    for place, row in outcome.unopenable[:_MAX_SHOWN]:
        to_stderr(f"打不开，保持原样：{_named(place)}，行 {'、'.join(map(str, row))}")
    if len(outcome.unopenable) > _MAX_SHOWN:
        to_stderr(f"……一共有 {len(outcome.unopenable)} 项打不开。")
    problems = _tell(vault, outcome.usage)
    raise typer.Exit(1 if outcome.unopenable else problems)


def _tell(vault: Vault, found: list[Usage]) -> int:
    """Show the table and what follows from it; the exit code."""
    in_use = keys_in_use(found)
    strange = sorted(key_id for key_id in in_use if key_id is not None and key_id not in vault.key_ids)
    columns: list[str | None] = [*vault.key_ids, *strange, *([None] if None in in_use else [])]
    table = Table("")
    for key_id in columns:
        table.add_column("没有加密" if key_id is None else escape(key_id), justify="right")
    for place in found:
        table.add_row(_named(place.place), *(str(place.by_key.get(key_id, 0)) for key_id in columns))
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe nothing is cut off to fit a screen that is not there.
        console.width = 160
    console.print(table)
    typer.echo(f"现在用 {vault.active_key_id} 加密。")
    for key_id in vault.key_ids[1:]:
        if key_id in in_use:
            typer.echo(f"{key_id} 还有数据在用，不能去掉。请运行 shanglou keys rotate。")
        else:
            typer.echo(
                f"{key_id} 已经没有数据在用。所有进程都改用现在的密钥环之后，可以去掉；旧备份还要用它，请另行保管。"
            )
    if None in in_use:
        typer.echo("有的数据没有加密。请运行 shanglou keys rotate。")
    for key_id in strange:
        typer.echo(f"{key_id} 不在 SHANGLOU_ENCRYPTION_KEYS 里，用它加密的数据打不开。请把它加回去。")
    return 1 if strange else 0


def _named(place: str) -> str:
    return "附件的文件" if place == FILES else place
