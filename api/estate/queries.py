"""Parts of look-ups: places, buildings with their milestones, forecasts."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SQLColumnExpression,
    Text,
    case,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from api.estate.models import Building, Forecast, Milestone, Parcel, Phase, Unit
from api.estate.schemas import ForecastBasis, MilestoneKind, UnitKind
from api.lookups import decimal_text, json_list, json_object

BUILDINGS: FromClause = Building.__table__.join(Phase.__table__, Phase.id == Building.phase_id).join(
    Parcel.__table__, Parcel.id == Phase.parcel_id
)
PLACES: FromClause = BUILDINGS.join(Unit.__table__, Building.id == Unit.building_id)
"""Units with all that their label needs."""

ONE_BUILDING = (Building.id, Phase.id, Parcel.id)

HOMES_FIRST: tuple[SQLColumnExpression[Any], ...] = (Unit.kind != UnitKind.FLAT, Unit.id)
"""Flats before shops and parking, then in the order of the roll."""

HOMES_FIRST_KEY = (cast(Unit.kind != UnitKind.FLAT, Integer), Unit.id)
"""The same as numbers."""


def home_label() -> ColumnElement[str]:
    """A3-一期-2-1-1801."""
    return func.concat_ws("-", Parcel.name, Phase.name, Building.name, Unit.entrance, Unit.room)


def unit_json() -> ColumnElement[Any]:
    """A ``UnitOut`` of :data:`PLACES`."""
    return json_object(
        id=Unit.id,
        building_id=Unit.building_id,
        parcel=Parcel.name,
        phase=Phase.name,
        building=Building.name,
        entrance=Unit.entrance,
        room=Unit.room,
        kind=Unit.kind,
        layout=Unit.layout,
        area_m2=decimal_text(Unit.area_m2),
    )


_BUILDING_REF = {"id": Building.id, "parcel": Parcel.name, "phase": Phase.name, "name": Building.name}


def building_ref_json() -> ColumnElement[Any]:
    """A ``BuildingRef`` of :data:`BUILDINGS`, grouped by :data:`ONE_BUILDING` or not at all."""
    return json_object(**_BUILDING_REF)


def building_json() -> ColumnElement[Any]:
    """A ``BuildingOut``, likewise."""
    reached = case({kind.value: position for position, kind in enumerate(MilestoneKind)}, value=Milestone.kind)
    milestone = json_object(
        kind=Milestone.kind,
        planned_on=Milestone.planned_on,
        achieved_on=Milestone.achieved_on,
        note=Milestone.note,
        source=Milestone.source,
        as_of=Milestone.as_of,
    )
    milestones = select(json_list(milestone, reached)).where(Milestone.building_id == Building.id).correlate(Building)
    return json_object(**_BUILDING_REF, milestones=milestones.scalar_subquery())


def forecast_json(forecast: type[Forecast] = Forecast) -> ColumnElement[Any]:
    """A ``ForecastOut``."""
    return json_object(
        basis=forecast.basis,
        earliest_on=forecast.earliest_on,
        latest_on=forecast.latest_on,
        reason=forecast.reason,
        source=forecast.source,
        published_on=forecast.published_on,
        confirmed_on=forecast.confirmed_on,
        next_update_on=forecast.next_update_on,
    )


def forecasts_of(*subject: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """One row about the forecasts of any of the subjects, each a ``ForecastOut`` as JSON text, newest first:
    ``expected`` (planned or promised) and ``contractual``, both NULL where there are none."""
    forecast = forecast_json()
    of_buildings_first = Forecast.building_id.is_(None)
    newest_first = aggregate_order_by(
        cast(forecast, Text), Forecast.published_on.desc(), of_buildings_first, Forecast.id.desc()
    )
    agreed = Forecast.basis == ForecastBasis.CONTRACTUAL
    return select(
        func.array_agg(newest_first).filter(~agreed).label("expected"),
        func.array_agg(newest_first).filter(agreed).label("contractual"),
    ).where(or_(*subject))
