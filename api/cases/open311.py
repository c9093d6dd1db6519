"""Complaints as anybody may see them: the read-only half of Open311's GeoReport v2. docs/open311.md tells the same.

What leaves is the category, the state, the department, and the days on which a case came and last moved on. No words,
no files, no coordinates, no home, and a place only where at least five families hide each other in it
(``api.cases.open311_places``). Besides:

- The view shows how things stood at the last midnight of the office. Whoever asks every minute learns no more than who
  asks once a day: neither the hour of anything, nor who was just seen leaving the office.
- Filters look at what is told, never at what is behind it: the hour of receipt cannot be closed in upon.
- A request is called by a sealed form of its row's id. It says nothing without the key: neither the case's number,
  which stands on a family's screen, nor the order in which cases came; within a day they stand in no order of ours.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, Date, cast, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement, AgreementUnit
from api.cases.families import family_of_each, people_of
from api.cases.figures_sql import GIVES
from api.cases.lifecycle import OPEN
from api.cases.models import Case, CaseEvent, Department
from api.cases.office_words import CATEGORIES, STATES
from api.cases.open311_places import Located, tell_places
from api.cases.schemas import CaseCategory
from api.estate.models import Building, Parcel, Phase, Project, Unit
from api.estate.queries import HOMES_FIRST

MAX_REQUESTS = 1000
MAX_DAYS = 90
"""Both are the standard's."""
Request = dict[str, Any]


class RequestIds:
    """What requests are called in public. The same case is always called the same, as long as the index key stays."""

    def __init__(self, index_key: str) -> None:
        key = HKDF(SHA256(), 96, salt=None, info=b"shanglou open311 ids").derive(index_key.encode())
        self._cipher = AESSIV(key[:64])
        self.order_key = key[64:]

    def seal(self, case_id: int) -> str:
        return self._cipher.encrypt(case_id.to_bytes(8), None).hex()

    def open(self, request_id: str) -> int | None:
        """None: no request was ever called so."""
        try:
            return int.from_bytes(self._cipher.decrypt(bytes.fromhex(request_id), None))
        except (InvalidTag, ValueError):
            return None


@dataclass(frozen=True)
class Asked:
    """Which requests. ``ids`` takes the place of everything else."""

    first_day: date
    last_day: date
    categories: Sequence[CaseCategory] | None = None
    is_open: bool | None = None
    ids: Sequence[int] | None = None
    page: int = 1
    page_size: int = MAX_REQUESTS


def services() -> list[dict[str, Any]]:
    """The kinds of complaints. None can be filed here, so none has questions of its own."""
    return [
        {
            "service_code": category.value,
            "service_name": name,
            "description": f"安置和交付中与“{name}”有关的信访件",
            "metadata": False,
            "type": "blackbox",
            "keywords": "",
            "group": "信访件",
        }
        for category, name in CATEGORIES.items()
    ]


async def list_requests(
    session: AsyncSession, ids: RequestIds, asked: Asked, zone: ZoneInfo, today: date
) -> list[Request]:
    """The newest day first; within a day in the order of nothing that anybody could know."""
    midnight = datetime.combine(today, time.min, zone)
    statement = _statement(asked, zone, midnight)
    known = func.sha256(literal(ids.order_key).op("||")(func.int8send(Case.id)))
    page = statement.order_by(statement.selected_columns.day.desc(), known)
    rows = (await session.execute(page.limit(asked.page_size).offset((asked.page - 1) * asked.page_size))).all()
    if not rows:
        return []
    places = await _places(session, zone, [row.day for row in rows])
    return [_request(ids, row, places.get(row.id), zone) for row in rows]


def _day(zone: ZoneInfo, moment: Any) -> ColumnElement[date]:
    return cast(func.timezone(zone.key, moment), Date)


