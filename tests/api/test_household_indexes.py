"""What families ask, what proves who they are, and what couriers take is found by an index, however many households
there are."""

import pytest

from api.privacy import Vault
from api.settings import Settings
from tests.api.tables_read import costly, is_counted
from tests.bench.growth import PAGES
from tests.bench.many_households import LARGE, fill

HOUSEHOLDS = 10_000
MAX_ENTRIES = 150
"""Of indexes, for one answer or a claim of ten."""


@pytest.mark.long
async def test_no_look_up_proof_or_claim_costs_more_the_more_households_there_are(
    settings: Settings, database_url: str, vault: Vault
) -> None:
    await fill(database_url, vault, HOUSEHOLDS)
    settings = settings.model_copy(update={"send_rate": 1000, "send_burst": 100, "quiet_from": 0, "quiet_until": 0})
    wrong = await costly(database_url, settings, PAGES, HOUSEHOLDS, LARGE, MAX_ENTRIES)
    assert not wrong
    assert await is_counted(database_url, "links")
