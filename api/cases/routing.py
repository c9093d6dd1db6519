"""Where a case belongs: rules as data, tried in one order; and there, whoever has the fewest open cases."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.cases.models import Case, Department, DepartmentMember, RoutingRule
from api.cases.schemas import DepartmentOut, OfficerOut, RouteOut, RuleTried
from api.cases.standing import who_gave_what_is_reviewed
from api.errors import NotFound
from api.estate.models import Project
from api.privacy import Vault
from api.staff.models import StaffAccount
from api.staff.schemas import HANDLES_CASES, StaffRole


@dataclass(frozen=True)
class Officer:
    """An account in force that takes cases for a department."""

    id: int
    name: bytes
    is_supervisor: bool
    open_cases: int
    most_open: int | None
    chat_id: int | None

    @property
    def has_room(self) -> bool:
        return self.most_open is None or self.open_cases < self.most_open


@dataclass(frozen=True)
class Route:
    """Where the rules send a case. Each part is None where no rule fits, or nobody there has room."""

    department: Department | None
    officer: Officer | None
    tried: list[tuple[Any, bool]]
    officers: list[Officer]
    gave: frozenset[int]


async def route(session: AsyncSession, case: Case) -> Route:
    """Of the rules that fit the case, the one with the highest priority counts, then the one that says most, then the
    oldest. Of the department's officers, the one with the fewest other open cases, then the one whose account is older;
    nobody who has no room, or gave what is to be reviewed. The same data give the same answer."""
    subject = (
        await session.execute(
            select(Agreement.project_id, Agreement.kind.label("household")).where(Agreement.id == case.agreement_id)
        )
    ).one()
    rules = await session.execute(
        select(
            RoutingRule.id,
            RoutingRule.category,
            RoutingRule.project_id,
            RoutingRule.household,
            RoutingRule.priority,
            Project.name.label("project"),
            Department,
        )
        .join(Department, Department.id == RoutingRule.department_id)
        .outerjoin(Project, Project.id == RoutingRule.project_id)
        .where(Department.disabled_at.is_(None))
        .order_by(*RoutingRule.in_order())
    )
    tried = [
        (
            rule,
            rule.category in (None, case.category)
            and rule.project_id in (None, subject.project_id)
            and rule.household in (None, subject.household),
        )
        for rule in rules
    ]
    department = next((rule.Department for rule, fits in tried if fits), None)
    officers = [] if department is None else await officers_of(session, department.id, besides=case.id)
    gave = await who_gave_what_is_reviewed(session, case)
    officer = next((officer for officer in officers if officer.has_room and officer.id not in gave), None)
    return Route(department, officer, tried, officers, gave)


async def officers_of(session: AsyncSession, department_id: int, *, besides: int | None = None) -> list[Officer]:
    """Who handles cases there, who has the fewest open cases first.

    Args:
        besides: a case that does not count: it is to be given to somebody.
    """
    load = (
        select(func.count())
        .select_from(Case)
        .where(Case.officer_id == StaffAccount.id, Case.due_on.is_not(None), Case.id.is_distinct_from(besides))
        .correlate(StaffAccount)
        .scalar_subquery()
        .label("open_cases")
    )
    rows = await session.execute(
        select(
            StaffAccount.id,
            StaffAccount.name,
            DepartmentMember.is_supervisor,
            load,
            DepartmentMember.most_open,
            StaffAccount.chat_id,
        )
        .join(DepartmentMember, DepartmentMember.staff_id == StaffAccount.id)
        .where(
            DepartmentMember.department_id == department_id,
            StaffAccount.disabled_at.is_(None),
            StaffAccount.roles.contains([StaffRole.CASE_OFFICER.value]),
        )
        .order_by(load, StaffAccount.id)
    )
    return [Officer(*row) for row in rows]


async def still_handling(session: AsyncSession, staff_id: int | None) -> int | None:
    """The account, where it is in force and handles cases, and does so until the transaction ends; else None. Whoever
    takes it out of force waits, and then finds what it was given."""
    handles = StaffAccount.roles.overlap([role.value for role in HANDLES_CASES])
    in_force = select(StaffAccount.id).where(StaffAccount.id == staff_id, StaffAccount.disabled_at.is_(None), handles)
    return await session.scalar(in_force.with_for_update(read=True))


async def get_department(session: AsyncSession, department_id: int) -> Department:
    """
    Raises:
        NotFound: there is none such, or it takes no cases any more.
    """
    department = await session.get(Department, department_id)
    if department is None or department.disabled_at is not None:
        raise NotFound
    return department


async def list_departments(session: AsyncSession, vault: Vault) -> list[DepartmentOut]:
    """Those that take cases, by name, with their officers."""
    departments = await session.scalars(
        select(Department).where(Department.disabled_at.is_(None)).order_by(Department.name)
    )
    return [
        DepartmentOut(
            id=department.id,
            name=department.name,
            officers=[officer_out(vault, officer) for officer in await officers_of(session, department.id)],
        )
        for department in departments
    ]


def officer_out(vault: Vault, officer: Officer) -> OfficerOut:
    return OfficerOut(
        id=officer.id,
        name=vault.open("staff.name", officer.name),
        supervisor=officer.is_supervisor,
        open_cases=officer.open_cases,
        most_open=officer.most_open,
    )


def route_out(vault: Vault, found: Route) -> RouteOut:
    officer = officer_out(vault, found.officer) if found.officer else None
    return RouteOut(
        department_id=found.department.id if found.department else None,
        department=found.department.name if found.department else None,
        officer_id=officer.id if officer else None,
        officer=officer.name if officer else None,
        rules=[
            RuleTried(
                id=rule.id,
                priority=rule.priority,
                department=rule.Department.name,
                category=rule.category,
                project=rule.project,
                household=rule.household,
                fits=fits,
            )
            for rule, fits in found.tried
        ],
        officers=[officer_out(vault, officer) for officer in found.officers],
        gave=sorted(found.gave),
    )
