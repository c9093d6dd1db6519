"""The time an answer takes tells nothing: failures of every kind, over HTTP, turn by turn in random order."""

import math
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import aiohttp
import pytest
from sqlalchemy import exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, Party
from api.app import create_app
from api.db import Database
from api.identity import service
from api.identity.codes import issue_code
from api.identity.models import Consent, Person
from api.identity.proofs import number_index, number_key
from api.identity.schemas import CONSENT_VERSION, AgreementProof, ConsentKind
from api.privacy import Vault
from api.settings import Settings
from tests.api.calls import by_agreement, by_code, by_phone
from tests.conftest import SERVICE_TOKEN
from tests.defences import Figure
from tests.factories import Factory
from tests.security.attacker import Family
from tests.security.rolls import roll
from tests.security.tries import Tries
from tests.serving import serving

pytestmark = [pytest.mark.long, pytest.mark.security("Guessing is hopeless")]

TURNS = 110
MOST_TURNS = 330
"""As many are taken when those before let one suspect something."""
FLIPS = 2000
SUSPECT, SURE = 0.05, 0.001
"""As rarely a difference is as large when it is left to chance which of two answers was whose."""
NOTICEABLE = 0.08
"""As a share of the time itself. Less cannot be told from outside within a dozen tries a day."""
NUMBERS = 50
"""So many of each kind, that none comes often enough to be closed."""
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

    async def compare(self, kinds: dict[str, Callable[[], Proof]], beside: str) -> dict[str, "Difference"]:
        """How each kind differs from that one."""
        for kind in [*kinds] * 8:  # statements are prepared, plans are made
            await self.seconds(kinds[kind]())
        dice = random.Random(3)
        taken: dict[str, list[float]] = {kind: [] for kind in kinds}
        found: dict[str, Difference] = {}
        while not found or any(difference.suspicious for difference in found.values()):
            for _ in range(TURNS):
                for kind in dice.sample([*kinds], len(kinds)):
                    taken[kind].append(await self.seconds(kinds[kind]()))
            found = {kind: Difference.between(taken[kind], taken[beside]) for kind in kinds if kind != beside}
            if len(taken[beside]) >= MOST_TURNS:
                break
        return found


@dataclass(frozen=True)
class Difference:
    """Of times that were taken in the same turns, so that what else the machine did then weighs on both."""

    share: float
    chance: float
    seconds: float

    @classmethod
    def between(cls, some: list[float], others: list[float]) -> "Difference":
        ratios = [math.log(one / other) for one, other in zip(some, others, strict=True)]
        found = statistics.median(ratios)
        dice = random.Random(5)
        as_much = sum(
            abs(statistics.median(ratio * dice.choice((-1, 1)) for ratio in ratios)) >= abs(found) for _ in range(FLIPS)
        )
        return cls(math.expm1(found), as_much / FLIPS, statistics.median(others))

    @property
    def suspicious(self) -> bool:
        return abs(self.share) > NOTICEABLE and self.chance < SUSPECT

    @property
    def tells(self) -> bool:
        return abs(self.share) > NOTICEABLE and self.chance < SURE

    def __str__(self) -> str:
        return f"{self.share:+.1%} (p = {self.chance:.3f})"


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
    """Ways to fail with papers."""
    families = await roll(factory, database, vault, families=3 * NUMBERS)
    bare = families[2 * NUMBERS :]
    holders = (
        select(Party.person_id)
        .join(Agreement, Agreement.id == Party.agreement_id)
        .where(Agreement.number.in_([family.number for family in bare]))
    )
    async with database.transaction() as session:
        await session.execute(update(Person).where(Person.id.in_(holders)).values(id_number=None, id_number_index=None))
    closed = factory.invented()
    await factory.agreement(people=[await factory.person(closed)], number="AZ-CLOSED")
    tries = Tries(database, vault, settings)
    for number in range(10):
        wrong = by_agreement("AZ-CLOSED", closed.name, "999999")
        assert await tries.outcome(7 << 40 | number << 17, wrong, datetime.now(UTC)) == "not_matched"
    turn = count()

    def wrong_papers(of: Sequence[Family], name: str | None = None) -> Proof:
        family = of[next(turn) % NUMBERS]
        return by_agreement(family.number, name or family.name, "999999")

    return {
        "wrong digits": lambda: wrong_papers(families[:NUMBERS]),
        "wrong name": lambda: wrong_papers(families[NUMBERS:], "王无此人"),
        "unknown agreement": lambda: by_agreement(f"AZ-NONE-{next(turn) % NUMBERS}", "王无此人", "999999"),
        "closed agreement, right papers": lambda: by_agreement("AZ-CLOSED", closed.name, closed.id_number[-6:]),
        "no ID number on file": lambda: wrong_papers(bare),
    }


async def test_failures_take_the_same_time(
    watch: Watch, papers: dict[str, Callable[[], Proof]], factory: Factory, figure: Figure
) -> None:
    found = await watch.compare(papers, beside="wrong digits")
    worst = max(found, key=lambda kind: abs(found[kind].share))
    figure(
        "times of failures with papers",
        f"{found[worst].seconds * 1000:.1f} ms, at most {found[worst]} apart ({worst})",
    )
    assert [kind for kind, difference in found.items() if difference.tells] == []


async def test_phones_and_codes_take_the_same_time(
    watch: Watch, factory: Factory, database: Database, vault: Vault, figure: Figure
) -> None:
    people = [factory.invented() for _ in range(20)]
    for who in people:
        agreement = await factory.agreement(people=[await factory.person(who)])
    async with database.transaction() as session:
        over, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=timedelta(seconds=-1))
    turn = count()
    phones: dict[str, Callable[[], Proof]] = {
        "wrong end": lambda: by_phone(people[next(turn) % 20].phone, "999A"),
        "unknown phone": lambda: by_phone(f"1880000{next(turn) % 20:04}", "999A"),
    }
    codes: dict[str, Callable[[], Proof]] = {
        "code that is over": lambda: by_code(over),
        "unknown code": lambda: by_code(f"ABCDEFGH{next(turn) % 8 + 2}J"),
    }
    found = await watch.compare(phones, beside="wrong end") | await watch.compare(codes, beside="code that is over")
    for kind, difference in found.items():
        figure(f"time of an {kind}", f"{difference} apart")
    assert [kind for kind, difference in found.items() if difference.tells] == []


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
    both = {kind: papers[kind] for kind in ("wrong digits", "unknown agreement")}
    found = (await watch.compare(both, beside="wrong digits"))["unknown agreement"]
    figure("time of an unknown agreement, were it answered early", f"{found} apart")
    assert found.tells