def _statement(asked: Asked, zone: ZoneInfo, midnight: datetime) -> Any:
    before = (CaseEvent.case_id == Case.id, CaseEvent.happened_at < midnight)
    state = (
        select(CaseEvent.to_state)
        .where(*before)
        .order_by(CaseEvent.id.desc())
        .limit(1)
        .correlate(Case)
        .lateral("standing")
    )
    department = (
        select(Department.name)
        .select_from(CaseEvent)
        .outerjoin(Department, Department.id == CaseEvent.department_id)
        .where(*before, CaseEvent.kind.in_(GIVES))
        .order_by(CaseEvent.id.desc())
        .limit(1)
        .correlate(Case)
    )
    moved = or_(CaseEvent.from_state.is_distinct_from(CaseEvent.to_state), CaseEvent.kind.in_(GIVES))
    updated = select(func.max(CaseEvent.happened_at)).where(*before, moved).correlate(Case)
    statement = (
        select(
            Case.id,
            Case.category,
            _day(zone, Case.received_at).label("day"),
            state.c.to_state.label("state"),
            department.scalar_subquery().label("department"),
            updated.scalar_subquery().label("updated_at"),
        )
        .select_from(Case)
        .join(state, literal(True))
        .where(Case.received_at < midnight)
    )
    if asked.ids is not None:
        return statement.where(Case.id.in_(asked.ids))
    first, after = (
        datetime.combine(day, time.min, zone) for day in (asked.first_day, asked.last_day + timedelta(days=1))
    )
    statement = statement.where(Case.received_at >= first, Case.received_at < after)
    if asked.categories is not None:
        statement = statement.where(Case.category.in_(asked.categories))
    if asked.is_open is not None:
        is_open = state.c.to_state.in_(OPEN)
        statement = statement.where(is_open if asked.is_open else ~is_open)
    return statement


async def _places(session: AsyncSession, zone: ZoneInfo, days: Sequence[date]) -> dict[int, str]:
    """What may be told of where the cases of these days are from. All cases of a day count, whichever are asked for."""
    first_home = (
        select(Unit.id)
        .join(AgreementUnit, AgreementUnit.unit_id == Unit.id)
        .where(AgreementUnit.agreement_id == Case.agreement_id)
        .order_by(*HOMES_FIRST)
        .limit(1)
        .correlate(Case)
        .scalar_subquery()
    )
    day = _day(zone, Case.received_at).label("day")
    first, after = (datetime.combine(day, time.min, zone) for day in (min(days), max(days) + timedelta(days=1)))
    found = await session.execute(
        select(
            Case.id,
            Case.agreement_id,
            people_of(Case.agreement_id).label("people"),
            Case.chat_id,
            Case.category,
            day,
            Project.name.label("project"),
            Parcel.name.label("parcel"),
            func.concat_ws("-", Parcel.name, Phase.name, Building.name).label("building"),
        )
        .select_from(Case)
        .join(Agreement, Agreement.id == Case.agreement_id)
        .join(Project, Project.id == Agreement.project_id)
        .outerjoin(Unit, Unit.id == func.coalesce(Case.unit_id, first_home))
        .outerjoin(Building, Building.id == Unit.building_id)
        .outerjoin(Phase, Phase.id == Building.phase_id)
        .outerjoin(Parcel, Parcel.id == Phase.parcel_id)
        .where(Case.received_at >= first, Case.received_at < after)
    )
    rows = found.all()
    return tell_places(
        Located(row.id, family, (row.day, row.category), _from(row.project, row.parcel, row.building))
        for row, family in zip(rows, family_of_each([_ties(row) for row in rows]), strict=True)
    )


def _ties(row: Any) -> list[Hashable]:
    """Of one day only: what else was asked for must not change whom a day's complaints hide."""
    people = (("person", person) for person in row.people)
    return [(row.day, *tie) for tie in (("agreement", row.agreement_id), ("chat", row.chat_id), *people)]


def _from(project: str, parcel: str | None, building: str) -> list[str]:
    finer = [] if parcel is None else [f"{project} {building}", f"{project} {parcel}"]
    return [*finer, project]


def _request(ids: RequestIds, row: Any, place: str | None, zone: ZoneInfo) -> Request:
    """Every field of the standard; what is not told is null."""
    updated = row.updated_at.astimezone(zone).date() if row.updated_at is not None else row.day
    return {
        "service_request_id": ids.seal(row.id),
        "status": "open" if row.state in OPEN else "closed",
        "status_notes": STATES[row.state],
        "service_name": CATEGORIES[row.category],
        "service_code": row.category.value,
        "description": None,
        "agency_responsible": row.department,
        "service_notice": None,
        "requested_datetime": _midnight(row.day, zone),
        "updated_datetime": _midnight(updated, zone),
        "expected_datetime": None,
        "address": place,
        "address_id": None,
        "zipcode": None,
        "lat": None,
        "long": None,
        "media_url": None,
    }


def _midnight(day: date, zone: ZoneInfo) -> str:
    return datetime.combine(day, time.min, zone).isoformat()
