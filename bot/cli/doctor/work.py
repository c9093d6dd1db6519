"""What the database tells of those who work with it: staff, workers, couriers, and who seals the audit record."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.backlogs import JOBS
from api.messages.backlog import BACKLOG
from api.messages.holding import HELD_SINCE
from api.staff.schemas import StaffRole
from bot.cli.doctor.findings import Finding, failed, ok, warning

WORKER_SECONDS = 300.0
"""A job comes by itself every minute: so long without one, and no worker runs."""
OUTBOX_SECONDS = 300.0
OUTBOX_SLOW_SECONDS = 60.0
UNSEALED_SECONDS = 300.0

_STAFF = """
SELECT count(*) AS accounts, count(chat_id) AS linked, count(*) FILTER (WHERE $1 = ANY(roles)) AS admins
FROM staff_accounts WHERE disabled_at IS NULL
"""
_LAST_JOB = (
    "SELECT extract(epoch FROM clock_timestamp() - max(finished_at))::float8 FROM jobs WHERE finished_at IS NOT NULL"
)
_UNSEALED = """
SELECT extract(epoch FROM clock_timestamp() - e.happened_at)::float8 FROM audit_events e
WHERE e.id > (SELECT coalesce(max(event_id), 0) FROM audit_seals) ORDER BY e.id LIMIT 1
"""


async def look_at_work(connection: Any, timezone: ZoneInfo) -> list[Finding]:
    """
    Args:
        connection: of asyncpg.
        timezone: the office's.
    """
    held_since = await connection.fetchval(HELD_SINCE.sql)
    return [
        _staff(await connection.fetchrow(_STAFF, StaffRole.ADMIN.value)),
        _worker(await connection.fetchval(_LAST_JOB), await connection.fetchrow(JOBS.sql)),
        _outbox(await connection.fetchrow(BACKLOG.sql), held_since.astimezone(timezone) if held_since else None),
        _audit(await connection.fetchval(_UNSEALED)),
    ]


def _staff(found: Any) -> Finding:
    if not found["accounts"]:
        return warning("staff", "还没有工作人员的账号。", "请运行 shanglou staff add 姓名 --role admin。")
    if not found["linked"]:
        return warning("staff", "没有一个账号绑定了 Telegram。", "请运行 shanglou staff link 编号，把码交给本人。")
    if not found["admins"]:
        return warning("staff", "没有管理员。", "请运行 shanglou staff add 姓名 --role admin。")
    return ok("staff", f"{found['accounts']} 个账号，{found['linked']} 个绑定了 Telegram。")


def _worker(since_last: float | None, jobs: Any) -> Finding:
    run = "请启动 shanglou worker（up 和 demo 自带一个），再看它的日志。"
    if since_last is None:
        return failed("worker", "后台任务从来没有做过。", run)
    if since_last > WORKER_SECONDS:
        return failed("worker", f"后台任务已经 {since_last / 60:.0f} 分钟没有做了。", run)
    if jobs["held"]:
        return warning(
            "worker",
            f"{jobs['held']} 个后台任务反复失败，停下了。",
            "请看 SELECT id, task, error FROM jobs WHERE state = 'held' 和 worker 的日志。",
        )
    if jobs["late_seconds"] > WORKER_SECONDS:
        return warning(
            "worker", f"后台任务晚了 {jobs['late_seconds'] / 60:.0f} 分钟。", "请再启动一个 shanglou worker。"
        )
    return ok("worker", f"{since_last:.0f} 秒前还在做后台任务。")


def _outbox(found: Any, held_since: datetime | None) -> Finding:
    late = found["late_seconds"]
    if found["held"]:
        # However late they are: who takes it for a fault and mends it may send old news to thousands.
        since = f"从 {held_since:%Y-%m-%d %H:%M} 起" if held_since else "目前"
        return warning(
            "outbox",
            f"外发{since}是暂停的（有人暂停，或刚恢复过备份），{found['waiting']} 条通知在等。这不是故障。",
            "请先看 docs/keeping.md 和 shanglou sending status，取消已经发过的群发，再运行 shanglou sending release。",
        )
    if late > OUTBOX_SECONDS:
        return failed(
            "outbox",
            f"{found['waiting']} 条通知在等，最久的晚了 {late / 60:.0f} 分钟。",
            "请看机器人（或 shanglou courier）是否在运行，能不能连上 Telegram。",
        )
    if late > OUTBOX_SLOW_SECONDS:
        return warning(
            "outbox", f"最久的通知晚了 {late:.0f} 秒。", "请过几分钟再看；一直这样就再启动一个 shanglou courier。"
        )
    return ok("outbox", f"{found['waiting']} 条通知在等，没有晚的。")


def _audit(since: float | None) -> Finding:
    if since is not None and since > UNSEALED_SECONDS:
        return failed(
            "audit",
            f"审计记录有 {since / 60:.0f} 分钟没有封存。",
            "请看 API 是否在运行，日志里有没有 audit_sealing_failed。",
        )
    return ok("audit", "审计记录在及时封存。")
