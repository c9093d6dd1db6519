"""The drill itself runs, and finds nothing."""

import pytest

from tests.defences import Figure
from tests.drill.__main__ import run
from tests.drill.run import Plan

pytestmark = pytest.mark.long


def test_a_small_one(figure: Figure) -> None:
    """Two hundred families, two couriers killed, one crash of PostgreSQL."""
    faults = {
        "pause": 1 / 150,
        "error": 1 / 30,
        "cut": 1 / 40,
        "hang": 1 / 100,
        "cut_late": 1 / 40,
        "hang_late": 1 / 100,
    }
    plan = Plan(200, couriers=2, batch=10, limit=100, kill_every=80, lease=6, patience=1, seconds=100, faults=faults)
    outcome = run(plan)
    assert outcome.problems == []
    assert outcome.states["gone"] == outcome.states["failed"] + 1 == 2
    figure("of 200 messages in the drill, lost", outcome.lost)
    figure("of 200 messages in the drill, arrived twice", outcome.repeated)
