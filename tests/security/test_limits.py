"""Limits on wrong tries: how they grow, what they count, what they leave open. Time is given, not waited for."""

from datetime import datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs
from structlog.typing import EventDict

from api.app import create_app
from api.db import Database
from api.identity.codes import issue_code
from api.identity.limits import CHAT, DAY, HOUR, MINUTE, SOURCE, GrowingLock, agreement_closed_until
from api.identity.models import VerificationAttempt
from api.privacy import Vault
from api.settings import Settings, SurgeResponse
from tests.api.calls import agree, by_agreement, by_code, by_phone, call, numbers
from tests.conftest import SERVICE_TOKEN
from tests.factories import Factory
from tests.security.tries import START, Tries
from tests.serving import serving

pytestmark = pytest.mark.security("Guessing is hopeless")
CHAT_ID = 700100200
NO_CODE = by_code("ABCDEFGHJK")


@pytest.fixture
def tries(database: Database, vault: Vault, settings: Settings) -> Tries:
    return Tries(database, vault, settings)


def wrong_within_a_day(lock: GrowingLock, pause: timedelta) -> int:
    """How many wrong tries somebody has in the best 24 hours who pauses so long between two, and comes back the moment
    a lock ends."""
    wrong: list[datetime] = []
    now = START
    while now < START + 3 * DAY:
        wrong.append(now)
        now = max(now + pause, lock.locked_until(wrong[-100:]) or now)
    return max(sum(first <= moment < first + DAY for moment in wrong) for first in wrong)


def test_a_chat_has_a_dozen_guesses_a_day_however_they_are_spaced() -> None:
    best = max(wrong_within_a_day(CHAT, timedelta(seconds=seconds)) for seconds in range(0, 4000, 75))
    assert 10 <= best <= 16
    # Without its second window it would not hold: four in each quarter of an hour lock nothing.
    unwatched = GrowingLock(CHAT.windows[:1], first=CHAT.first)
    assert wrong_within_a_day(unwatched, timedelta(seconds=226)) > 300


def test_a_source_has_as_few_as_some_chats() -> None:
    assert max(wrong_within_a_day(SOURCE, timedelta(seconds=seconds)) for seconds in (0, 60, 119, 300, 900)) <= 70


def test_an_agreement_has_thirty_guesses_a_month_however_they_are_spaced() -> None:
    for pause in (0, 1, 5, 7, 30, 60, 100, 24 * 60):
        wrong: list[datetime] = []
        now = START
        while now < START + 90 * DAY:
            wrong.append(now)
            closed_until = agreement_closed_until(wrong[-30:])
            now = max(now + pause * MINUTE, closed_until or now, now + timedelta(seconds=1))
        for first in wrong:
            for most, within in ((10, HOUR), (15, DAY), (30, 30 * DAY)):
                assert sum(first <= moment < first + within for moment in wrong) <= most


async def test_locks_grow_and_end_the_same_morning(tries: Tries, factory: Factory) -> None:
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)], number="A-1001")
    right, wrong = (by_agreement("A-1001", who.name, tail) for tail in (who.id_number[-6:], "999999"))
    now = START
    for _ in range(5):
        assert await tries.outcome(CHAT_ID, wrong, now) == "not_matched"
        now += timedelta(seconds=40)
    now -= timedelta(seconds=40)
    for minutes in (15, 30, 60):
        assert await tries.waits(CHAT_ID, right, now + timedelta(seconds=1)) == minutes * MINUTE - timedelta(seconds=1)
        now += minutes * MINUTE
        if minutes < 60:
            assert await tries.outcome(CHAT_ID, wrong, now) == "not_matched"
    assert now - START < 2 * HOUR
    assert await tries.outcome(CHAT_ID, right, now) == "linked"


async def test_accounts_that_were_made_in_bulk_are_locked_together(
    tries: Tries, factory: Factory, database: Database, vault: Vault
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)])
    block = 7_000_000_000 >> 16 << 16
    for number in range(30):
        assert await tries.outcome(block + number * 2000, NO_CODE, START) == "not_matched"
    assert await tries.waits(block + 65_535, NO_CODE, START) == HOUR
    # Whoever lives elsewhere is not concerned, nor who shares a phone.
    assert await tries.outcome(block + 65_536, NO_CODE, START) == "not_matched"
    assert await tries.outcome(block + 65_535, by_phone(who.phone, who.id_number[-4:]), START) == "linked"
    async with database.transaction() as session:
        code, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(days=7))
    assert await tries.waits(block + 65_535, by_code(code), START + 59 * MINUTE) == MINUTE
    assert await tries.outcome(block + 1, NO_CODE, START + HOUR) == "not_matched"
    assert await tries.waits(block + 65_535, by_code(code), START + HOUR) == 2 * HOUR
    assert await tries.outcome(block + 65_535, by_code(code), START + 3 * HOUR) == "linked"


