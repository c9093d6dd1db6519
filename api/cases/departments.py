"""Departments, who works in them, and the rules by which cases reach them. Set up by the operator; each change is
recorded."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.schemas import AgreementKind
from api.audit.service import Actor, record
from api.cases.models import Department, DepartmentMember, RoutingRule
from api.cases.routing import get_department
from api.cases.schemas import CaseCategory
from api.errors import NotFound
from api.estate.models import Project
from api.staff.models import StaffAccount


async def add_department(session: AsyncSession, actor: Actor, name: str) -> int:
    """Its id; that of the one of this name where there is one, which takes cases again."""
    department_id: int | None = await session.scalar(
        insert(Department)
        .values(name=name)
        .on_conflict_do_update(index_elements=["name"], set_={"disabled_at": None})
        .returning(Department.id)
    )
    if department_id is None:
        raise NotFound
    await record(session, actor, "department.added", "department", [department_id])
    return department_id


async def set_member(
    session: AsyncSession,
    actor: Actor,
    department_id: int,
    staff_id: int,
    *,
    is_supervisor: bool | None = None,
    most_open: int | None = None,
    unlimited: bool = False,
) -> None:
    """Put an account into a department, or change what it is there.

    Args:
        is_supervisor: None: as it was, no supervisor at first.
        most_open: no more open cases are routed to it; None: as it was, without a limit at first.
        unlimited: take the limit away.

    Raises:
        NotFound: there is no such department or account in force.
    """
    await get_department(session, department_id)
    account = await session.get(StaffAccount, staff_id)
    if account is None or account.disabled_at is not None:
        raise NotFound
    member = await session.get(DepartmentMember, (department_id, staff_id), with_for_update=True)
    if member is None:
        member = DepartmentMember(department_id=department_id, staff_id=staff_id, is_supervisor=False)
        session.add(member)
    if is_supervisor is not None:
        member.is_supervisor = is_supervisor
    if most_open is not None or unlimited:
        member.most_open = most_open
    await record(session, actor, "department.member_set", "department", [department_id])


class LastDepartment(Exception):
    """Who is in no department acts as the petitions office itself does, for all of them."""


async def remove_member(
    session: AsyncSession, actor: Actor, department_id: int, staff_id: int, *, for_all: bool = False
) -> None:
    """
    Args:
        for_all: whether it may come to act for all departments, being in none any more.

    Raises:
        NotFound: the account is not in the department.
        LastDepartment: it is in no other, and that was not meant.
    """
    # The account is locked first: of two departments that it leaves at once one is the last.
    await session.get(StaffAccount, staff_id, with_for_update=True)
    member = await session.get(DepartmentMember, (department_id, staff_id))
    if member is None:
        raise NotFound
    others = exists().where(DepartmentMember.staff_id == staff_id, DepartmentMember.department_id != department_id)
    if not for_all and not await session.scalar(select(others)):
        raise LastDepartment
    await session.delete(member)
    await record(session, actor, "department.member_removed", "department", [department_id])


async def add_rule(
    session: AsyncSession,
    actor: Actor,
    department_id: int,
    *,
    category: CaseCategory | None = None,
    project: str | None = None,
    household: AgreementKind | None = None,
    priority: int = 0,
) -> int:
    """Its id. What is not given fits all.

    Args:
        project: its name.

    Raises:
        NotFound: there is no such department or project.
    """
    await get_department(session, department_id)
    project_id = None
    if project is not None:
        project_id = await session.scalar(select(Project.id).where(Project.name == project))
        if project_id is None:
            raise NotFound
    rule = RoutingRule(
        category=category, project_id=project_id, household=household, department_id=department_id, priority=priority
    )
    session.add(rule)
    await session.flush()
    await record(session, actor, "routing_rule.added", "routing_rule", [rule.id])
    return rule.id


async def remove_rule(session: AsyncSession, actor: Actor, rule_id: int) -> None:
    """
    Raises:
        NotFound
    """
    removed = await session.scalar(delete(RoutingRule).where(RoutingRule.id == rule_id).returning(RoutingRule.id))
    if removed is None:
        raise NotFound
    await record(session, actor, "routing_rule.removed", "routing_rule", [rule_id])


async def list_rules(session: AsyncSession) -> Sequence[Any]:
    """In the order in which they are tried."""
    rows = await session.execute(
        select(RoutingRule, Department.name.label("department"), Project.name.label("project"))
        .join(Department, Department.id == RoutingRule.department_id)
        .outerjoin(Project, Project.id == RoutingRule.project_id)
        .order_by(*RoutingRule.in_order())
    )
    return rows.all()
