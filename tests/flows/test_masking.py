"""What is a family's own leaves the bot protected, masked, and only into the family's own chat."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from telegram import Update

from api.agreements.models import Agreement, Party
from api.agreements.schemas import AgreementKind, PartyRole, RegistrationStage
from api.cases.models import Case
from api.chats.models import Link
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.identity.models import AccessRequest, PersonPhone
from api.identity.models import Person as RollPerson
from api.identity.schemas import AccessRequestKind, LinkMethod, LinkRole
from api.money.schemas import LedgerState
from api.staff.schemas import StaffRole
from bot.callbacks import decode, known_callbacks
from bot.playground.api import BotApi
from handlers.registry import COMMANDS
from tests.api.test_staff import staff
from tests.bot.conftest import message
from tests.defences import Figure
from tests.factories import Factory
from tests.flows.conftest import System
from tests.leaks import Heard
from tests.people import Person

pytestmark = pytest.mark.security("Answers are protected and masked, and never go to a group")

COMPLAINT = "三楼电梯间一直漏水，从五月开始没人管"
TAP_IN_GROUP = "group-"
ROOMS = ("7701", "7702")
EACH = 6
"""So many buttons of one kind are pressed: more than a family of two agreements has, but for new links without end."""


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


@pytest.fixture(params=["zh-hans", "en"])
async def resident(
    request: pytest.FixtureRequest, system: System, factory: Factory, family: Family, telegram: Telegram
) -> Person:
    person = await system.person("李四", language=request.param)
    await _link(factory, person)
    return person


async def _link(factory: Factory, person: Person) -> None:
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


async def press_everything(system: System, factory: Factory, person: Person) -> set[str]:
    """Every command, and every button that any screen on the way shows; what was pressed."""
    pressed: set[str] = set()
    kinds: Counter[str] = Counter()

    seen: dict[str, str] = {}
    """Also of screens that have made way for others: a button works by what it carries."""

    def untried() -> str | None:
        for _, data in buttons_of(person):
            seen.setdefault(_kind(data), data)
        return next(
            (data for kind, data in seen.items() if kind not in pressed and kinds[data.partition(":")[0]] < EACH), None
        )

    for command, _ in (("start", ""), *COMMANDS):
        await person.send(f"/{command}")
        await person.expect_any()
        while (data := untried()) is not None:
            pressed.add(_kind(data))
            kinds[data.partition(":")[0]] += 1
            on = next((number for number, shown in buttons_of(person) if shown == data), person.last.id)
            query = await person.tap_data(on, data)
            async with person.client.get(f"/play/users/{person.id}/taps/{query}", params={"wait": "10"}) as response:
                assert (await response.json())["answered"], data
            await system.quiet()
            await person.refresh()
            await _link(factory, person)
    return pressed


def _kind(data: str) -> str:
    """Of a conversation each button once, whichever conversation it was; of others once with each value."""
    prefix, _, rest = data.partition(":")
    return f"{prefix}:{rest.partition(':')[2]}" if hasattr(decode(data), "dialog") else data


async def test_every_screen_is_masked_and_protected(
    system: System, factory: Factory, family: Family, resident: Person, telegram: Telegram, figure: Figure
) -> None:
    chinese = "zh" in (await _language(resident))
    if chinese:
        await resident.send("/complain")
        await resident.tap("房屋质量")
        await resident.tap(ROOMS[0])
        await resident.expect("把事情写下来")
        await resident.send(COMPLAINT)
        await resident.tap("继续")
        await resident.tap("提交")
        await resident.expect("您的投诉已经提交")
    pressed = await press_everything(system, factory, resident)
    everybody = await secrets_of_everybody(factory)
    assert len(everybody) > 20
    shown = [sent for sent in telegram.sent if any(part in sent.whole for part in family.telling)]
    # The walk was no walk around the block: it saw the family's screens, each of both agreements.
    prefixes = {data.partition(":")[0] for data in pressed}
    assert {"home1", "stages", "pay1", "ledger", "hand1", "slips", "watch", "settings", "unlink"} <= prefixes
    assert prefixes <= {kind.prefix for kind in known_callbacks()}
    for part in family.telling:
        if chinese or part != COMPLAINT[:6]:
            assert any(part in sent.whole for sent in shown), part
    assert [sent for sent in shown if not sent.protected] == []
    assert {sent.chat_id for sent in shown} == {resident.id}
    assert [
        (whose, sent) for sent in telegram.sent for secret, whose in everybody.items() if secret in _plain(sent.whole)
    ] == []
    figure(
        f"buttons pressed on every screen ({'zh' if chinese else 'en'})",
        f"{len(pressed)}; {len(telegram.sent)} messages looked at, {len(shown)} about the family, all protected",
    )


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


async def _language(person: Person) -> str:
    async with person.client.get(f"/play/users/{person.id}") as response:
        return str((await response.json())["language_code"])


async def test_proving_who_one_is_shows_nothing_unmasked(
    system: System, factory: Factory, family: Family, telegram: Telegram
) -> None:
    """Right and wrong papers: neither the question nor the answer says more than the person did, and less than that."""
    invented = factory.invented()
    holder = await factory.person(invented)
    agreement = await factory.agreement(people=[holder], units=[await factory.unit()])
    person = await system.person("李四", phone=invented.phone)
    for digits in ("0000", invented.id_number[-4:]):
        await person.send("/home")
        await person.tap("验证身份")
        await person.tap("手机号")
        await person.press("发送我的手机号")
        await person.expect("后四位")
        await person.send(digits)
        await person.expect_any()
        if digits == "0000":
            await person.send("/cancel")
            await person.expect_any()
    await person.expect(agreement.number, f"{invented.name[0]}*")
    everybody = await secrets_of_everybody(factory)
    assert invented.name in everybody
    assert [sent for sent in telegram.sent if any(secret in _plain(sent.whole) for secret in everybody)] == []
    assert [sent for sent in telegram.sent if agreement.number in sent.whole and not sent.protected] == []


NUMBER = ("", "")
STAFF_WALK = (
    ("/staff", "/staff"),
    ("核对证件的请求", "Requests for access"),
    ("1号", "No. 1"),
    ("✅ 同意", "Let them in"),
    NUMBER,
    ("代办人（", "A proxy"),
    ("一个月", "For a month"),
    ("全部", "Everything"),
    ("从头再来", "Begin once more"),
    NUMBER,
    ("权利人本人", "Holder"),
    ("确定同意", "Yes, let them in"),
    ("/staff", "/staff"),
    ("谁能看到", "Who sees an agreement"),
    NUMBER,
    ("2. 不让", "2. Shut"),
    ("确定", "Yes, end it"),
    ("生成邀请码", "Make a new code"),
    ("只看进度", "Only how far"),
)
"""Buttons, commands, and where nothing stands, the agreement's number typed."""


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_the_offices_screens_are_masked_and_protected(
    system: System, factory: Factory, family: Family, telegram: Telegram, language: str
) -> None:
    """Somebody with every role walks through all that they can do for this family."""
    person = await system.person("接访甲", language=language)
    await staff(factory, person.id, *StaffRole)
    async with factory.database.transaction() as session:
        (agreement, _) = (await session.scalars(select(Agreement).order_by(Agreement.id).limit(2))).all()
        (holder, *_) = (await session.scalars(select(RollPerson).order_by(RollPerson.id))).all()
    await factory.link(700_900_001, agreement, person=holder)
    await factory.link(700_900_002, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
    request = AccessRequest(
        chat_id=700_900_003,
        idempotency_key="dialog-0001",
        kind=AccessRequestKind.HOLDER_DIED,
        text=factory.vault.seal("access_request.text", family.numbers[0]),
    )
    await factory.add(request)
    for chinese, english in STAFF_WALK:
        step = chinese if language == "zh-hans" else english
        if step in ("", "/staff"):
            await person.send(step or family.numbers[0])
        else:
            await person.tap(step)
        await person.expect_any()
    await system.quiet()
    everybody = await secrets_of_everybody(factory)
    shown = [sent for sent in telegram.sent if any(part in sent.whole for part in family.telling)]
    assert len(shown) > 10
    assert [sent for sent in shown if not sent.protected] == []
    assert {sent.chat_id for sent in telegram.sent if sent.chat_id} == {person.id}
    assert [
        (whose, sent) for sent in telegram.sent for secret, whose in everybody.items() if secret in _plain(sent.whole)
    ] == []


GROUP = -1_001_234_567
KINDS = ("group", "supergroup", "channel")


def in_group(wire: dict[str, Any], kind: str) -> dict[str, Any]:
    wire["chat"] = {"id": GROUP, "type": kind, "title": "邻居群"}
    return wire


def said_in_group(number: int, who: Person, text: str, kind: str = "supergroup", **more: Any) -> dict[str, Any]:
    update = message(number, who.id, text)
    in_group(update["message"], kind).update(more)
    return update


def tapped_in_group(number: int, who: Person, data: str, bot: dict[str, Any]) -> dict[str, Any]:
    shown = in_group(message(number, who.id, "…")["message"], "supergroup") | {"from": bot}
    asker = message(number, who.id, "…")["message"]["from"]
    return {
        "update_id": number,
        "callback_query": {
            "id": f"{TAP_IN_GROUP}{number}",
            "from": asker,
            "message": shown,
            "chat_instance": "1",
            "data": data,
        },
    }


@pytest.fixture
async def neighbour(system: System, factory: Factory, family: Family, telegram: Telegram) -> Person:
    person = await system.person("李四")
    await _link(factory, person)
    await person.send("/home")
    await person.expect_any()
    await system.quiet()
    telegram.sent.clear()
    return person


async def take(system: System, wire: dict[str, Any]) -> None:
    update = Update.de_json(wire, system.application.bot)
    assert update is not None
    processor = system.application.update_processor
    await processor.process_update(update, system.application.process_update(update))


async def test_a_group_is_offered_the_private_chat_and_nothing_else(
    system: System, factory: Factory, family: Family, neighbour: Person, telegram: Telegram
) -> None:
    """Commands, taps on buttons that got there, replies to the bot, talk, contacts: of somebody linked."""
    user = (await system.application.bot.get_me()).to_dict()
    bot_message = in_group(message(1, neighbour.id, "…")["message"], "supergroup") | {"from": user}
    contact = {"phone_number": neighbour.phone, "first_name": "李四", "user_id": neighbour.id}
    number = 900_000
    answered: list[dict[str, Any]] = []
    silent: list[dict[str, Any]] = []
    for name, _ in (("start", ""), *COMMANDS):
        for text in (f"/{name}", f"/{name}@{user['username']}", f"/{name} {family.numbers[0]}"):
            answered.append(said_in_group(number := number + 1, neighbour, text))
    answered.append(said_in_group(number := number + 1, neighbour, "什么时候交房？", reply_to_message=bot_message))
    for text in ("交房", family.numbers[0], "🏠 我的房子", "1234"):
        silent.append(said_in_group(number := number + 1, neighbour, text))
    silent.append(said_in_group(number := number + 1, neighbour, "", contact=contact))
    popped = [
        tapped_in_group(number := number + 1, neighbour, data, user)
        for data in sorted(
            {data for _, data in buttons_of(neighbour)} | {f"home1:{n}:0" for n in (1, 2)} | {"settings"}
        )
    ]
    for wire in (*answered, *silent, *popped):
        await take(system, wire)
    await system.quiet()
    to_group = [sent for sent in telegram.sent if sent.method != "answerCallbackQuery"]
    assert {sent.chat_id for sent in to_group} == {GROUP}
    assert len(to_group) == len(answered)
    (sentence,) = {sent.text for sent in to_group}
    assert "不适合在群里说" in sentence
    assert all(f"https://t.me/{user['username']}" in sent.buttons for sent in to_group)
    alerts = [sent for sent in telegram.sent if sent.method == "answerCallbackQuery"]
    assert {sent.text for sent in alerts} == {sentence}
    assert len(alerts) == len(popped)
    everybody = await secrets_of_everybody(factory)
    for sent in telegram.sent:
        assert not any(part in sent.whole for part in (*family.telling, *everybody))


@pytest.mark.parametrize("kind", ["inline_query", "chosen_inline_result", "channel_post", "edited_message", "business"])
async def test_what_the_bot_did_not_ask_for_is_answered_with_nothing(
    system: System, family: Family, neighbour: Person, telegram: Telegram, kind: str
) -> None:
    """Inline queries can be made in any chat: their answers would be seen there."""
    asker = message(1, neighbour.id, "…")["message"]["from"]
    post = in_group(message(1, neighbour.id, "/home")["message"], "channel")
    wires: dict[str, dict[str, Any]] = {
        "inline_query": {"inline_query": {"id": "1", "from": asker, "query": family.numbers[0], "offset": ""}},
        "chosen_inline_result": {
            "chosen_inline_result": {"result_id": "1", "from": asker, "query": family.numbers[0]},
        },
        "channel_post": {"channel_post": post},
        "edited_message": {
            "edited_message": said_in_group(1, neighbour, "/home")["message"] | {"edit_date": 1_790_000_001}
        },
        "business": {
            "business_message": message(1, neighbour.id, "/home")["message"] | {"business_connection_id": "b"}
        },
    }
    await take(system, {"update_id": 910_000, **wires[kind]})
    await system.quiet()
    assert [sent for sent in telegram.sent if any(part in sent.whole for part in family.telling)] == []
    assert {sent.chat_id for sent in telegram.sent} <= {GROUP}
    assert "answerInlineQuery" not in telegram.methods


async def test_a_group_leaves_no_trace(system: System, factory: Factory, neighbour: Person, heard: Heard) -> None:
    """A group is no chat that the API knows: nothing is stored for it, no link can be made in it."""
    await take(system, said_in_group(920_000, neighbour, "/start"))
    await system.quiet()
    async with factory.database.transaction() as session:
        stored = (
            await session.execute(select(func.count()).select_from(Link).where(Link.chat_id == GROUP))
        ).scalar_one()
        cases = (await session.execute(select(func.count()).select_from(Case))).scalar_one()
    assert (stored, cases) == (0, 0)
    assert str(GROUP) not in heard.written
