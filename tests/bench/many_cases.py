"""A desk with as many cases as one likes, made by PostgreSQL itself: a family for every twenty cases, ten departments
of four officers each, and of all cases one in twenty open.

A resident has twenty cases and a department its share of those that are open, at every size; what grows is the table.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from api.privacy import Vault

CASES_A_FAMILY = 20
FIRST_RESIDENT = 510_000_000
"""The chat of the first family; the others follow."""
FIRST_OFFICER = 520_000_000
OFFICERS = 40
ADMIN, VIEWER = FIRST_OFFICER + OFFICERS, FIRST_OFFICER + OFFICERS + 1

# Of case number i of $1. Open ones lie evenly among the others: that is harder than only among the newest.
_CASES = """
INSERT INTO cases (number, chat_id, idempotency_key, agreement_id, unit_id, category, state, text, received_at,
    registered_at, accepted_at, acceptance_notice_last_day, answered_at, closed_at, due_on, department_id, officer_id,
    supervised_at, raised_at, outcome, rating, solved)
SELECT '2025-' || lpad(i::text, greatest(length(i::text), 6), '0'), {first_resident} + (i - 1) / {family},
    'bench-' || i, (i - 1) / {family} + 1,
    (i - 1) / {family} + 1, (ARRAY['handover','transition_fee','payment','registration','quality','allocation',
    'other'])[1 + i % 7], state, $2, received_at, received_at, CASE WHEN accepted THEN received_at + interval '3 days'
    END, (received_at + interval '15 days')::date, CASE WHEN ended THEN received_at + interval '30 days' END,
    CASE WHEN state = 'closed' THEN received_at + interval '60 days' END,
    CASE WHEN NOT ended THEN current_date + (i / 20 % 60)::int - 5 END, CASE WHEN i % 8 > 0 THEN 1 + i / 20 % 10 END,
    CASE WHEN i / 20 % 10 > 2 THEN 1 + i / 20 % {officers} END,
    CASE WHEN i / 20 % 100 = 7 THEN received_at END,
    CASE WHEN NOT ended AND i / 20 % 60 < 5 THEN now() END,
    CASE WHEN ended THEN 'explained' END, CASE WHEN ended AND i % 3 = 0 THEN 1 + i % 5 END,
    CASE WHEN ended AND i % 3 = 0 THEN i % 2 = 0 END
FROM (
    SELECT i, i % 20 > 0 AS ended, i % 20 > 0 OR i / 20 % 4 > 1 AS accepted,
        CASE WHEN i % 20 = 0 THEN (ARRAY['registered', 'assigned', 'accepted', 'in_progress'])[1 + i / 20 % 4]
            WHEN i % 10 = 1 THEN 'answered' WHEN i % 10 = 2 THEN 'withdrawn' ELSE 'closed' END AS state,
        now() - interval '1100 days' * (($1::bigint - i)::float / $1::bigint) AS received_at
    FROM generate_series(1, $1::bigint) AS i
) AS every ORDER BY i
"""

_EVENTS = """
INSERT INTO case_events (case_id, kind, happened_at, actor_kind, actor_id, acted_as, from_state, to_state, text,
    outcome, department_id, rating, solved)
SELECT id, kind, happened_at, actor_kind, 1, acted_as, from_state, to_state,
    CASE WHEN kind = 'answered' THEN $1::bytea END, CASE WHEN kind = 'answered' THEN outcome END,
    CASE WHEN kind = 'assigned' THEN department_id END, CASE WHEN kind = 'rated' THEN rating END,
    CASE WHEN kind = 'rated' THEN solved END
FROM cases CROSS JOIN LATERAL (VALUES
    ('received', received_at, 'chat', 'resident', NULL, 'received', true),
    ('registered', received_at + interval '1 hour', 'staff', 'officer', 'received', 'registered', true),
    ('assigned', received_at + interval '1 day', 'staff', 'supervisor', 'registered', 'assigned',
        department_id IS NOT NULL AND state <> 'registered'),
    ('accepted', accepted_at, 'staff', 'officer', 'assigned', 'accepted', accepted_at IS NOT NULL),
    ('answered', answered_at, 'staff', 'officer', 'accepted', 'answered', answered_at IS NOT NULL),
    ('rated', answered_at + interval '2 days', 'chat', 'resident', 'answered', 'answered', rating IS NOT NULL),
    ('closed', closed_at, 'system', 'system', 'answered', 'closed', closed_at IS NOT NULL)
) AS step (kind, happened_at, actor_kind, acted_as, from_state, to_state, taken)
WHERE taken ORDER BY happened_at
"""

_CLOCKS = """
INSERT INTO case_clocks (case_id, kind, started_on, days, last_day, stopped_at)
SELECT id, 'acceptance_notice', received_at::date, 15, acceptance_notice_last_day, accepted_at FROM cases
WHERE due_on IS NULL OR accepted_at IS NOT NULL
UNION ALL SELECT id, 'acceptance_notice', received_at::date, 15, due_on, NULL FROM cases
WHERE due_on IS NOT NULL AND accepted_at IS NULL
UNION ALL SELECT id, 'answer', accepted_at::date, 60, coalesce(due_on, accepted_at::date + 60), answered_at FROM cases
WHERE accepted_at IS NOT NULL
"""

# A picture with every second case.
_FILES = """
INSERT INTO attachments (chat_id, upload_key, case_id, kind, filename, media_type, size, sha256, storage_key,
    uploaded_at)