async def test_a_phone_is_one_source_whatever_chat_it_comes_from(tries: Tries, factory: Factory) -> None:
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)])
    for number in range(30):
        wrong = by_phone(who.phone, f"{number:03}A")
        assert await tries.outcome((number + 1) << 20, wrong, START) == "not_matched"
    right = by_phone(f"+86 {who.phone}", who.id_number[-4:])
    assert await tries.waits(99 << 20, right, START) == HOUR
    assert await tries.outcome(99 << 20, right, START + HOUR) == "linked"


async def test_codes_have_limits_of_their_own(tries: Tries, factory: Factory, database: Database, vault: Vault) -> None:
    """Who is locked out by wrong papers can use the office's code; and the other way round. Each lock grows alone."""
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)], number="A-1001")
    right, wrong = (by_agreement("A-1001", who.name, tail) for tail in (who.id_number[-6:], "999999"))
    async with database.transaction() as session:
        code, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(days=7))
    for _ in range(5):
        assert await tries.outcome(CHAT_ID, wrong, START) == "not_matched"
    assert await tries.waits(CHAT_ID, right, START) == 15 * MINUTE
    assert await tries.waits(CHAT_ID, by_phone(who.phone, who.id_number[-4:]), START) == 15 * MINUTE
    for _ in range(5):
        assert await tries.outcome(CHAT_ID, NO_CODE, START) == "not_matched"
    assert await tries.waits(CHAT_ID, by_code(code), START) == 15 * MINUTE
    # One more wrong code doubles the pause for codes, and leaves that for the papers as it was.
    later = START + 15 * MINUTE
    assert await tries.outcome(CHAT_ID, NO_CODE, later) == "not_matched"
    assert await tries.waits(CHAT_ID, by_code(code), later) == 30 * MINUTE
    assert await tries.outcome(CHAT_ID, right, later) == "linked"
    assert await tries.outcome(CHAT_ID + 1, by_code(code), START) == "linked"


async def test_an_agreement_closes_to_papers_for_longer_and_longer(
    tries: Tries, factory: Factory, database: Database, vault: Vault
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)], number="A-1001")
    right, wrong = (by_agreement("A-1001", who.name, tail) for tail in (who.id_number[-6:], "999999"))
    chats = iter(range(1 << 20, 1 << 30, 1 << 17))

    async def guess(times: int, now: datetime) -> None:
        for _ in range(times):
            assert await tries.outcome(next(chats), wrong, now) == "not_matched"

    async def is_open(now: datetime) -> bool:
        return await tries.outcome(next(chats), right, now) == "linked"

    await guess(9, START)
    assert await is_open(START)
    await guess(1, START)
    assert not await is_open(START + 59 * MINUTE)
    # These run into the closed door and do not prolong it.
    await guess(20, START + 59 * MINUTE)
    assert await is_open(START + HOUR)
    await guess(5, START + HOUR)
    assert not await is_open(START + 24 * HOUR)
    assert await is_open(START + 25 * HOUR)
    await guess(10, START + 26 * HOUR)
    await guess(5, START + 28 * HOUR)
    for days in (3, 10, 29.9):
        assert not await is_open(START + days * DAY)
        assert await tries.outcome(next(chats), by_phone(who.phone, who.id_number[-4:]), START) == "linked"
    async with database.transaction() as session:
        code, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(days=7))
    assert await tries.outcome(next(chats), by_code(code), START + 20 * DAY) == "linked"
    assert await is_open(START + 30 * DAY)


async def test_every_failure_leaves_the_same_trace(tries: Tries, factory: Factory, database: Database) -> None:
    """One row each; only what ran into a closed number (whether it exists or not) bears none."""
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)], number="A-1001")
    chats = iter(range(1 << 20, 1 << 30, 1 << 17))
    for number in ("A-1001", "A-9999"):
        for _ in range(12):
            await tries.outcome(next(chats), by_agreement(number, who.name, "999999"), START)
    await tries.outcome(next(chats), by_agreement("A-1001", who.name, who.id_number[-6:]), START)
    async with database.transaction() as session:
        rows = await session.execute(
            select(VerificationAttempt.number_index, func.count().label("tries")).group_by(
                VerificationAttempt.number_index
            )
        )
        counted = {row.number_index: row.tries for row in rows}
    assert counted.pop(None) == 5
    assert list(counted.values()) == [10, 10]
    assert tries.metrics.registry.get_sample_value("shanglou_verification_lockouts_total", {"kind": "agreement"}) == 2


