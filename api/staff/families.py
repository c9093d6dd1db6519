"""What staff do about a family's links: find its agreement, see who is linked to it, shut somebody out, make a code for
somebody who stands before them. Names are masked: whoever needs them whole has the roll."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.agreements.queries import agreement_ref
from api.errors import InvalidInput, NotFound
from api.identity.codes import Invitation, issue_code
from api.identity.documents import mask_name, normalise_agreement_number
from api.identity.schemas import LinkRole
from api.lookups import Reading
from api.privacy import Vault
from api.staff.access import Acting
from api.staff.queries import BY_ID, BY_NUMBER, LINKS, PARTIES
from api.staff.schemas import StaffLinkCodeIn, StaffLinkCodeOut


async def find_agreements(reading: Reading, officer: Acting, number: str) -> list[dict[str, Any]]:
    """``StaffAgreementFound`` of each agreement with this number, however it is spelled."""
    rows = await reading.rows(BY_NUMBER, number_key=normalise_agreement_number(number.replace("\0", "")))
    await reading.seen(officer.actor, "agreement.found", [row["id"] for row in rows])
    return [{"agreement": agreement_ref(reading.vault, row), "project": row["project"]} for row in rows]


async def look_up_agreement(reading: Reading, officer: Acting, agreement_id: int) -> dict[str, Any]:
    """``StaffAgreementOut``.

    Raises:
        NotFound: there is no such agreement.
    """
    rows = await reading.rows(BY_ID, agreement_id=agreement_id)
    if not rows:
        raise NotFound
    parties = await reading.rows(PARTIES, agreement_id=agreement_id)
    links = await reading.rows(LINKS, agreement_id=agreement_id)
    await reading.seen(officer.actor, "links.seen", [agreement_id])
    vault = reading.vault
    return {
        "agreement": agreement_ref(vault, rows[0]),
        "project": rows[0]["project"],
        "parties": [
            {
                "id": row["id"],
                "role": row["role"],
                "name": mask_name(vault.open("person.name", row["name"])),
                "valid_until": row["valid_until"],
            }
            for row in parties
        ],
        "links": [
            {
                "id": row["id"],
                "role": row["role"],
                "method": row["method"],
                "scope": row["scope"],
                "person": None if row["name"] is None else mask_name(vault.open("person.name", row["name"])),
                "linked_at": row["linked_at"],
                "used_on": row["used_on"],
                "valid_until": row["valid_until"],
                "live": row["live"],
                "suspended_because": row["suspended_because"],
            }
            for row in links
        ],
    }


def check_last_day(role: LinkRole, valid_until: date | None, today: date) -> None:
    """
    Raises:
        InvalidInput: a proxy has no last day, or the day is past.
    """
    if (role is LinkRole.PROXY and valid_until is None) or (valid_until is not None and valid_until < today):
        expected = "A day that is not past; a proxy must have one"
        raise InvalidInput(fields=[{"at": ["body", "valid_until"], "expected": expected}])


async def issue_link_code(
    session: AsyncSession, vault: Vault, officer: Acting, agreement_id: int, wanted: StaffLinkCodeIn, today: date
) -> StaffLinkCodeOut:
    """A one-time code for somebody who stands before the officer.

    Raises:
        NotFound: there is no such agreement.
        InvalidInput: see :func:`check_last_day`.
    """
    check_last_day(LinkRole(wanted.role), wanted.valid_until, today)
    if await session.scalar(select(Agreement.id).where(Agreement.id == agreement_id)) is None:
        raise NotFound
    code, expires_at = await issue_code(
        session,
        vault,
        agreement_id,
        issued_by=f"staff {officer.id}",
        valid_for=timedelta(days=wanted.days),
        gives=Invitation(LinkRole(wanted.role), wanted.scope, wanted.valid_until),
        staff_id=officer.id,
        actor=officer.actor,
    )
    return StaffLinkCodeOut(
        code=code, expires_at=expires_at, role=wanted.role, scope=wanted.scope, valid_until=wanted.valid_until
    )
