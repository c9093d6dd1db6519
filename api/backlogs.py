"""How much waits besides the outbox (``api.messages.backlog``), for who watches over it: counted when somebody asks,
over what waits alone, so that it costs the same however much is done already."""

from typing import Any

from sqlalchemy import Date, Float, bindparam, cast, column, func, literal_column, select, table

from api.audit.models import AuditEvent, AuditSeal
from api.cases.models import Case, Department
from api.jobs import ENGINE
from api.lookups import LookUp

MOST_UNSEALED = 10_000
"""More are not counted."""

# The engine's own table holds what is to be done or held, and nothing that is done.
_queue = table(
    ENGINE.queue_table,
    column("status"),
    column("execute_after"),
    schema=ENGINE.db_schema,
)


def _jobs(status: str) -> Any:
    return func.count().filter(_queue.c.status == literal_column(f"'{status}'"))


_LATE: Any = func.clock_timestamp() - func.min(_queue.c.execute_after).filter(
    _queue.c.status == literal_column("'queued'")
)
JOBS = LookUp(
    select(
        _jobs("queued").label("waiting"),
        _jobs("picked").label("running"),
        _jobs("failed").label("held"),
        cast(func.greatest(0, func.coalesce(func.extract("epoch", _LATE), 0)), Float).label("late_seconds"),
    ).select_from(_queue)
)
"""``late_seconds``: how long ago the job that waits longest was to begin."""

_newest_sealed = select(func.coalesce(func.max(AuditSeal.event_id), 0)).scalar_subquery()
_unsealed = select(AuditEvent.id).where(AuditEvent.id > _newest_sealed).limit(MOST_UNSEALED).subquery()
UNSEALED = LookUp(select(func.count().label("events")).select_from(_unsealed))
"""Recorded since the newest seal."""

OVERDUE = LookUp(
    select(func.coalesce(Department.name, "").label("department"), func.count().label("cases"))
    .select_from(Case)
    .outerjoin(Department, Department.id == Case.department_id)
    .where(Case.due_on < bindparam("today", None, type_=Date))
    .group_by(Department.name)
)
"""Open cases past a last day of the office's, by department; none: nobody has them yet."""
