"""As many households as one likes, relocated ones and buyers by turns: people's names, numbers and phones truly sealed
and brought by COPY, the rest made by PostgreSQL itself.

A household has its home, its sums and its chat, and a hundred of them a building, at every size; what grows is the
number of families.
"""

import json
from collections.abc import Iterator

import asyncpg

from api.broadcasts.schemas import Everybody
from api.identity.schemas import CONSENT_VERSION
from api.privacy import Vault
from tests.bench.many_cases import without_indexes
from tests.drill.families import BODIES

FIRST_CHAT = 610_000_000
"""The chat of the first household; the others follow."""
FIRST_NEWCOMER = 410_000_000
"""Chats that agreed to everything and are linked to nothing yet."""
NEWCOMERS = 1_000
OFFICER = 400_000_000
BROADCAST = 1
_A_BUILDING = 100
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫"

_ESTATE = (
    "INSERT INTO projects (name) VALUES ('Bench')",
    "INSERT INTO parcels (project_id, name) SELECT 1, 'D' || i FROM generate_series(1, $1 / 10000 + 1) AS i",
    "INSERT INTO phases (parcel_id, name) SELECT i, '一期' FROM generate_series(1, $1 / 10000 + 1) AS i",
    f"""
    INSERT INTO buildings (phase_id, name)
    SELECT i / 100 + 1, (i % 100 + 1)::text FROM generate_series(0, $1 / {_A_BUILDING}) AS i ORDER BY i
    """,
    """
    INSERT INTO milestones (building_id, kind, planned_on, achieved_on, source, as_of)
    SELECT id, kind, '2026-06-30'::date + 60 * nth::int, CASE WHEN nth < 4 THEN '2026-06-25'::date + 60 * nth::int END,
        'bench', '2026-11-20'
    FROM buildings CROSS JOIN unnest(ARRAY['started', 'suspended', 'resumed', 'topped_out', 'exterior', 'fitted'])
        WITH ORDINALITY AS stage (kind, nth) ORDER BY id
    """,
    """
    INSERT INTO forecasts (building_id, basis, earliest_on, latest_on, reason, source, published_on, confirmed_on)
    SELECT id, basis, day, day + 90, '资金已落实', 'bench', '2026-11-01', '2026-11-20'
    FROM buildings CROSS JOIN (VALUES ('planned', '2027-03-01'::date), ('planned', '2027-09-01'), ('promised',
        '2027-12-31')) AS said (basis, day) ORDER BY id
    """,
    f"""
    INSERT INTO units (building_id, entrance, room, kind, layout, area_m2)
    SELECT (i - 1) / {_A_BUILDING} + 1, '1', (101 + i % {_A_BUILDING})::text, 'flat', '三室两厅一卫', 100 + i % 40
    FROM generate_series(1, $1::bigint) AS i ORDER BY i
    """,
    """
    INSERT INTO agreements (project_id, kind, number, number_key, household_size, handed_over, source, as_of)
    SELECT 1, CASE WHEN i % 2 = 0 THEN 'relocation' ELSE 'purchase' END, 'BENCH-' || i, 'BENCH-' || i, 3, false,
        'bench', '2026-11-20' FROM generate_series(1, $1::bigint) AS i ORDER BY i
    """,
    "INSERT INTO agreement_units SELECT i, i FROM generate_series(1, $1::bigint) AS i",
    """
    INSERT INTO transition_fees (agreement_id, monthly_amount, paid_up_to, source, as_of)
    SELECT i, 1470, '2026-06-30', 'bench', '2026-11-20' FROM generate_series(2, $1::bigint, 2) AS i
    """,
    """
    INSERT INTO purchase_terms (agreement_id, unit_price, total_price, payment_method, source, as_of)
    SELECT i, 8000, 900000, '按揭', 'bench', '2026-11-20' FROM generate_series(1, $1::bigint, 2) AS i
    """,
    """
    INSERT INTO registrations (agreement_id, kind, stage, source, as_of)
    SELECT i, kind, 'in_progress', 'bench', '2026-11-20' FROM generate_series(1, $1::bigint, 2) AS i
    CROSS JOIN unnest(ARRAY['contract_filing', 'title_certificate']) AS kind
    """,
    """
    INSERT INTO ledger_entries (agreement_id, kind, direction, state, amount, period_start, period_end, paid_on,
        roll_key, sorts_on, source, as_of)
    SELECT i, 'transition_fee', 'to_household', CASE WHEN nth < 9 THEN 'paid' ELSE 'due' END, 4410,
        ('2024-01-01'::date + nth * interval '3 months')::date, ('2024-03-31'::date + nth * interval '3 months')::date,
        CASE WHEN nth < 9 THEN ('2024-01-15'::date + nth * interval '3 months')::date END, 'fee-' || nth,
        ('2024-01-15'::date + nth * interval '3 months')::date, 'bench', '2026-11-20'::date
    FROM generate_series(2, $1::bigint, 2) AS i CROSS JOIN generate_series(0, 9) AS nth
    UNION ALL
    SELECT i, 'house_price', 'from_household', 'paid', 300000, NULL, NULL, '2017-05-01'::date + nth, 'price-' || nth,
        '2017-05-01'::date + nth, 'bench', '2026-11-20'
    FROM generate_series(1, $1::bigint, 2) AS i CROSS JOIN generate_series(0, 2) AS nth
    """,
)
_FAMILIES = (
    """
    INSERT INTO parties (agreement_id, person_id, role, position, phone_indexes)
    SELECT person_id, person_id, 'holder', 0, phone_index FROM person_phones
    """,
    f"""
    INSERT INTO links (chat_id, agreement_id, person_id, role, method, phone_index)
    SELECT {FIRST_CHAT} + person_id - 1, person_id, person_id, 'holder', 'phone', phone_index FROM person_phones
    """,
    f"INSERT INTO chats (id, locale, version) SELECT {FIRST_CHAT} + i - 1, 'zh_CN', 3 FROM generate_series(1, $1) AS i",
    # Of an older broadcast and of notices: what has been sent stays for a while.
    f"""
    INSERT INTO deliveries (chat_id, kind, agreement_id, state, created_at, not_before, attempts, message_id,
        finished_at)
    SELECT {FIRST_CHAT} + i - 1, 'link_ended', i, 'sent', moment, moment, 1, i, moment
    FROM generate_series(1, $1::bigint) AS i CROSS JOIN LATERAL (SELECT now() - i % 30 * interval '1 day') AS sent
        (moment)
    """,
    f"""
    INSERT INTO deliveries (chat_id, kind, broadcast_id, agreement_ids)
    SELECT {FIRST_CHAT} + i - 1, 'broadcast', {BROADCAST}, ARRAY[i] FROM generate_series(1, $1::bigint) AS i
    """,
)
_AGREED = f"""
INSERT INTO consents (chat_id, kind, version)
SELECT {FIRST_NEWCOMER} + i, kind, $1
FROM generate_series(0, {NEWCOMERS} - 1) AS i CROSS JOIN unnest(ARRAY['notice', 'id_number']) AS kind
"""
NOTICES = f"""
INSERT INTO deliveries (chat_id, kind, agreement_id, payload)
SELECT {FIRST_CHAT} + i - 1, 'link_ended', i, (SELECT payload FROM bench_payload)
FROM generate_series(1, $1::bigint) AS i
"""
"""A notice to each chat, that waits."""
LARGE = (
    "agreements", "agreement_units", "units", "people", "person_phones", "parties", "links", "ledger_entries",
    "registrations", "deliveries",
)  # fmt: skip


