"""Homes and handover of the agreements that a chat may see, oldest agreement on file first."""

from typing import Any

from sqlalchemy import select

from api.agreements.models import Agreement
from api.agreements.queries import HANDOVER, HOMES, agreement_ref
from api.db import Reads
from api.estate.models import Project
from api.identity.documents import normalise_agreement_number
from api.lookups import Reading, fragment


async def look_up_homes(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``HomeOut`` of each agreement."""
    return [
        {
            "agreement": agreement_ref(reading.vault, row),
            "signed_on": row["signed_on"],
            "resettlement_area_m2": row["resettlement_area_m2"],
            "units": fragment(row["units"]),
            "buildings": fragment(row["buildings"]),
            "registrations": fragment(row["registrations"]),
            "source": row["source"],
            "as_of": row["as_of"],
        }
        for row in await reading.rows(HOMES, chat_id=chat_id)
    ]


async def look_up_handover(reading: Reading, chat_id: int) -> list[dict[str, Any]]:
    """``HandoverOut`` of each building of each agreement. What was published for the building and, before that, for
    the agreement alone is one history; its newest is what is expected now."""
    answer = []
    refs: dict[int, dict[str, Any]] = {}
    for row in await reading.rows(HANDOVER, chat_id=chat_id):
        if row["id"] not in refs:
            refs[row["id"]] = agreement_ref(reading.vault, row)
        expected = [fragment(forecast) for forecast in row["expected"] or ()]
        contractual = row["contractual"]
        answer.append(
            {
                "agreement": refs[row["id"]],
                "building": fragment(row["building"]),
                "units": fragment(row["units"]) or [],
                "handed_over_on": row["handed_over_on"],
                "handover_status": row["handover_status"],
                "handed_over": row["handed_over"],
                "contractual": fragment(contractual[0]) if contractual else None,
                "current": expected[0] if expected else None,
                "history": expected[1:],
                "watching": row["watching"],
                "source": row["source"],
                "as_of": row["as_of"],
            }
        )
    return answer


async def find_agreements(reader: Reads, number: str, project: str | None = None) -> list[int]:
    """Ids of the agreements with this number, however it is spelled: one for each project that uses it."""
    found = select(Agreement.id).where(Agreement.number_key == normalise_agreement_number(number))
    if project is not None:
        found = found.join(Project, Project.id == Agreement.project_id).where(Project.name == project)
    return list((await reader.execute(found.order_by(Agreement.id))).scalars())
