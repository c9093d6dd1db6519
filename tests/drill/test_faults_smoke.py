"""A whole deployment of which one part after the other fails, in small: nobody is left without a word, and nothing that
was confirmed is missing."""

import pytest

from tests.defences import Figure
from tests.drill.__main__ import run_faults
from tests.drill.faults import FaultPlan

pytestmark = pytest.mark.long


def test_a_small_one(figure: Figure) -> None:
    """Two residents, and three faults of those of ``make drill``: a crash of PostgreSQL, an API that is away, a
    Telegram that takes no answers."""
    plan = FaultPlan(
        residents=2, before=1, database=2, api=4, telegram=5, settle=30, only=("PostgreSQL killed", "API down", "502")
    )
    outcome = run_faults(plan)
    assert outcome.problems == []
    database, api, telegram = outcome.rows
    assert database.tally.told > 0, "the fault was felt"
    assert api.tally.told > 0, "the fault was felt"
    assert telegram.tally.longest > 2, "the fault was felt"
    assert min(row.tally.complaints for row in outcome.rows) > 0
    for row in outcome.rows:
        figure(f"{row.name}: seconds to the first good answer", round(row.recovered, 1))
