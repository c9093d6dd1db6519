"""How far guessing leads: an attacker with 1,000 chats, the numbers of all agreements and the names of their holders,
who guesses at codes besides, against the real limits on a real database, with simulated time."""

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from api.db import Database
from api.identity.documents import id_check_character
from api.identity.models import VerificationAttempt
from api.privacy import Vault
from api.settings import Settings, SurgeResponse
from tests.defences import Figure
from tests.factories import Factory
from tests.security.attacker import REGION, Attack, CodeAttack, likeliest_tails, tails_of_a_birthday
from tests.security.rolls import roll
from tests.security.tries import Tries

pytestmark = [pytest.mark.long, pytest.mark.security("Guessing is hopeless")]

CHATS = 1000
BOUND = 0.01
DAY = timedelta(days=1)
BORN = date(1962, 5, 17)


def surging(settings: Settings, response: SurgeResponse) -> Settings:
    return settings.model_copy(update={"surge_response": response})


def per_day(attack: Attack, chats: int = CHATS) -> str:
    return (
        f"{attack.compared * CHATS // chats:,} tries got through, {attack.expected / attack.compared:.1e} each: "
        f"{attack.expected * CHATS / chats:.4f} takeovers expected"
    )


def test_the_attackers_odds_are_right() -> None:
    """The likeliest six characters are what one would find by counting people."""
    tails = likeliest_tails()
    assert sum(chance for _, chance in tails) == pytest.approx(1)
    assert len(tails) == len(dict(tails)) == 31 * 500 * 11
    dice = random.Random(1)
    best = {tail for tail, _ in tails[:5000]}
    people = 200_000
    found = 0
    for _ in range(people):
        born = date(1940, 1, 1) + timedelta(days=dice.randrange((date(2006, 1, 1) - date(1940, 1, 1)).days))
        first17 = f"{REGION}{born:%Y%m%d}{dice.randrange(1, 1000, 2):03}"
        found += (first17 + id_check_character(first17))[-6:] in best
    assert found / people == pytest.approx(sum(chance for _, chance in tails[:5000]), rel=0.05)
    assert sum(chance for _, chance in tails_of_a_birthday(BORN)) == pytest.approx(1)


@pytest.mark.parametrize("response", [SurgeResponse.CLOSE_PAPERS, SurgeResponse.CODES_ONLY])
async def test_a_thousand_chats_take_over_nobody_in_a_day(
    settings: Settings, database: Database, vault: Vault, factory: Factory, figure: Figure, response: SurgeResponse
) -> None:
    settings = surging(settings, response)
    attack = Attack(
        Tries(database, vault, settings), settings, await roll(factory, database, vault, families=250), CHATS
    )
    with capture_logs() as logs:
        await attack.go_on_for(DAY)
    assert attack.compared >= settings.surge_wrong_per_day
    assert attack.taken_over == 0
    assert attack.expected < BOUND
    assert 1 <= len(logs) <= 24
    figure(f"1,000 chats in 24 h, {response.value}", per_day(attack))
    figure("the same if only a fifth of the sequence numbers are in use", f"{attack.expected * 5:.3f}")
    # Codes have limits of their own, for each chat alone: a twentieth of the same chats shows what they add.
    codes = CodeAttack(attack.tries, CHATS // 20, outstanding=10_000)
    with capture_logs():
        await codes.go_on_for(DAY)
    assert 10 * codes.chats <= codes.compared <= 16 * codes.chats
    assert codes.taken_over == 0
    by_codes = codes.expected * CHATS / codes.chats
    assert attack.expected + by_codes < BOUND
    assert by_codes < BOUND / 1000
    figure(
        "the same chats at codes besides, 10,000 of them outstanding",
        f"{codes.compared * CHATS // codes.chats:,} tries more, {by_codes:.0e} takeovers expected",
    )


async def test_without_the_deployments_limit_it_would_not_hold(
    settings: Settings, database: Database, vault: Vault, factory: Factory, figure: Figure
) -> None:
    """So the bound is not met by chance, nor by the other limits: a twentieth of the chats shows it, each guesses
    alone."""
    chats = CHATS // 20
    settings = surging(settings, SurgeResponse.ALERT)
    attack = Attack(
        Tries(database, vault, settings), settings, await roll(factory, database, vault, families=100), chats
    )
    with capture_logs() as logs:
        await attack.go_on_for(DAY)
    assert attack.expected * CHATS / chats > BOUND
    assert attack.compared <= 16 * chats
    assert [log["event"] for log in logs] == ["verification_surge"] * len(logs)
    assert logs
    figure("1,000 chats in 24 h, alert only", per_day(attack, chats))


async def test_who_knows_a_birthday_has_thirty_guesses_a_month(
    settings: Settings, database: Database, vault: Vault, factory: Factory, figure: Figure
) -> None:
    """Nearest to an attack on one family: sex, region and birthday known, the sequence number alone is left. Only the
    agreement's own windows stop this one."""
    (family,) = await roll(factory, database, vault, families=1)
    family.tails = tails_of_a_birthday(BORN)
    attack = Attack(Tries(database, vault, settings), settings, [family], CHATS)
    with capture_logs():
        await attack.go_on_for(DAY)
        assert attack.compared == 15
        first_day = attack.expected
        await attack.go_on_for(30 * DAY)
    assert attack.compared == 30
    # And the agreement counts as many: none ran into the closed door.
    async with database.transaction() as session:
        assert await session.scalar(select(func.count(VerificationAttempt.number_index))) == 30
    assert attack.expected == pytest.approx(0.06)
    figure("one family, birthday and region known", f"{first_day:.1%} in a day, {attack.expected:.1%} in 30 days")
    figure(
        "all families, all birthdays and regions known, 24 h",
        f"{settings.surge_wrong_per_day / len(family.tails):.0f} takeovers expected with papers closed in a surge",
    )
