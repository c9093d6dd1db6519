"""Where the facts stand that a load of a roll brought, and which of them still hold: what a later load took back, or
said otherwise, is told to nobody (docs/decisions/0010)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, or_, true, tuple_
from sqlalchemy.orm import aliased

from api.agreements.models import Registration
from api.broadcasts.schemas import NewsKind
from api.estate.models import Forecast, Milestone
from api.estate.schemas import ForecastBasis
from api.money.models import LedgerEntry
from api.money.schemas import LedgerState


class Facts(NamedTuple):
    """``holds``: a condition over a row of ``table``."""

    table: Any
    holds: ColumnElement[bool]


def _is_the_newest() -> ColumnElement[bool]:
    """Of a ``Forecast``: nothing was published for its building, or its agreement, since. They are append-only."""
    newer = aliased(Forecast)
    return ~(
        exists()
        .where(
            or_(newer.building_id == Forecast.building_id, newer.agreement_id == Forecast.agreement_id),
            newer.basis != ForecastBasis.CONTRACTUAL,
            tuple_(newer.published_on, newer.id) > tuple_(Forecast.published_on, Forecast.id),
        )
        .correlate(Forecast)
    )


FACTS: Mapping[NewsKind, Facts] = MappingProxyType(
    {
        NewsKind.FORECAST: Facts(Forecast, _is_the_newest()),
        NewsKind.MILESTONE: Facts(Milestone, Milestone.achieved_on.is_not(None)),
        NewsKind.PAYMENT: Facts(LedgerEntry, LedgerEntry.state == LedgerState.PAID),
        NewsKind.REGISTRATION: Facts(Registration, true()),
    }
)