def person_name(number: int) -> str:
    """Of the number-th person, from 1."""
    return f"{_SURNAMES[number % len(_SURNAMES)]}编造{number}"


def id_number(number: int) -> str:
    """Likewise; no region begins with 99."""
    return f"99{number:016d}"


def phone(number: int) -> str:
    """Likewise."""
    return f"199{number:08d}"


async def fill(url: str, vault: Vault, households: int) -> None:
    """Make them in an empty database; a million takes some minutes."""
    connection = await asyncpg.connect(url)
    try:
        async with without_indexes(connection, LARGE):
            for statement in _ESTATE:
                await connection.execute(statement, *([households] if "$1" in statement else []))
            await connection.copy_records_to_table(
                "people",
                records=_people(vault, households),
                columns=["id", "name", "name_index", "id_number", "id_number_index"],
            )
            await connection.copy_records_to_table(
                "person_phones",
                records=_phones(vault, households),
                columns=["id", "person_id", "phone", "phone_index"],
            )
            for table in ("people", "person_phones"):
                await connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), $1)", households)
            await connection.execute(
                "INSERT INTO broadcasts (id, audience, bodies, fallback, state, approved_revision, total) OVERRIDING "
                f"SYSTEM VALUE VALUES ({BROADCAST}, $3::text::jsonb, $1::text::jsonb, 'zh_CN', 'sending', 1, $2)",
                json.dumps(BODIES),
                households,
                Everybody().model_dump_json(),
            )
            for statement in _FAMILIES:
                await connection.execute(statement, *([households] if "$1" in statement else []))
        await connection.execute(_AGREED, CONSENT_VERSION)
        await connection.execute(
            "INSERT INTO staff_accounts (name, roles, chat_id) VALUES ($1, ARRAY['clerk'], $2)",
            vault.seal("staff.name", "接访甲"),
            OFFICER,
        )
        await connection.execute("CREATE TABLE bench_payload (payload bytea)")
        await connection.execute("INSERT INTO bench_payload VALUES ($1)", vault.seal_json("delivery.payload", {}))
    finally:
        await connection.close()


def _people(vault: Vault, households: int) -> Iterator[tuple[int, bytes, bytes, bytes, bytes]]:
    for number in range(1, households + 1):
        name, papers = person_name(number), id_number(number)
        yield (
            number,
            vault.seal("person.name", name),
            vault.index("person.name", name),
            vault.seal("person.id_number", papers),
            vault.index("person.id_number", papers),
        )


def _phones(vault: Vault, households: int) -> Iterator[tuple[int, int, bytes, bytes]]:
    for number in range(1, households + 1):
        written = phone(number)
        yield number, number, vault.seal("person.phone", written), vault.index("person.phone", written)
