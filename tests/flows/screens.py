"""What the bot shows, as Telegram is asked to show it, and a family that every screen has something to say about."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from api.agreements.models import Agreement, Party
from api.agreements.schemas import AgreementKind, PartyRole, RegistrationStage
from api.chats.models import Link
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.identity.models import Person as RollPerson
from api.identity.models import PersonPhone
from api.money.schemas import LedgerState
from bot.playground.api import BotApi
from tests.factories import Factory
from tests.people import Person

COMPLAINT = "三楼电梯间一直漏水，从五月开始没人管"
TAP_IN_GROUP = "group-"
ROOMS = ("7701", "7702")


@dataclass(frozen=True)
class Sent:
    """One message, or one new version of it, as Telegram was asked to show it."""

    method: str
    chat_id: int
    text: str
    buttons: str
    protected: bool

    @property
    def whole(self) -> str:
        return f"{self.text}\n{self.buttons}"


@dataclass
class Telegram:
    """Everything that the bot sent, changed or popped up, also what was edited over or deleted later."""

    sent: list[Sent] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)

    def keep(self, method: str, fields: dict[str, Any], result: Any) -> None:
        self.methods.add(method)
        for wire in result if isinstance(result, list) else [result]:
            if not isinstance(wire, dict) or "chat" not in wire:
                wire = {}
            text = wire.get("text") or wire.get("caption") or fields.get("text") or ""
            self.sent.append(
                Sent(
                    method,
                    int(fields.get("chat_id") or 0),
                    str(text) + str(wire.get("document", {}).get("file_name", "")),
                    str(wire.get("reply_markup") or fields.get("reply_markup") or ""),
                    bool(wire.get("has_protected_content")),
                )
            )


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Telegram:
    """Listens at the playground. What goes to a group, which it has none of, is taken as Telegram takes it."""
    telegram = Telegram()
    run = BotApi._run

    async def listening(self: BotApi, name: str, method: Any, form: Any) -> Any:
        chat_id = int(form.fields.get("chat_id") or 0)
        if chat_id < 0:
            result: Any = {"message_id": 1, "date": 1_790_000_000, "chat": {"id": chat_id, "type": "group"}, "text": ""}
        elif str(form.fields.get("callback_query_id", "")).startswith(TAP_IN_GROUP):
            result = True
        else:
            result = await run(self, name, method, form)
        if name.startswith(("send", "edit", "answer")) and name != "sendChatAction":
            telegram.keep(name, form.fields, result)
        return result

    monkeypatch.setattr(BotApi, "_run", listening)
    return telegram


@dataclass
class Family:
    """Holder, co-owner and proxy of two agreements with everything that a screen can show, and neighbours."""

    numbers: list[str]
    telling: list[str]
    """What tells that a message is about this family."""


@pytest.fixture
async def family(factory: Factory) -> Family:
    building = await factory.building()
    people = [await factory.person() for _ in range(3)]
    homes = [await factory.unit(building, room=room) for room in ROOMS]
    first = await factory.agreement(people=people[:2], units=homes[:1])
    await factory.party(first, people[2], PartyRole.PROXY, position=2, valid_until=date(2035, 1, 1))
    second = await factory.agreement(people=people[:1], units=homes[1:], kind=AgreementKind.PURCHASE)
    await factory.agreement(units=[await factory.unit(building)])
    await factory.transition_fee(first)
    for half in range(12):
        start = date(2020 + half // 2, 1 + 6 * (half % 2), 1)
        await factory.ledger_entry(first, f"{8817 + half}.00", period=(start, date(start.year, start.month + 5, 28)))
    await factory.ledger_entry(first, "31415.00", state=LedgerState.DUE, due_on=date(2026, 12, 1))
    await factory.purchase_terms(second, "987654.00")
    await factory.registration(second, stage=RegistrationStage.BLOCKED, blocked_by="资料不全")
    for kind in MilestoneKind:
        await factory.milestone(building, kind, planned_on=date(2026, 5, 1))
    for month in range(3, 9):
        await factory.forecast(
            building,
            date(2027, month, 30),
            basis=ForecastBasis.PROMISED,
            reason="等配套",
            published_on=date(2026, month, 1),
        )
    numbers = [first.number, second.number]
    return Family(numbers, [*numbers, *ROOMS, "8,817", "31,415", "987,654", COMPLAINT[:6]])


async def link_to_both(factory: Factory, person: Person) -> None:
    """As holder of both agreements, where that is not so (any more)."""
    async with factory.database.transaction() as session:
        links = select(Link.agreement_id).where(Link.chat_id == person.id, Link.revoked_at.is_(None))
        seen = set((await session.execute(links)).scalars())
        wanted = (await session.execute(select(Agreement).order_by(Agreement.id).limit(2))).scalars().all()
        parties = await session.execute(select(Party).where(Party.position == 0))
        holders = {party.agreement_id: party.person_id for party in parties.scalars()}
        people = {p.id: p for p in (await session.execute(select(RollPerson))).scalars()}
    for agreement in wanted:
        if agreement.id not in seen:
            await factory.link(person.id, agreement, person=people[holders[agreement.id]])


async def secrets_of_everybody(factory: Factory) -> dict[str, str]:
    """Whatever of anybody in the rolls must not stand in any chat: what it is → whose it is."""
    vault = factory.vault
    async with factory.database.transaction() as session:
        people = (await session.execute(select(RollPerson))).scalars().all()
        phones = (await session.execute(select(PersonPhone))).scalars().all()
    found = {}
    for person in people:
        found[vault.open("person.name", person.name)] = f"name of {person.id}"
        if person.id_number is not None:
            number = vault.open("person.id_number", person.id_number)
            # Four may be shown; the first six are the district's.
            found |= {number[start : start + 6]: f"ID number of {person.id}" for start in range(4, 13)}
    for phone in phones:
        number = vault.open("person.phone", phone.phone)
        found |= dict.fromkeys((number[:8], number[-8:]), f"phone of {phone.person_id}")
    return found


def buttons_of(person: Person) -> Iterator[tuple[int, str]]:
    for shown in list(person.messages.values()):
        for button in shown.inline:
            if "callback_data" in button:
                yield shown.id, str(button["callback_data"])


def plain(text: str) -> str:
    return text.replace(" ", "").replace("-", "")