@pytest.mark.parametrize(
    ("response", "open_ways"),
    [
        (SurgeResponse.ALERT, ["phone", "agreement", "code"]),
        (SurgeResponse.CLOSE_PAPERS, ["phone", "code"]),
        (SurgeResponse.CODES_ONLY, ["code"]),
    ],
)
async def test_a_surge_alerts_and_closes_ways(
    settings: Settings,
    database_url: str,
    database: Database,
    vault: Vault,
    factory: Factory,
    response: SurgeResponse,
    open_ways: list[str],
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)], number="A-1001")
    async with database.transaction() as session:
        code, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(days=7))
    proofs = {
        "phone": by_phone(who.phone, who.id_number[-4:]),
        "agreement": by_agreement("A-1001", who.name, who.id_number[-6:]),
        "code": by_code(code),
    }
    watched = settings.model_copy(update={"surge_wrong_per_hour": 6, "surge_response": response})
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        serving(create_app(watched, database_url)) as url,
        aiohttp.ClientSession(url, headers=headers) as api,
    ):

        async def prove(chat_id: int, proof: dict[str, str], status: int) -> object:
            await agree(api, chat_id)
            return await call(api, "POST", f"/v1/chats/{chat_id}/links", status, json=proof)

        with capture_logs() as logs:
            # Wrong phones and codes are no surge: neither can be guessed.
            for number in range(6):
                await prove(1000 + number, by_phone("13900000000", "9999"), 403)
                await prove(1000 + number, NO_CODE, 403)
            for number in range(5):
                await prove(1 << 20 | number, by_agreement(f"A-{number}", who.name, "999999"), 403)
            assert surges(logs) == []
            assert await surge_gauge(url) == "0.0"
            await prove(2 << 20, by_agreement("A-1001", who.name, "999999"), 403)
            for chat_id, (way, proof) in enumerate(proofs.items(), 3000):
                if way in open_ways:
                    await prove(chat_id, proof, 201)
                else:
                    for given in (proof, by_agreement("A-9999", "王无此人", "999999")):
                        assert await prove(chat_id, given, 403) == {
                            "code": "way_closed",
                            "message": "Nobody can prove who they are in this way now.",
                            "details": {"open": open_ways},
                        }
            assert surges(logs) == [
                {
                    "event": "verification_surge",
                    "log_level": "error",
                    "wrong_in_hour": 6,
                    "wrong_in_day": 6,
                    "response": response.value,
                }
            ]
        assert await surge_gauge(url) == "1.0"
        await age(database, minutes=60)
        assert numbers(await prove(5 << 20, proofs["agreement"], 201)) == ["A-1001"]
        assert await surge_gauge(url) == "0.0"


def surges(logs: list[EventDict]) -> list[EventDict]:
    return [log for log in logs if log["event"] == "verification_surge"]


async def age(database: Database, minutes: int) -> None:
    """Move all tries into the past."""
    async with database.transaction() as session:
        attempts = await session.scalars(select(VerificationAttempt))
        for attempt in attempts:
            attempt.attempted_at -= minutes * MINUTE


async def metrics(url: str) -> dict[str, str]:
    """What a scraper gets, without any token."""
    async with aiohttp.ClientSession() as anybody, anybody.get(f"{url}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        lines = (await response.text()).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


async def surge_gauge(url: str) -> str:
    return (await metrics(url))["shanglou_verification_surge"]


async def test_tries_and_locks_are_counted(api: aiohttp.ClientSession, api_url: str, factory: Factory) -> None:
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)])
    await agree(api, CHAT_ID)
    for status in [403] * 5 + [429] * 2:
        await call(api, "POST", f"/v1/chats/{CHAT_ID}/links", status, json=NO_CODE)
    await agree(api, CHAT_ID + 1)
    right = by_phone(who.phone, who.id_number[-4:])
    await call(api, "POST", f"/v1/chats/{CHAT_ID + 1}/links", 201, json=right)
    counted = await metrics(api_url)
    tries = "shanglou_verification_tries_total"
    assert counted[f'{tries}{{method="code",outcome="not_matched"}}'] == "5.0"
    assert counted[f'{tries}{{method="code",outcome="locked"}}'] == "2.0"
    assert counted[f'{tries}{{method="phone",outcome="linked"}}'] == "1.0"
    assert counted['shanglou_verification_lockouts_total{kind="chat"}'] == "1.0"
    assert not any(str(secret) in "".join(counted) for secret in (CHAT_ID, who.phone, who.name))
