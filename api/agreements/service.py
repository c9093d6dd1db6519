"""Homes and handover of the agreements that a chat may see, oldest agreement on file first."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import BigInteger, any_, bindparam, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.models import Agreement
from api.agreements.queries import HANDOVER, HOMES, agreement_ref, ref_columns, seen_by
from api.agreements.schemas import AgreementKind, AgreementRef
from api.db import Reads
from api.estate.models import Project
from api.identity.documents import mask_agreement_number, normalise_agreement_number
from api.identity.schemas import LinkScope
from api.lookups import ChatLookUp, LookUp, Row, fragment
from api.privacy import Vault

# By id, for who knows that they may be shown: no look-up for a chat.
_REFS = LookUp(
    select(*ref_columns()).where(Agreement.id == any_(bindparam("agreement_ids", None, type_=ARRAY(BigInteger()))))
)


def _homes(vault: Vault, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """``HomeOut`` of each agreement; to who may see the progress alone, without area owed and registrations."""
    return [
        {
            "agreement": seen_by(vault, row),
            "signed_on": row["signed_on"],
            "resettlement_area_m2": None if _progress_only(row) else row["resettlement_area_m2"],
            "units": fragment(row["units"]),
            "buildings": fragment(row["buildings"]),
            "registrations": [] if _progress_only(row) else fragment(row["registrations"]),
            "source": row["source"],
            "as_of": row["as_of"],
        }
        for row in rows
    ]


def _handover(vault: Vault, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """``HandoverOut`` of each building of each agreement. What was published for the building and, before that, for
    the agreement alone is one history; its newest is what is expected now."""
    answer = []
    refs: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row["id"] not in refs:
            refs[row["id"]] = seen_by(vault, row)
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


def _progress_only(row: Row) -> bool:
    return bool(row["scope"] == LinkScope.PROGRESS)


look_up_homes = ChatLookUp(HOMES, _homes)
look_up_handover = ChatLookUp(HANDOVER, _handover)


async def find_refs(
    session: AsyncSession, vault: Vault, agreement_ids: Collection[int], *, progress_only: bool
) -> dict[int, AgreementRef]:
    """Of agreements that the caller knows may be shown; for notices."""
    rows = await _REFS.in_transaction(session, agreement_ids=list(agreement_ids))
    return {
        row["id"]: AgreementRef.model_validate(agreement_ref(vault, row, progress_only=progress_only)) for row in rows
    }


def former_ref(agreement_id: int, number: str, kind: AgreementKind, scope: LinkScope) -> AgreementRef:
    """What names an agreement to who saw it once: neither holder nor home, which may be somebody else's by now."""
    progress_only = scope is LinkScope.PROGRESS
    return AgreementRef(
        id=agreement_id,
        number=mask_agreement_number(number) if progress_only else number,
        kind=kind,
        holder="",
        progress_only=progress_only,
    )


async def former_refs(
    session: AsyncSession, links: Collection[tuple[int, LinkScope]]
) -> dict[tuple[int, LinkScope], AgreementRef]:
    """:func:`former_ref` by agreement and scope."""
    wanted = literal([agreement_id for agreement_id, _ in links], ARRAY(BigInteger))
    found = await session.execute(
        select(Agreement.id, Agreement.number, Agreement.kind).where(Agreement.id == any_(wanted))
    )
    known = {agreement.id: agreement for agreement in found}
    return {
        (agreement_id, scope): former_ref(agreement_id, known[agreement_id].number, known[agreement_id].kind, scope)
        for agreement_id, scope in {*links}
    }


async def find_agreements(reader: Reads, number: str, project: str | None = None) -> list[int]:
    """Ids of the agreements with this number, however it is spelled: one for each project that uses it."""
    found = select(Agreement.id).where(Agreement.number_key == normalise_agreement_number(number))
    if project is not None:
        found = found.join(Project, Project.id == Agreement.project_id).where(Project.name == project)
    return list((await reader.execute(found.order_by(Agreement.id))).scalars())
