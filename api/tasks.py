"""Every kind of background work, by which the workers know it. What is not listed here never runs, and
tests/api/test_jobs.py finds it."""

from api.cases.sweep import sweep_clocks
from api.jobs import Task
from api.retention import apply_retention

TASKS: tuple[Task, ...] = (apply_retention, sweep_clocks)
