"""Builds rows for tests, through the models and with the vault, each call in a transaction of its own.

Everything has a default that makes sense by itself: ``await factory.agreement(units=[await factory.unit()])`` is a
family with a home. Returned rows can be read after the call, but are not attached to a session.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from api.agreements.models import Agreement, AgreementUnit, Party, Registration
from api.agreements.schemas import AgreementKind, PartyRole, RegistrationKind, RegistrationStage
from api.chats.models import HandoverWatch, Link
from api.db import Database
from api.estate.models import Building, Forecast, Milestone, Parcel, Phase, Project, Unit
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.identity.documents import (
    normalise_agreement_number,
    normalise_id_number,
    normalise_name,
    normalise_phone,
)
from api.identity.models import Person, PersonPhone
from api.identity.schemas import LinkMethod, LinkRole
from api.money.models import LedgerEntry, PurchaseTerms, TransitionFee
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState
from api.privacy import Vault
from tests.invented import Invented, invented

SOURCE = "Invented roll No. 1"
AS_OF = date(2026, 11, 20)

T = TypeVar("T", bound=DeclarativeBase)


class Factory:
    """Makes rows in one database with one vault."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault
        self._numbers = count(1)

    async def add(self, row: T) -> T:
        """Insert any row as it is."""
        async with self.database.transaction() as session:
            session.add(row)
        return row

    async def _get_or_add(self, model: type[T], **values: Any) -> T:
        async with self.database.transaction() as session:
            row = (await session.execute(select(model).filter_by(**values))).scalar_one_or_none()
            if row is None:
                row = model(**values)
                session.add(row)
        return row

    # --- the estate ---

    async def project(self, name: str = "Invented redevelopment") -> Project:
        """The project of that name, made on first use; so are parcels, phases and buildings."""
        return await self._get_or_add(Project, name=name)

    async def parcel(self, name: str = "A3", project: Project | None = None) -> Parcel:
        project = project or await self.project()
        return await self._get_or_add(Parcel, project_id=project.id, name=name)

    async def phase(self, name: str = "一期", parcel: Parcel | None = None) -> Phase:
        parcel = parcel or await self.parcel()
        return await self._get_or_add(Phase, parcel_id=parcel.id, name=name)

    async def building(self, name: str = "2", phase: Phase | None = None) -> Building:
        phase = phase or await self.phase()
        return await self._get_or_add(Building, phase_id=phase.id, name=name)

    async def unit(
        self,
        building: Building | None = None,
        *,
        entrance: str | None = "1",
        room: str | None = None,
        layout: str | None = "三室两厅一卫",
        area_m2: Decimal | None = Decimal("89.50"),
        **values: Any,
    ) -> Unit:
        """A new unit; rooms count up where none is given."""
        building = building or await self.building()
        room = room or str(100 + next(self._numbers))
        return await self.add(
            Unit(building_id=building.id, entrance=entrance, room=room, layout=layout, area_m2=area_m2, **values)
        )

    async def milestone(
        self,
        building: Building,
        kind: MilestoneKind = MilestoneKind.TOPPED_OUT,
        *,
        planned_on: date | None = None,
        achieved_on: date | None = None,
        note: str | None = None,
        source: str = SOURCE,
        as_of: date = AS_OF,
    ) -> Milestone:
        return await self.add(
            Milestone(
                building_id=building.id,
                kind=kind,
                planned_on=planned_on,
                achieved_on=achieved_on,
                note=note,
                source=source,
                as_of=as_of,
            )
        )

    async def forecast(
        self,
        subject: Building | Agreement,
        earliest_on: date | None = None,
        latest_on: date | None = None,
        *,
        basis: ForecastBasis = ForecastBasis.PLANNED,
        reason: str | None = None,
        source: str = SOURCE,
        published_on: date = AS_OF,
        confirmed_on: date | None = None,
        next_update_on: date | None = None,
    ) -> Forecast:
        """A forecast for a building or for one agreement; a single day where no ``latest_on`` is given."""
        return await self.add(
            Forecast(
                building_id=subject.id if isinstance(subject, Building) else None,
                agreement_id=subject.id if isinstance(subject, Agreement) else None,
                basis=basis,
                earliest_on=earliest_on,
                latest_on=latest_on or earliest_on,
                reason=reason,
                source=source,
                published_on=published_on,
                confirmed_on=confirmed_on or published_on,
                next_update_on=next_update_on,
            )
        )

    # --- people and agreements ---

    def invented(self) -> Invented:
        """The next invented person that this factory has not used."""
        return invented(next(self._numbers))

    async def person(self, who: Invented | None = None, *, has_id_number: bool = True) -> Person:
        """A person with one phone. Who has no ID number in the roll is known by a roll key."""
        who = who or self.invented()
        id_number = normalise_id_number(who.id_number) if has_id_number else None
        async with self.database.transaction() as session:
            person = Person(
                name=self.vault.seal("person.name", who.name),
                name_index=self.vault.index("person.name", normalise_name(who.name)),
                id_number=self.vault.seal("person.id_number", id_number) if id_number else None,
                id_number_index=self.vault.index("person.id_number", id_number) if id_number else None,
                roll_key_index=None if id_number else self.vault.index("person.roll_key", f"{who.phone}{who.name}"),
            )
            session.add(person)
            await session.flush()
            phone = normalise_phone(who.phone)
            session.add(
                PersonPhone(
                    person_id=person.id,
                    phone=self.vault.seal("person.phone", phone),
                    phone_index=self.vault.index("person.phone", phone),
                )
            )
        return person

    async def party(
        self,
        agreement: Agreement,
        person: Person,
        role: PartyRole = PartyRole.HOLDER,
        *,
        position: int = 0,
        valid_until: date | None = None,
    ) -> Party:
        return await self.add(
            Party(agreement_id=agreement.id, person_id=person.id, role=role, position=position, valid_until=valid_until)
        )

    async def agreement(
        self,
        *,
        people: Sequence[Person] | None = None,
        units: Sequence[Unit] = (),
        kind: AgreementKind = AgreementKind.RELOCATION,
        number: str | None = None,
        source: str = SOURCE,
        as_of: date = AS_OF,
        **values: Any,
    ) -> Agreement:
        """An agreement. The first of ``people`` is the holder, the others are co-owners; a new person where none
        are given."""
        project = await self.project()
        people = [await self.person()] if people is None else people
        number = number or f"TEST-{next(self._numbers):05d}"
        agreement = await self.add(
            Agreement(
                project_id=project.id,
                kind=kind,
                number=number,
                number_key=normalise_agreement_number(number),
                source=source,
                as_of=as_of,
                **values,
            )
        )
        for position, person in enumerate(people):
            role = PartyRole.HOLDER if position == 0 else PartyRole.CO_OWNER
            await self.party(agreement, person, role, position=position)
        for unit in units:
            await self.add(AgreementUnit(agreement_id=agreement.id, unit_id=unit.id))
        return agreement

    async def registration(
        self,
        agreement: Agreement,
        kind: RegistrationKind = RegistrationKind.CONTRACT_FILING,
        stage: RegistrationStage = RegistrationStage.IN_PROGRESS,
        **values: Any,
    ) -> Registration:
        values = {"source": SOURCE, "as_of": AS_OF} | values
        return await self.add(Registration(agreement_id=agreement.id, kind=kind, stage=stage, **values))

    # --- money ---

    async def ledger_entry(
        self,
        agreement: Agreement,
        amount: Decimal | str = "1470.00",
        *,
        kind: LedgerKind = LedgerKind.TRANSITION_FEE,
        direction: LedgerDirection = LedgerDirection.TO_HOUSEHOLD,
        state: LedgerState = LedgerState.PAID,
        period: tuple[date, date | None] | None = None,
        due_on: date | None = None,
        paid_on: date | None = None,
        source: str = SOURCE,
        as_of: date = AS_OF,
        **values: Any,
    ) -> LedgerEntry:
        start, end = period or (None, None)
        return await self.add(
            LedgerEntry(
                agreement_id=agreement.id,
                kind=kind,
                direction=direction,
                state=state,
                amount=Decimal(amount),
                period_start=start,
                period_end=end,
                due_on=due_on,
                paid_on=paid_on,
                roll_key=f"test-{next(self._numbers)}",
                sorts_on=paid_on or due_on or end or as_of,
                source=source,
                as_of=as_of,
                **values,
            )
        )

    async def transition_fee(
        self,
        agreement: Agreement,
        monthly_amount: Decimal | str | None = "1470.00",
        *,
        paid_up_to: date | None = date(2026, 6, 30),
        **values: Any,
    ) -> TransitionFee:
        values = {"source": SOURCE, "as_of": AS_OF} | values
        amount = None if monthly_amount is None else Decimal(monthly_amount)
        return await self.add(
            TransitionFee(agreement_id=agreement.id, monthly_amount=amount, paid_up_to=paid_up_to, **values)
        )

    async def purchase_terms(
        self, agreement: Agreement, total_price: Decimal | str | None = "980000.00", **values: Any
    ) -> PurchaseTerms:
        values = {"source": SOURCE, "as_of": AS_OF} | values
        price = None if total_price is None else Decimal(total_price)
        return await self.add(PurchaseTerms(agreement_id=agreement.id, total_price=price, **values))

    # --- chats ---

    async def link(
        self,
        chat_id: int,
        agreement: Agreement,
        *,
        person: Person | None = None,
        role: LinkRole = LinkRole.HOLDER,
        method: LinkMethod = LinkMethod.PHONE,
        revoked: bool = False,
        **values: Any,
    ) -> Link:
        """A live link, or one that was revoked. A proxy's needs ``person``: their party has the last day."""
        return await self.add(
            Link(
                chat_id=chat_id,
                agreement_id=agreement.id,
                person_id=person.id if person else None,
                role=role,
                method=method,
                revoked_at=datetime.now(UTC) if revoked else None,
                **values,
            )
        )

    async def watch(self, chat_id: int, agreement: Agreement) -> HandoverWatch:
        return await self.add(HandoverWatch(chat_id=chat_id, agreement_id=agreement.id))
