"""The queue of cases as the office sees it. Nobody's name is in it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from api.agreements.models import AgreementUnit
from api.cases.models import Case
from api.cases.schemas import CaseCategory, CaseState
from api.db import Reads
from api.estate.models import Unit
from api.estate.queries import HOMES_FIRST, PLACES, home_label


@dataclass(frozen=True)
class Waiting:
    """A case in the queue.

    Attributes:
        home: the label of the unit it is about; else of the agreement's first home; none where none is assigned.
        acceptance_notice_last_day: see :data:`api.cases.clocks.ACCEPTANCE_NOTICE`.
    """

    id: int
    number: str
    state: CaseState
    category: CaseCategory
    home: str | None
    received_at: datetime
    acceptance_notice_last_day: date


async def list_queue(reader: Reads, *, state: CaseState | None, limit: int) -> tuple[list[Waiting], int]:
    """Cases of all families, those whose notice is due first, and how many there are in all.

    Args:
        state: only cases in this state.
    """
    of_state = [] if state is None else [Case.state == state]
    its_unit = select(home_label()).select_from(PLACES).where(Unit.id == Case.unit_id).correlate(Case)
    first_home = (
        select(home_label())
        .select_from(PLACES.join(AgreementUnit.__table__, AgreementUnit.unit_id == Unit.id))
        .where(AgreementUnit.agreement_id == Case.agreement_id)
        .order_by(*HOMES_FIRST)
        .limit(1)
        .correlate(Case)
    )
    rows = await reader.execute(
        select(
            Case.id,
            Case.number,
            Case.state,
            Case.category,
            func.coalesce(its_unit.scalar_subquery(), first_home.scalar_subquery()).label("home"),
            Case.received_at,
            Case.acceptance_notice_last_day,
        )
        .where(*of_state)
        .order_by(Case.acceptance_notice_last_day, Case.id)
        .limit(limit)
    )
    total = (await reader.execute(select(func.count()).select_from(Case).where(*of_state))).scalar_one()
    return [Waiting(**row._mapping) for row in rows], total