SELECT chat_id, 'bench-' || id, id, 'photo', $1::bytea, 'image/jpeg', 80000, '', 'bench/' || id, received_at
FROM cases WHERE id % 2 = 0 ORDER BY id
"""

_FAMILIES = """
INSERT INTO agreements (project_id, kind, number, number_key, handed_over, source, as_of)
SELECT 1, CASE WHEN i % 2 = 0 THEN 'relocation' ELSE 'purchase' END, 'BENCH-' || i, 'BENCH' || i, false, 'bench',
    current_date FROM generate_series(1, $1::bigint) AS i ORDER BY i
"""
_BUILDINGS = "INSERT INTO buildings (phase_id, name) SELECT 1, i::text FROM generate_series(1, $1 / 100 + 1) AS i"
_UNITS = """
INSERT INTO units (building_id, entrance, room, kind)
SELECT (i - 1) / 100 + 1, '1', (100 + i % 100)::text, 'flat' FROM generate_series(1, $1::bigint) AS i ORDER BY i
"""
_PEOPLE = """
INSERT INTO people (name, name_index, roll_key_index)
SELECT $2, int8send(i), int8send(i) FROM generate_series(1, $1::bigint) AS i ORDER BY i
"""
_LINKS = f"""
INSERT INTO links (chat_id, agreement_id, person_id, role, method)
SELECT {FIRST_RESIDENT} + i - 1, i, i, 'holder', 'phone' FROM generate_series(1, $1::bigint) AS i
"""
_OFFICERS = f"""
INSERT INTO staff_accounts (name, roles, chat_id)
SELECT $1, CASE i WHEN {ADMIN} THEN ARRAY['admin'] WHEN {VIEWER} THEN ARRAY['viewer'] ELSE ARRAY['case_officer'] END, i
FROM generate_series({FIRST_OFFICER}, {VIEWER}) AS i ORDER BY i
"""
_LARGE = ("cases", "case_events", "case_clocks", "attachments")


async def fill(url: str, vault: Vault, cases: int) -> None:
    """Make them in an empty database; a million takes some minutes."""
    name = vault.seal("person.name", "编造甲")
    complaint = vault.seal("case.text", "厨房漏水，报修三次没人来。")
    opinion = vault.seal("case_event.text", "已经派人去看，三十日内修好。")
    families = -(-cases // CASES_A_FAMILY)
    connection = await asyncpg.connect(url)
    try:
        async with without_indexes(connection, _LARGE):
            for table in ("projects (name)", "parcels (project_id, name)", "phases (parcel_id, name)"):
                values = "'Bench'" if table.startswith("projects") else "1, 'A1'"
                await connection.execute(f"INSERT INTO {table} VALUES ({values})")
            await connection.execute(_BUILDINGS, families)
            for statement in (_UNITS, _FAMILIES, _LINKS):
                await connection.execute(statement, families)
            await connection.execute("INSERT INTO agreement_units SELECT id, id FROM units")
            await connection.execute(_PEOPLE, families, name)
            await connection.execute(
                "INSERT INTO parties (agreement_id, person_id, role, position) SELECT id, id, 'holder', 0 FROM people"
            )
            await connection.execute(
                "INSERT INTO departments (name) SELECT '单位' || i FROM generate_series(1, 10) AS i"
            )
            await connection.execute(_OFFICERS, vault.seal("staff.name", "接访甲"))
            await connection.execute(
                "INSERT INTO department_members (department_id, staff_id) "
                f"SELECT 1 + id % 10, id FROM staff_accounts WHERE id <= {OFFICERS}"
            )
            filled = _CASES.format(first_resident=FIRST_RESIDENT, family=CASES_A_FAMILY, officers=OFFICERS)
            await connection.execute(filled, cases, complaint)
            await connection.execute(_EVENTS, opinion)
            await connection.execute(_FILES, vault.seal("attachment.filename", "照片.jpg"))
            await connection.execute(_CLOCKS)
    finally:
        await connection.close()


@asynccontextmanager
async def without_indexes(connection: asyncpg.Connection, tables: Sequence[str]) -> AsyncIterator[None]:
    """For filling an empty database fast. Indexes are built at its end, in a third of the time; and what is made fits
    together: checking every foreign key would take as long as making it."""
    await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    await connection.execute("SET maintenance_work_mem = '256MB'; SET work_mem = '64MB'; SET jit = off")
    rows = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY($1) AND schemaname = 'public' "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [*tables],
    )
    for row in rows:
        await connection.execute(f"DROP INDEX {row['indexname']}")
    yield
    for row in rows:
        await connection.execute(row["indexdef"])
    # What autovacuum does some time after a load; it must not do it in the middle of a measurement.
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
