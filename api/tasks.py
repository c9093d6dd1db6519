"""Every kind of background work, by which the workers know it. What is not listed here never runs, and
tests/api/test_jobs.py finds it."""

from api.broadcasts.sending import settle_cancelled, start_broadcast, sweep_broadcasts
from api.broadcasts.steps import tell_office
from api.cases.sweep import sweep_clocks
from api.jobs import Task
from api.retention import apply_retention

TASKS: tuple[Task, ...] = (
    apply_retention,
    settle_cancelled,
    start_broadcast,
    sweep_broadcasts,
    sweep_clocks,
    tell_office,
)
