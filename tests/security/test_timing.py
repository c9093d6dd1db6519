"""The time an answer takes tells nothing: failures of every kind, over HTTP, turn by turn in random order."""

import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
import pytest
from sqlalchemy import exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.app import create_app
from api.db import Database
from api.identity import service
from api.identity.codes import issue_code
from api.identity.models import Consent
from api.identity.proofs import number_index, number_key
from api.identity.schemas import CONSENT_VERSION, AgreementProof, ConsentKind
from api.privacy import Vault
from api.settings import Settings
from tests.api.calls import by_agreement, by_code, by_phone
from tests.conftest import SERVICE_TOKEN
from tests.defences import Figure
from tests.factories import Factory
from tests.security.rolls import roll
from tests.security.tries import Tries
from tests.serving import serving

pytestmark = pytest.mark.security("Guessing is hopeless")

SAMPLES = 110
SHUFFLES = 2000
CHANCE = 0.001
"""A difference that shuffled times show as rarely as this is one."""
NOTICEABLE = 0.08
"""As a share of the time itself. Less cannot be told from outside within a dozen tries a day."""
Proof = dict[str, str]


class Watch:
    """Takes the times of tries, each from a chat that never tried before."""

    def __init__(self, client: aiohttp.ClientSession, chats: Iterator[int]) -> None:
        self.client = client
        self.chats = chats

    async def seconds(self, proof: Proof) -> float:
        path = f"/v1/chats/{next(self.chats)}/links"
        began = time.perf_counter()
        async with self.client.post(path, json=proof) as response:
            answer = await response.json()
            took = time.perf_counter() - began
        assert (response.status, answer["code"]) == (403, "not_matched"), answer
        return took

    async def compare(self, kinds: dict[str, Callable[[], Proof]]) -> dict[str, list[float]]:
        turns = [kind for kind in kinds for _ in range(SAMPLES)]
        random.Random(3).shuffle(turns)
        for kind in kinds:
            for _ in range(8):  # statements are prepared, plans are made
                await self.seconds(kinds[kind]())
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        for kind in turns:
            taken[kind].append(await self.seconds(kinds[kind]()))
        return taken


def quartile(times: list[float]) -> float:
    """What a quarter of the answers stays below. What else the machine does only ever adds time: the quick answers
    tell most about the work."""
    return sorted(times)[len(times) // 4]


def difference(some: list[float], others: list[float]) -> tuple[float, float]:
    """By what share of itself the time differs, and how often it differs as much when the times are shuffled."""
    found = quartile(some) - quartile(others)
    dice = random.Random(5)
    both = some + others
    as_much = 0
    for _ in range(SHUFFLES):
        dice.shuffle(both)
        as_much += abs(quartile(both[: len(some)]) - quartile(both[len(some) :])) >= abs(found)
    return found / quartile(others), as_much / SHUFFLES


def tells(share: float, chance: float) -> bool:
    return abs(share) > NOTICEABLE and chance < CHANCE


@pytest.fixture
async def watch(settings: Settings, database_url: str, database: Database) -> AsyncIterator[Watch]:
    unhindered = settings.model_copy(update={"surge_wrong_per_hour": 10**6, "surge_wrong_per_day": 10**6})
    chats = [(number + 1) << 17 for number in range(3000)]
    async with database.transaction() as session:
        given = [{"chat_id": chat, "kind": kind, "version": CONSENT_VERSION} for chat in chats for kind in ConsentKind]
        await session.execute(insert(Consent), given)
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        serving(create_app(unhindered, database_url)) as url,
        aiohttp.ClientSession(url, headers=headers) as client,
    ):
        yield Watch(client, iter(chats))


