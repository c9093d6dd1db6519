"""Any number of families with a home, a fee and a chat each, made by the database itself."""

import time
from datetime import UTC, datetime

import asyncpg
from sqlalchemy import text

from api.broadcasts.models import Broadcast
from api.broadcasts.schemas import BroadcastState, InParcel
from api.broadcasts.sending import start
from api.db import Database
from tests.bench.processes import Failed

FIRST_CHAT = 800_000_000
TEXT = "您好，协议 {number}（{home}）的过渡费已发放至 {paid_up_to}。"
ENGLISH = "Agreement {number} ({home}): the transition fee is paid up to {paid_up_to}."
BODIES = {"zh_CN": {"text": TEXT, "buttons": []}, "en": {"text": ENGLISH, "buttons": []}}
_STATEMENTS = (
    "INSERT INTO projects (name) VALUES ('Invented redevelopment') ON CONFLICT DO NOTHING",
    "INSERT INTO parcels (project_id, name) SELECT min(id), 'D1' FROM projects",
    "INSERT INTO phases (parcel_id, name) SELECT max(id), '一期' FROM parcels",
    "INSERT INTO buildings (phase_id, name) SELECT max(id), '1' FROM phases",
    """
    INSERT INTO agreements (project_id, kind, number, number_key, handed_over, source, as_of)
    SELECT (SELECT min(id) FROM projects), 'relocation', 'DRILL-' || n, 'DRILL-' || n, false, 'Invented', '2026-11-20'
    FROM generate_series(1, $1::bigint) n
    """,
    """
    INSERT INTO units (building_id, entrance, room, kind)
    SELECT (SELECT max(id) FROM buildings), '1', n::text, 'flat' FROM generate_series(1, $1::bigint) n
    """,
    """
    INSERT INTO agreement_units (agreement_id, unit_id)
    SELECT a.id, u.id FROM agreements a
    JOIN units u ON a.number = 'DRILL-' || u.room AND u.building_id = (SELECT max(id) FROM buildings)
    """,
    """
    INSERT INTO transition_fees (agreement_id, monthly_amount, paid_up_to, source, as_of)
    SELECT id, 1470, '2026-06-30', 'Invented', '2026-11-20' FROM agreements WHERE number LIKE 'DRILL-%'
    """,
    """
    INSERT INTO links (chat_id, agreement_id, role, method)
    SELECT $2::bigint + replace(number, 'DRILL-', '')::bigint, id, 'holder', 'phone'
    FROM agreements WHERE number LIKE 'DRILL-%'
    """,
    """
    INSERT INTO chats (id, locale, version)
    SELECT $2::bigint + n, CASE WHEN n % 5 = 4 THEN 'en' ELSE 'zh_CN' END, 1 FROM generate_series(1, $1::bigint) n
    ON CONFLICT DO NOTHING
    """,
    "ANALYZE",
)


async def fill(database_url: str, count: int) -> None:
    """So many, in a database that has none of them yet."""
    connection = await asyncpg.connect(database_url)
    try:
        for statement in _STATEMENTS:
            values = [value for name, value in (("$1", count), ("$2", FIRST_CHAT)) if name in statement]
            statement = statement if "$1" in statement else statement.replace("$2", "$1")
            await connection.execute(statement, *values, timeout=600)
    finally:
        await connection.close()


async def begin(database_url: str, recipients: int) -> tuple[int, float]:
    """Make the families, and have a broadcast to all of them started as its job does it.

    Returns:
        The broadcast's id, and the seconds that freezing its audience took.

    Raises:
        Failed: it is not for all of them, or for others.
    """
    await fill(database_url, recipients)
    database = Database(database_url, pool_size=1)
    try:
        async with database.transaction() as session:
            parcel_id = await session.scalar(text("SELECT max(id) FROM parcels WHERE name = 'D1'"))
            broadcast = Broadcast(
                audience=InParcel(id=parcel_id or 0).model_dump(),
                bodies=BODIES,
                fallback="zh_CN",
                state=BroadcastState.APPROVED,
                approved_revision=1,
            )
            session.add(broadcast)
            await session.flush()
            now = datetime.now(UTC)
            began = time.perf_counter()
            total = await start(session, broadcast.id, now.date(), now)
        if total != recipients:
            raise Failed(f"{total} messages for {recipients} families")
        return broadcast.id, time.perf_counter() - began
    finally:
        await database.close()
