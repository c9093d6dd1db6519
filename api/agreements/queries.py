"""Look-ups of agreements: homes and handover. Each starts from the chat's live links."""

from typing import Any

from sqlalchemy import FromClause, Select, SQLColumnExpression, and_, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import aliased

from api.agreements.models import Agreement, AgreementUnit, Party, Registration
from api.agreements.schemas import PartyRole, RegistrationKind
from api.chats.access import CHAT_ID, live_links
from api.chats.models import HandoverWatch
from api.estate.models import Building, Forecast, Unit
from api.estate.queries import (
    BUILDINGS,
    HOMES_FIRST,
    HOMES_FIRST_KEY,
    ONE_BUILDING,
    PLACES,
    building_json,
    building_ref_json,
    forecasts_of,
    home_label,
    unit_json,
)
from api.estate.schemas import ForecastBasis
from api.identity.documents import mask_agreement_number, mask_name
from api.identity.models import Person
from api.identity.schemas import LinkScope
from api.lookups import LookUp, Row, decimal_text, first_of, json_list, json_object
from api.privacy import Vault

_PLACES = PLACES.join(AgreementUnit.__table__, AgreementUnit.unit_id == Unit.id)


def ref_columns(home: SQLColumnExpression[Any] | None = None) -> tuple[SQLColumnExpression[Any], ...]:
    """What :func:`agreement_ref` needs, of the ``Agreement`` that the statement selects from.

    Args:
        home: the label of its first home, where the statement looks at the homes anyhow.
    """
    holder = (
        select(Person.name)
        .join(Party, Party.person_id == Person.id)
        .where(Party.agreement_id == Agreement.id)
        .order_by(Party.role != PartyRole.HOLDER, Party.position, Party.id)
        .limit(1)
        .correlate(Agreement)
    )
    if home is None:
        home = (
            select(home_label())
            .select_from(_PLACES)
            .where(AgreementUnit.agreement_id == Agreement.id)
            .order_by(*HOMES_FIRST)
            .limit(1)
            .correlate(Agreement)
            .scalar_subquery()
        )
    return (
        Agreement.id,
        Agreement.number,
        Agreement.kind,
        holder.scalar_subquery().label("holder"),
        home.label("home"),
    )


def agreement_ref(vault: Vault, row: Row, *, progress_only: bool = False) -> dict[str, Any]:
    """An ``AgreementRef`` of a row with :func:`ref_columns`.

    Args:
        progress_only: for a chat whose link shows no more than that.
    """
    sealed = row["holder"]
    return {
        "id": row["id"],
        "number": mask_agreement_number(row["number"]) if progress_only else row["number"],
        "kind": row["kind"],
        "holder": mask_name(vault.open("person.name", sealed)) if sealed is not None else "",
        "home": row["home"],
        "progress_only": progress_only,
    }


def seen_by(vault: Vault, row: Row) -> dict[str, Any]:
    """The same for the chat whose link has the row's ``scope``."""
    return agreement_ref(vault, row, progress_only=row["scope"] == LinkScope.PROGRESS)


def _homes() -> LookUp:
    """A row for each agreement."""
    mine = live_links(LinkScope.PROGRESS)
    units = (
        select(json_list(unit_json(), *HOMES_FIRST).label("units"), first_of(home_label(), *HOMES_FIRST).label("first"))
        .select_from(_PLACES)
        .where(AgreementUnit.agreement_id == Agreement.id)
        .correlate(Agreement)
        .lateral("units")
    )
    its_buildings = (
        select(Unit.building_id)
        .join(AgreementUnit, AgreementUnit.unit_id == Unit.id)
        .where(AgreementUnit.agreement_id == Agreement.id)
        .correlate(Agreement)
    )
    buildings = (
        select(json_list(building_json(), Building.id)).select_from(BUILDINGS).where(Building.id.in_(its_buildings))
    )
    registration = json_object(
        kind=Registration.kind,
        stage=Registration.stage,
        status=Registration.status,
        happened_on=Registration.happened_on,
        filing_number=Registration.filing_number,
        blocked_by=Registration.blocked_by,
        source=Registration.source,
        as_of=Registration.as_of,
    )
    filing_first = Registration.kind != RegistrationKind.CONTRACT_FILING
    registrations = (
        select(json_list(registration, filing_first))
        .where(Registration.agreement_id == Agreement.id)
        .correlate(Agreement)
    )
    return LookUp(
        select(
            *ref_columns(units.c.first),
            mine.c.scope,
            Agreement.signed_on,
            decimal_text(Agreement.resettlement_area_m2).label("resettlement_area_m2"),
            Agreement.source,
            Agreement.as_of,
            units.c.units,
            buildings.scalar_subquery().label("buildings"),
            registrations.scalar_subquery().label("registrations"),
        )
        .select_from(mine.join(Agreement.__table__, Agreement.id == mine.c.agreement_id).join(units, true()))
        .order_by(Agreement.id),
        seen="homes.seen",
    )


def forecasts_of_home(homes: FromClause) -> Select[*tuple[Any, ...]]:
    """:func:`forecasts_of` the building of ``homes`` and of the ``Agreement``, both of the statement around it, as one
    history."""
    newest = aliased(Forecast)
    newest_of_the_building = (
        select(func.max(newest.published_on))
        .where(newest.building_id == homes.c.building_id, newest.basis != ForecastBasis.CONTRACTUAL)
        .correlate(homes)
        .scalar_subquery()
    )
    of_the_agreement = and_(
        Forecast.agreement_id == Agreement.id,
        or_(
            Forecast.basis == ForecastBasis.CONTRACTUAL,
            # The date in a roll of agreements says less than what was published for the building, and the day of that
            # roll is not the day it was published: it never takes the place of the building's, nor stands after it.
            Forecast.published_on <= func.coalesce(newest_of_the_building, Forecast.published_on),
        ),
    )
    return forecasts_of(of_the_agreement, Forecast.building_id == homes.c.building_id).correlate(Agreement, homes)


def _handover() -> LookUp:
    """A row for each building of each agreement; one without a building where no home is assigned yet. The building of
    an agreement's first home comes first: its row has the label."""
    mine = live_links(LinkScope.PROGRESS)
    homes = (
        select(
            Building.id.label("building_id"),
            building_ref_json().label("building"),
            json_list(unit_json(), *HOMES_FIRST).label("units"),
            first_of(home_label(), *HOMES_FIRST).label("first"),
            func.min(array(HOMES_FIRST_KEY)).label("position"),
        )
        .select_from(_PLACES)
        .where(AgreementUnit.agreement_id == Agreement.id)
        .group_by(*ONE_BUILDING)
        .correlate(Agreement)
        .lateral("homes")
    )
    forecasts = forecasts_of_home(homes).lateral("forecasts")
    watching = exists().where(HandoverWatch.chat_id == CHAT_ID, HandoverWatch.agreement_id == Agreement.id)
    return LookUp(
        select(
            *ref_columns(homes.c.first),
            mine.c.scope,
            Agreement.handed_over,
            Agreement.handed_over_on,
            Agreement.handover_status,
            Agreement.source,
            Agreement.as_of,
            homes.c.building,
            homes.c.units,
            forecasts.c.expected,
            forecasts.c.contractual,
            watching.label("watching"),
        )
        .select_from(
            mine.join(Agreement.__table__, Agreement.id == mine.c.agreement_id)
            .outerjoin(homes, true())
            .join(forecasts, true())
        )
        .order_by(Agreement.id, homes.c.position),
        seen="handover.seen",
    )


HOMES = _homes()
HANDOVER = _handover()
