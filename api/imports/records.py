"""What rolls say, row by row and merged: typed, checked, not yet compared with what is stored.

``Stated`` holds only the facts that the roll has a column for: what a roll does not mention, it does not deny.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from api.agreements.schemas import AgreementKind, RegistrationKind
from api.estate.schemas import ForecastBasis, MilestoneKind, UnitKind
from api.imports.rows import Row

Stated = dict[str, Any]
"""Column of the table → value, sealed columns in plain text."""


@dataclass(slots=True)
class Owner:
    """``name`` as shown; ``id_number`` and ``phones`` normalised."""

    row: Row
    name: str
    id_number: str | None = None
    phones: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Home:
    """One unit as a row tells it; parcel or phase may be left to be found out."""

    row: Row
    building: str
    entrance: str | None
    room: str
    kind: UnitKind
    parcel: str | None = None
    phase: str | None = None
    layout: str | None = None
    area_m2: Any = None

    @property
    def label(self) -> tuple[Hashable, ...]:
        return self.parcel, self.phase, self.building, self.entrance, self.room


@dataclass(slots=True)
class Expectation:
    """An expected handover. ``published_on`` is none where only the roll's own date tells when it was said."""

    basis: ForecastBasis
    earliest_on: date | None
    latest_on: date | None
    reason: str | None
    published_on: date | None
    next_update_on: date | None
    source: str | None = None


@dataclass(slots=True)
class AgreementRecord:
    """One agreement with everything that its rows say."""

    kind: AgreementKind
    number: str
    number_key: str
    rows: list[Row]
    owners: list[Owner] = field(default_factory=list)
    homes: list[Home] = field(default_factory=list)
    facts: Stated = field(default_factory=dict)
    registrations: dict[RegistrationKind, Stated] = field(default_factory=dict)
    terms: Stated = field(default_factory=dict)
    ledger: dict[str, Stated | None] = field(default_factory=dict)
    """By roll key; none: the roll says that there is no such sum (any more)."""
    transition_fee: Stated = field(default_factory=dict)
    expectation: Expectation | None = None
    states_homes: bool = True
    states_phones: bool = True

    @property
    def row(self) -> Row:
        return self.rows[0]

    @property
    def failed(self) -> bool:
        return any(row.failed for row in self.rows)


@dataclass(slots=True)
class FeeRecord:
    """One period of a transition fee, paid or still unpaid."""

    row: Row
    number: str
    number_key: str
    names: list[str]
    id_numbers: list[str]
    entry: Stated
    next_payment_on: date | None


@dataclass(slots=True)
class ProgressRecord:
    """One row of the progress roll: a milestone, an expected handover, or both."""

    row: Row
    parcel: str | None
    phase: str | None
    building: str
    milestone: MilestoneKind | None
    planned_on: date | None
    achieved_on: date | None
    note: str | None
    source: str | None
    published_on: date | None
    expectation: Expectation | None