@pytest.fixture
async def papers(
    settings: Settings, factory: Factory, database: Database, vault: Vault
) -> dict[str, Callable[[], Proof]]:
    """Ways to fail with papers. No number comes often enough to be closed, but for the one that is."""
    families = await roll(factory, database, vault, families=60)
    closed = factory.invented()
    await factory.agreement(people=[await factory.person(closed)], number="AZ-CLOSED")
    tries = Tries(database, vault, settings)
    for number in range(10):
        wrong = by_agreement("AZ-CLOSED", closed.name, "999999")
        assert await tries.outcome(7 << 40 | number << 17, wrong, datetime.now(UTC)) == "not_matched"
    bare = [factory.invented() for _ in range(20)]
    for number, who in enumerate(bare):
        person = await factory.person(who, has_id_number=False)
        await factory.agreement(people=[person], number=f"AZ-BARE-{number}")
    turn = count()

    def given(number: str, name: str, tail: str = "999999") -> Proof:
        return by_agreement(number, name, tail)

    def one_of(half: int) -> Any:
        return families[half * 30 + next(turn) % 30]

    def without_number() -> Proof:
        number = next(turn) % len(bare)
        return given(f"AZ-BARE-{number}", bare[number].name)

    return {
        "wrong digits": lambda: given((family := one_of(0)).number, family.name),
        "wrong name": lambda: given(one_of(1).number, "王无此人"),
        "unknown agreement": lambda: given(f"AZ-NONE-{next(turn) % 40}", "王无此人"),
        "closed agreement, right papers": lambda: given("AZ-CLOSED", closed.name, closed.id_number[-6:]),
        "no ID number on file": without_number,
    }


async def test_failures_take_the_same_time(
    watch: Watch, papers: dict[str, Callable[[], Proof]], factory: Factory, figure: Figure
) -> None:
    taken = await watch.compare(papers)
    reference = taken["wrong digits"]
    found = {kind: difference(times, reference) for kind, times in taken.items() if times is not reference}
    worst = max(found, key=lambda kind: abs(found[kind][0]))
    share, chance = found[worst]
    figure(
        "times of failures with papers",
        f"{quartile(reference) * 1000:.1f} ms, at most {abs(share):.1%} apart ({worst}, p = {chance:.2f})",
    )
    assert not {kind: result for kind, result in found.items() if tells(*result)}


async def test_phones_and_codes_take_the_same_time(
    watch: Watch, factory: Factory, database: Database, vault: Vault, figure: Figure
) -> None:
    people = [factory.invented() for _ in range(20)]
    for who in people:
        agreement = await factory.agreement(people=[await factory.person(who)])
    async with database.transaction() as session:
        over, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(seconds=-1))
    turn = count()
    ways: dict[str, Callable[[], Proof]] = {
        "wrong end": lambda: by_phone(people[next(turn) % 20].phone, "999A"),
        "unknown phone": lambda: by_phone(f"1880000{next(turn) % 20:04}", "999A"),
        "code that is over": lambda: by_code(over),
        "unknown code": lambda: by_code(f"ABCDEFGH{next(turn) % 8 + 2}J"),
    }
    taken = await watch.compare(ways)
    for one, other in (("unknown phone", "wrong end"), ("unknown code", "code that is over")):
        share, chance = difference(taken[one], taken[other])
        figure(f"time of {one} beside {other}", f"{share:+.1%} (p = {chance:.2f})")
        assert not tells(share, chance)


async def test_an_early_return_would_be_noticed(
    watch: Watch, papers: dict[str, Callable[[], Proof]], monkeypatch: pytest.MonkeyPatch, figure: Figure
) -> None:
    """The same measuring, on a service that answers at once when there is no such agreement."""
    by_papers = service._by_papers

    async def hasty(
        session: AsyncSession, vault: Vault, proof: AgreementProof, today: date, now: datetime, surge: Any
    ) -> Any:
        key = number_key(proof)
        if not await session.scalar(select(exists().where(Agreement.number_key == key))):
            return number_index(vault, key), []
        return await by_papers(session, vault, proof, today, now, surge)

    monkeypatch.setattr(service, "_by_papers", hasty)
    taken = await watch.compare({kind: papers[kind] for kind in ("wrong digits", "unknown agreement")})
    share, chance = difference(taken["unknown agreement"], taken["wrong digits"])
    figure("time of an unknown agreement, were it answered early", f"{share:+.0%} (p = {chance:.3f})")
    assert tells(share, chance)
