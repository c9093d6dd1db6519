"""Tables of agreements: who holds what, for which units, registered how far."""

from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.agreements.schemas import AgreementKind, PartyRole, RegistrationKind, RegistrationStage
from api.db import Base, Id, Sourced, sealed


class Agreement(Sourced, Base):
    """``number`` is as written in the roll, ``number_key`` as compared (see ``normalise_agreement_number``)."""

    __tablename__ = "agreements"
    __table_args__ = (UniqueConstraint("project_id", "number_key"), Index(None, "number_key"))

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    kind: Mapped[AgreementKind]
    number: Mapped[str]
    number_key: Mapped[str]
    signed_on: Mapped[date | None]
    original_address: Mapped[bytes | None] = sealed("agreement.original_address")
    household_size: Mapped[int | None] = mapped_column(doc="安置人口, persons")
    resettlement_area_m2: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    handed_over: Mapped[bool] = mapped_column(default=False)
    handed_over_on: Mapped[date | None]
    handover_status: Mapped[str | None]
    note: Mapped[bytes | None] = sealed("agreement.note", doc="clerks write names and phones here")


class Party(Base):
    """A person's part in an agreement. ``position`` keeps the roll's order of owners, from 0."""

    __tablename__ = "parties"
    __table_args__ = (UniqueConstraint("agreement_id", "person_id"), Index(None, "person_id"))

    id: Mapped[Id]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    role: Mapped[PartyRole]
    position: Mapped[int] = mapped_column(default=0)
    valid_until: Mapped[date | None] = mapped_column(doc="last day of a proxy's authority")
    phone_indexes: Mapped[bytes] = mapped_column(
        server_default="",
        doc="blind indexes (32 bytes each) of the phones that this agreement's roll gives for the person: a phone that "
        "no agreement's roll gives any more is dropped",
    )


class AgreementUnit(Base):
    __tablename__ = "agreement_units"
    __table_args__ = (Index(None, "unit_id"),)

    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), primary_key=True)


class Registration(Sourced, Base):
    __tablename__ = "registrations"
    __table_args__ = (UniqueConstraint("agreement_id", "kind"),)

    id: Mapped[Id]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    kind: Mapped[RegistrationKind]
    stage: Mapped[RegistrationStage]
    status: Mapped[str | None]
    happened_on: Mapped[date | None]
    filing_number: Mapped[str | None]
    blocked_by: Mapped[str | None]
