"""Staff, workers, the outbox, the audit record."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from api.messages.bucket import halt
from api.messages.holding import hold, release
from bot.cli.doctor.findings import Finding
from bot.cli.doctor.work import look_at_work
from tests.api.outbox import change, put
from tests.doctor.conftest import do, of, troubles
from tests.factories import Factory

TIMEZONE = ZoneInfo("Pacific/Kiritimati")
"""Far from the machine's."""


@pytest.mark.parametrize(
    ("statement", "trouble"),
    [
        ("DELETE FROM staff_accounts", {"staff": "warning"}),
        ("UPDATE staff_accounts SET chat_id = NULL", {"staff": "warning"}),
        ("UPDATE staff_accounts SET roles = ARRAY['viewer']", {"staff": "warning"}),
        ("UPDATE staff_accounts SET disabled_at = now()", {"staff": "warning"}),
        ("DELETE FROM jobs", {"worker": "failed"}),
        ("UPDATE jobs SET finished_at = now() - interval '6 minutes'", {"worker": "failed"}),
        (
            "INSERT INTO pgqueuer.pgqueuer (priority, entrypoint, status, execute_after) "
            "VALUES (0, 'retention', 'failed', now())",
            {"worker": "warning"},
        ),
        (
            "INSERT INTO pgqueuer.pgqueuer (priority, entrypoint, status, execute_after) "
            "VALUES (0, 'retention', 'queued', now() - interval '10 minutes')",
            {"worker": "warning"},
        ),
    ],
)
async def test_something_is_missing_among_staff_and_workers(
    at_work: Factory, statement: str, trouble: dict[str, str]
) -> None:
    assert troubles(await at_work_now(at_work)) == {}
    await do(at_work, statement)
    assert troubles(await at_work_now(at_work)) == trouble


@pytest.mark.parametrize(("seconds", "state"), [(90, "warning"), (400, "failed")])
async def test_notices_are_late(at_work: Factory, seconds: int, state: str) -> None:
    await put(at_work, 700100200)
    assert troubles(await at_work_now(at_work)) == {}
    await change(at_work, f"not_before = now() - interval '{seconds} seconds'")
    assert troubles(await at_work_now(at_work)) == {"outbox": state}


async def test_what_is_held_is_no_fault(at_work: Factory) -> None:
    await put(at_work, 700100200)
    await change(at_work, "not_before = now() - interval '2 hours'")
    assert troubles(await at_work_now(at_work)) == {"outbox": "failed"}
    # A pause that Telegram asked for is not meant: whoever looks is to know that nothing goes out.
    async with at_work.database.transaction() as session:
        await halt(session, 3600)
    assert troubles(await at_work_now(at_work)) == {"outbox": "failed"}
    async with at_work.database.transaction() as session:
        await hold(session)
    findings = await at_work_now(at_work)
    assert troubles(findings) == {"outbox": "warning"}
    found = of(findings, "outbox")
    assert f"从 {datetime.now(TIMEZONE):%Y-%m-%d }" in found.found
    assert "不是故障" in found.found
    assert ("docs/keeping.md" in found.do, "shanglou sending release" in found.do) == (True, True)
    # Held it is also where the row is missing: restored by hand, and nobody knows since when.
    async with at_work.database.transaction() as session:
        await release(session)
    await do(at_work, "DELETE FROM send_bucket")
    findings = await at_work_now(at_work)
    assert troubles(findings) == {"outbox": "warning"}
    assert "外发目前是暂停的" in of(findings, "outbox").found
    async with at_work.database.transaction() as session:
        await release(session)
    assert troubles(await at_work_now(at_work)) == {"outbox": "failed"}


async def test_nobody_seals_the_audit_record(at_work: Factory) -> None:
    await do(
        at_work,
        "INSERT INTO audit_events (happened_at, actor_kind, action, object_kind) "
        "VALUES (now() - interval '10 minutes', 'system', 'test.done', 'test')",
    )
    assert troubles(await at_work_now(at_work)) == {"audit": "failed"}


async def at_work_now(factory: Factory) -> list[Finding]:
    connection = await factory.database.connect()
    try:
        return await look_at_work(connection, TIMEZONE)
    finally:
        await connection.close()
