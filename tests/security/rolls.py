"""A roll as an attacker knows it."""

import random
from datetime import date, timedelta

from api.agreements.models import Agreement, Party
from api.agreements.schemas import AgreementKind, PartyRole
from api.db import Database
from api.identity.documents import id_check_character, normalise_name
from api.identity.models import Person
from api.privacy import Vault
from tests.factories import AS_OF, SOURCE, Factory
from tests.invented import invented
from tests.security.attacker import REGION, Family, likeliest_tails


async def roll(factory: Factory, database: Database, vault: Vault, families: int) -> list[Family]:
    """Families of one man each, born on any day; all that the attacker knows of them."""
    dice = random.Random(7)
    tails = likeliest_tails()
    project = await factory.project()
    known = []
    async with database.transaction() as session:
        for number in range(families):
            born = date(1940, 1, 1) + timedelta(days=dice.randrange(66 * 365))
            first17 = f"{REGION}{born:%Y%m%d}{dice.randrange(1, 1000, 2):03}"
            id_number, name = first17 + id_check_character(first17), invented(number).name
            person = Person(
                name=vault.seal("person.name", name),
                name_index=vault.index("person.name", normalise_name(name)),
                id_number=vault.seal("person.id_number", id_number),
                id_number_index=vault.index("person.id_number", f"{id_number} {number}"),
            )
            agreement = Agreement(
                project_id=project.id,
                kind=AgreementKind.RELOCATION,
                number=f"AZ-{number:04}",
                number_key=f"AZ-{number:04}",
                source=SOURCE,
                as_of=AS_OF,
            )
            session.add_all([person, agreement])
            await session.flush()
            session.add(Party(agreement_id=agreement.id, person_id=person.id, role=PartyRole.HOLDER, position=0))
            known.append(Family(agreement.number, name, tails))
    return known
