"""The words that columns may hold from this revision on."""

from collections.abc import Sequence

from alembic import op

STATES = (
    "received",
    "registered",
    "transferred",
    "assigned",
    "accepted",
    "not_accepted",
    "diverted",
    "in_progress",
    "extended",
    "answered",
    "closed",
    "review",
    "second_review",
    "final",
    "withdrawn",
)
EVENTS = (
    "received",
    "registered",
    "accepted",
    "refused",
    "diverted",
    "assigned",
    "claimed",
    "transferred",
    "objected",
    "started",
    "asked",
    "replied",
    "added",
    "extended",
    "answered",
    "closed",
    "reopened",
    "review_requested",
    "review_answered",
    "second_review_requested",
    "second_review_answered",
    "withdrawn",
    "supervised",
    "unsupervised",
    "rated",
    "overdue",
)


def allow(table: str, name: str, column: str, values: Sequence[str]) -> None:
    """Let a column hold these words and no others."""
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    words = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({words})")
