"""Any number of families with a home, a fee and a chat each, made by the database itself."""

from typing import Any

FIRST_CHAT = 500_000_000
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
    f"""
    INSERT INTO links (chat_id, agreement_id, role, method)
    SELECT {FIRST_CHAT} + replace(number, 'DRILL-', '')::bigint, id, 'holder', 'phone'
    FROM agreements WHERE number LIKE 'DRILL-%'
    """,
    f"""
    INSERT INTO chats (id, locale, version)
    SELECT {FIRST_CHAT} + n, CASE WHEN n % 5 = 4 THEN 'en' ELSE 'zh_CN' END, 1 FROM generate_series(1, $1::bigint) n
    ON CONFLICT DO NOTHING
    """,
    "ANALYZE",
)


async def fill(connection: Any, count: int) -> None:
    """Their chats are those that follow ``FIRST_CHAT``. For an empty database."""
    for statement in _STATEMENTS:
        await connection.execute(statement, *([count] if "$1" in statement else []), timeout=600)
