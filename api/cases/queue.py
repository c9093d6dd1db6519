"""The queue of cases as the office sees it. Nobody's name of a family is in it.

A page starts where the one before ended, at a place in its order, and not after a number of rows: the last page of a
million costs what the first one does. So there is no total.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, bindparam, false, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Agreement, AgreementUnit
from api.audit.service import Actor, record
from api.cases.clocks import light
from api.cases.lifecycle import DUTY
from api.cases.models import Case, CaseClock, Department
from api.cases.queries import is_asked
from api.cases.schemas import (
    MOST_COUNTED,
    CaseCategory,
    CaseState,
    QueueCounts,
    QueuedCase,
    QueuePage,
    QueueSort,
    QueueView,
)
from api.errors import InvalidInput
from api.estate.models import Unit
from api.estate.queries import HOMES_FIRST, PLACES, home_label
from api.privacy import Vault
from api.staff.models import StaffAccount

OPEN_STATES = frozenset(DUTY)


@dataclass(frozen=True)
class Wanted:
    """Which cases, and in which order. ``number``: how their numbers begin, or the digits they end with."""

    view: QueueView | None = None
    department_id: int | None = None
    state: CaseState | None = None
    category: CaseCategory | None = None
    supervised: bool | None = None
    number: str | None = None
    sort: QueueSort = QueueSort.DUE

    @property
    def order(self) -> QueueSort:
        """What is closed is never due."""
        has_due = self.number is None and (self.state is None or self.state in OPEN_STATES)
        return self.sort if has_due else QueueSort.RECEIVED


def _filters(wanted: Wanted, staff_id: int | None, today: date) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if wanted.number is None and (wanted.state is None or wanted.state in OPEN_STATES):
        filters.append(Case.due_on.is_not(None))
    match wanted.view:
        case QueueView.MINE:
            filters.append(Case.officer_id == staff_id)
        case QueueView.UNASSIGNED:
            filters.append(Case.officer_id.is_(None))
        case QueueView.OVERDUE:
            filters.append(Case.due_on < today)
        case QueueView.RAISED:
            filters.append(Case.raised_at.is_not(None))
    if wanted.state is not None:
        # As a part of the SQL: an index may be of one state alone.
        filters.append(Case.state == bindparam(None, wanted.state, literal_execute=True))
    for column, value in ((Case.department_id, wanted.department_id), (Case.category, wanted.category)):
        if value is not None:
            filters.append(column == value)
    if wanted.supervised is not None:
        filters.append(Case.supervised_at.is_not(None) if wanted.supervised else Case.supervised_at.is_(None))
    if wanted.number is not None:
        filters.append(_numbered(wanted.number, today))
    return filters


def _numbered(given: str, today: date) -> ColumnElement[bool]:
    """A number as people say it: whole, or its serial alone, of this year or the one before."""
    given = given.strip()
    if re.fullmatch(r"\d{4}-\d{1,12}", given, re.ASCII):
        year, _, serial = given.partition("-")
        return Case.number == f"{year}-{int(serial):06d}"
    if re.fullmatch(r"\d{1,12}", given, re.ASCII):
        return Case.number.in_([f"{year}-{int(given):06d}" for year in (today.year, today.year - 1)])
    return false()


def _statement() -> Any:
    its_unit = select(home_label()).select_from(PLACES).where(Unit.id == Case.unit_id).correlate(Case)
    first_home = (
        select(home_label())
        .select_from(PLACES.join(AgreementUnit.__table__, AgreementUnit.unit_id == Unit.id))
        .where(AgreementUnit.agreement_id == Case.agreement_id)
        .order_by(*HOMES_FIRST)
        .limit(1)
        .correlate(Case)
    )
    started = (
        select(func.max(CaseClock.started_on))
        .where(
            CaseClock.case_id == Case.id,
            CaseClock.stopped_at.is_(None),
            CaseClock.kind.in_({*DUTY.values()}),
        )
        .correlate(Case)
    )
    master, member = aliased(Case), aliased(Case)
    its_master = select(master.number).where(master.id == Case.master_id).correlate(Case)
    members = select(func.count()).select_from(member).where(member.master_id == Case.id).correlate(Case)
    return (
        select(
            Case.id,
            Case.number,
            Case.version,
            Case.state,
            Case.category,
            func.coalesce(its_unit.scalar_subquery(), first_home.scalar_subquery()).label("home"),
            Agreement.kind.label("household"),
            Case.received_at,
            Case.due_on,
            started.scalar_subquery().label("started_on"),
            Department.name.label("department"),
            StaffAccount.name.label("officer"),
            Case.supervised_at.is_not(None).label("supervised"),
            Case.raised_at.is_not(None).label("raised"),
            its_master.scalar_subquery().label("master"),
            members.scalar_subquery().label("members"),
            is_asked(Case.id).label("asked"),
        )
        .select_from(Case)
        .join(Agreement, Agreement.id == Case.agreement_id)
        .outerjoin(Department, Department.id == Case.department_id)
        .outerjoin(StaffAccount, StaffAccount.id == Case.officer_id)
    )


def _few(rows: int) -> BindParameter[int]:
    """As a part of the SQL. Of a number that comes later PostgreSQL thinks that it may be a tenth of all, and plans
    each page anew, which takes three times as long as the page."""
    return bindparam(None, rows, literal_execute=True)


def _place(wanted: Wanted, cursor: str) -> tuple[date | datetime, int]:
    """Where a page starts: after this value of its order, and this id.

    Raises:
        InvalidInput: the cursor is none that a page in this order gave.
    """
    try:
        order, value, row_id = orjson.loads(base64.urlsafe_b64decode(cursor))
        if order == wanted.order and type(row_id) is int and 0 < row_id < 2**63:
            if wanted.order is QueueSort.DUE:
                return date.fromisoformat(value), row_id
            return datetime.fromisoformat(value).astimezone(UTC), row_id
    except (binascii.Error, ValueError, TypeError, OverflowError):
        pass
    raise InvalidInput(fields=[{"at": ["query", "cursor"], "expected": "next_cursor of another page"}])


async def list_cases(
    session: AsyncSession,
    vault: Vault,
    actor: Actor,
    wanted: Wanted,
    today: date,
    *,
    cursor: str | None = None,
    limit: int,
) -> QueuePage:
    """A page of the queue: open cases, unless it is asked for a state that is none, or by number. That they were looked
    at is recorded.

    Raises:
        InvalidInput: the cursor is none that a page in this order gave.
    """
    column: Any = Case.due_on if wanted.order is QueueSort.DUE else Case.received_at
    chosen = select(Case.id).where(*_filters(wanted, actor.id, today)).order_by(column, Case.id).limit(_few(limit + 1))
    if cursor is not None:
        chosen = chosen.where(tuple_(column, Case.id) > tuple_(*_place(wanted, cursor)))
    # What is told of them is looked up for these few alone, whatever the planner thinks the filters leave.
    page = chosen.subquery()
    statement = _statement().join(page, page.c.id == Case.id).order_by(column, Case.id)
    rows = (await session.execute(statement)).all()
    shown = rows[:limit]
    await record(session, actor, "queue.shown", "case", [row.id for row in shown])
    following = None
    if len(rows) > limit:
        last = shown[-1]
        place = last.due_on if wanted.order is QueueSort.DUE else last.received_at
        following = base64.urlsafe_b64encode(orjson.dumps([wanted.order, place.isoformat(), last.id])).decode()
    return QueuePage(cases=[_queued(vault, row, today) for row in shown], next_cursor=following)


def _queued(vault: Vault, row: Any, today: date) -> QueuedCase:
    values = {**row._mapping}
    started_on, officer = values.pop("started_on"), values.pop("officer")
    del values["id"]
    return QueuedCase(
        **values,
        light=light(started_on, row.due_on, today) if row.due_on is not None and started_on is not None else None,
        officer=vault.open("staff.name", officer) if officer is not None else None,
    )


async def count_queues(session: AsyncSession, staff_id: int | None, today: date) -> QueueCounts:
    """Never more than it says are counted: a desk with a million cases opens as quickly as one with ten."""
    sorts = {
        "mine": Wanted(QueueView.MINE),
        "unassigned": Wanted(QueueView.UNASSIGNED),
        "overdue": Wanted(QueueView.OVERDUE),
        "supervised": Wanted(supervised=True),
    }
    counted = [
        select(func.count())
        .select_from(
            # In the order of its index, so that the planner stops there.
            select(Case.id)
            .where(*_filters(wanted, staff_id, today))
            .order_by(Case.due_on, Case.id)
            .limit(_few(MOST_COUNTED))
            .subquery()
        )
        .scalar_subquery()
        .label(name)
        for name, wanted in sorts.items()
    ]
    row = (await session.execute(select(*counted))).one()
    return QueueCounts.model_validate(row._mapping)


async def count_open(session: AsyncSession) -> int:
    """For the command line, which may wait for it."""
    return await session.scalar(select(func.count()).select_from(Case).where(Case.due_on.is_not(None))) or 0
