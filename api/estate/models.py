"""Tables of the estate. A building's name is unique only within its phase, a phase's within its parcel."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id, Sourced
from api.estate.schemas import ForecastBasis, MilestoneKind, UnitKind


class Project(Base):
    __tablename__ = "projects"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)


class Parcel(Base):
    __tablename__ = "parcels"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    name: Mapped[str]


class Phase(Base):
    __tablename__ = "phases"
    __table_args__ = (UniqueConstraint("parcel_id", "name"),)

    id: Mapped[Id]
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcels.id"))
    name: Mapped[str]


class Building(Base):
    __tablename__ = "buildings"
    __table_args__ = (UniqueConstraint("phase_id", "name"),)

    id: Mapped[Id]
    phase_id: Mapped[int] = mapped_column(ForeignKey("phases.id"))
    name: Mapped[str]


class Unit(Base):
    __tablename__ = "units"
    __table_args__ = (UniqueConstraint("building_id", "entrance", "room", postgresql_nulls_not_distinct=True),)

    id: Mapped[Id]
    building_id: Mapped[int] = mapped_column(ForeignKey("buildings.id"))
    entrance: Mapped[str | None]
    room: Mapped[str]
    kind: Mapped[UnitKind] = mapped_column(default=UnitKind.FLAT)
    layout: Mapped[str | None]
    area_m2: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))


class Milestone(Sourced, Base):
    __tablename__ = "milestones"
    __table_args__ = (UniqueConstraint("building_id", "kind"),)

    id: Mapped[Id]
    building_id: Mapped[int] = mapped_column(ForeignKey("buildings.id"))
    kind: Mapped[MilestoneKind]
    planned_on: Mapped[date | None]
    achieved_on: Mapped[date | None]
    note: Mapped[str | None]


class Forecast(Base):
    """Append-only, kept so by a trigger: a slipped date stays visible. Only ``confirmed_on`` and ``next_update_on`` may
    move, when a newer roll says the same."""

    __tablename__ = "forecasts"
    __table_args__ = (
        CheckConstraint("num_nonnulls(building_id, agreement_id) = 1", name="one_subject"),
        CheckConstraint("latest_on >= earliest_on", name="window"),
        Index(None, "building_id"),
        Index(None, "agreement_id"),
    )

    id: Mapped[Id]
    building_id: Mapped[int | None] = mapped_column(ForeignKey("buildings.id"))
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreements.id"))
    basis: Mapped[ForecastBasis]
    earliest_on: Mapped[date | None]
    latest_on: Mapped[date | None]
    reason: Mapped[str | None]
    source: Mapped[str]
    published_on: Mapped[date]
    confirmed_on: Mapped[date]
    next_update_on: Mapped[date | None]
    created_at: Mapped[CreatedAt]
