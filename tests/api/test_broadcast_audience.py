"""Whom a broadcast is for: rules made up at random, against the same said in plain Python."""

import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from api.agreements.models import Agreement
from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.audience import families, make_room, recipients
from api.broadcasts.models import Mute
from api.broadcasts.schemas import (
    AllOf,
    AnyOf,
    AtStage,
    Everybody,
    HandedOver,
    InArrears,
    InBuilding,
    InEntrance,
    InParcel,
    InPhase,
    InProject,
    NewsKind,
    Not,
    Numbered,
    OfKind,
    ReachedBy,
    Rule,
    Speaks,
    Topic,
    TouchedBy,
)
from api.chats.models import Chat
from api.db import Database
from api.identity.schemas import LinkScope, LinkSuspension
from api.money.schemas import LedgerState
from tests.api.newsroom import EVERYBODY, HELLO, Newsroom
from tests.factories import Factory

TODAY = date(2026, 11, 26)
LOCALES = ("zh_CN", "en", "ar", None)


@dataclass
class Fam:
    """What a rule may ask of an agreement."""

    agreement: Agreement
    places: list[tuple[int, int, int, str | None]]  # parcel, phase, building, entrance
    owes: bool = False
    stage: RegistrationStage | None = None
    reached: bool = False
    touched: bool = False


@dataclass
class Reader:
    chat: int
    locale: str | None
    sees: list[Fam] = field(default_factory=list)
    reachable: bool = True
    muted: bool = False


@dataclass
class World:
    families: list[Fam]
    readers: list[Reader]
    places: list[tuple[int, int, int, str | None]]
    project: int
    broadcast: int
    load: int


async def make_world(newsroom: Newsroom, factory: Factory, random: Random) -> World:
    places = []
    units: list[Any] = []
    for parcel in ("A3", "B1"):
        for phase in ("一期", "二期"):
            its_phase = await factory.phase(phase, await factory.parcel(parcel))
            building = await factory.building("2", its_phase)
            for entrance in ("1", "2", None):
                places.append((its_phase.parcel_id, its_phase.id, building.id, entrance))
                units.append((building, entrance))
    broadcast = (await newsroom.draft()).id
    await newsroom.sql(
        "INSERT INTO imports (kind, filename, sha256, source, as_of, counts) "
        "VALUES ('progress', 'x', '', 'x', now(), '{}')"
    )
    world = World([], [], places, (await factory.project()).id, broadcast, 1)
    for number in range(24):
        homes = random.sample(range(len(places)), random.choice((0, 1, 1, 1, 2)))
        agreement = await factory.agreement(
            people=[],
            number=f"测－{number:03d}",
            kind=random.choice(list(AgreementKind)),
            handed_over=random.random() < 0.3,
            units=[await factory.unit(units[home][0], entrance=units[home][1]) for home in homes],
        )
        family = Fam(agreement, [places[home] for home in homes])
        if random.random() < 0.4:
            family.owes = random.random() < 0.6
            await factory.ledger_entry(agreement, state=LedgerState.DUE if family.owes else LedgerState.PAID)
        if random.random() < 0.5:
            family.stage = random.choice(list(RegistrationStage))
            await factory.registration(agreement, stage=family.stage)
        if random.random() < 0.3:
            family.touched = True
            await newsroom.sql(
                "INSERT INTO import_changes (import_id, kind, agreement_id, fact_id) VALUES (1, 'forecast', :id, 1)",
                id=agreement.id,
            )
        world.families.append(family)
    told: dict[int, tuple[list[int], str]] = {}
    for _ in range(30):
        locale = random.choice(LOCALES)
        sees = random.sample(world.families[:20], random.choice((1, 1, 2, 3)))
        chat = await newsroom.chat(*(family.agreement for family in sees), locale=locale)
        reader = Reader(chat, locale, sees)
        if random.random() < 0.15:
            reader.reachable = False
            ended = random.choice(
                (
                    "UPDATE chats SET gone_at = now() WHERE id = :chat",
                    "UPDATE links SET revoked_at = now() WHERE chat_id = :chat",
                    "UPDATE links SET valid_until = '2026-11-25' WHERE chat_id = :chat",
                    "UPDATE links SET expires_on = '2026-11-26' WHERE chat_id = :chat",
                    f"UPDATE links SET suspended_at = now(), suspended_because = '{next(iter(LinkSuspension)).value}' "
                    "WHERE chat_id = :chat",
                )
            )
            await newsroom.sql(ended, chat=chat)
        if random.random() < 0.2:
            reader.muted = True
            await factory.add(Mute(chat_id=chat, topic=Topic.NEWS))
        if random.random() < 0.4:
            outcome = random.choice(("sent", "sent", "failed", "unknown", "gone"))
            told[chat] = ([family.agreement.id for family in sees], outcome)
            if outcome == "sent":
                for family in sees:
                    family.reached = True
        world.readers.append(reader)
    await newsroom.send(broadcast, told)
    return world


def make_rule(random: Random, world: World, depth: int = 3) -> Rule:
    if depth and random.random() < 0.6:
        match random.choice(("all", "any", "not")):
            case "all":
                return AllOf(of=[make_rule(random, world, depth - 1) for _ in range(random.randint(1, 3))])
            case "any":
                return AnyOf(of=[make_rule(random, world, depth - 1) for _ in range(random.randint(1, 3))])
            case _:
                return Not(of=make_rule(random, world, depth - 1))
    parcel, phase, building, entrance = random.choice(world.places)
    value = random.random() < 0.5
    some = random.sample(world.families, 5)
    leaves: list[Rule] = [
        Everybody(),
        InProject(id=world.project + random.choice((0, 1))),
        InParcel(id=parcel),
        InPhase(id=phase),
        InBuilding(id=building),
        InEntrance(building_id=building, entrance=entrance or "1"),
        OfKind(kind=random.choice(list(AgreementKind))),
        HandedOver(value=value),
        InArrears(value=value),
        AtStage(
            kind=RegistrationKind.CONTRACT_FILING,
            stages=random.sample(list(RegistrationStage), random.randint(1, 2)),
        ),
        Speaks(locales=random.sample(["zh_CN", "en", "ar"], random.randint(1, 2))),
        # However it is spelled.
        Numbered(numbers=[family.agreement.number.replace("－", random.choice("-—_")).lower() for family in some]),
        ReachedBy(broadcast_id=world.broadcast, value=value),
        TouchedBy(import_id=world.load, kind=random.choice((NewsKind.FORECAST, NewsKind.PAYMENT))),
    ]
    return random.choice(leaves)


def holds(rule: Rule, family: Fam, locale: str | None, world: World) -> bool:
    match rule:
        case AllOf(of=parts):
            return all(holds(part, family, locale, world) for part in parts)
        case AnyOf(of=parts):
            return any(holds(part, family, locale, world) for part in parts)
        case Not(of=part):
            return not holds(part, family, locale, world)
        case Everybody():
            return True
        case InProject():
            return rule.id == world.project
        case InParcel():
            return any(parcel == rule.id for parcel, *_ in family.places)
        case InPhase():
            return any(phase == rule.id for _, phase, *_ in family.places)
        case InBuilding():
            return any(building == rule.id for *_, building, _ in family.places)
        case InEntrance():
            return any(place[2:] == (rule.building_id, rule.entrance) for place in family.places)
        case OfKind():
            return family.agreement.kind == rule.kind
        case HandedOver():
            return family.agreement.handed_over == rule.value
        case InArrears():
            return family.owes == rule.value
        case AtStage():
            return family.stage in rule.stages
        case Speaks():
            return locale in rule.locales
        case Numbered():
            return family.agreement.number.replace("－", "-") in {
                number.replace("—", "-").replace("_", "-") for number in rule.numbers
            }
        case ReachedBy():
            return family.reached == rule.value
        case TouchedBy():
            return family.touched and rule.kind is NewsKind.FORECAST
    raise AssertionError(rule)


def may_hold(rule: Rule, family: Fam, world: World) -> bool:
    """With every rule about languages met, wherever it stands: of two ways to meet it, either will do."""
    languages = _languages(rule)
    return any(
        holds(_decided(rule, choice, iter(range(languages))), family, None, world) for choice in range(2**languages)
    )


def _languages(rule: Rule) -> int:
    match rule:
        case AllOf(of=parts) | AnyOf(of=parts):
            return sum(_languages(part) for part in parts)
        case Not(of=part):
            return _languages(part)
        case _:
            return isinstance(rule, Speaks)


def _decided(rule: Rule, choice: int, places: Any) -> Rule:
    match rule:
        case AllOf(of=parts):
            return AllOf(of=[_decided(part, choice, places) for part in parts])
        case AnyOf(of=parts):
            return AnyOf(of=[_decided(part, choice, places) for part in parts])
        case Not(of=part):
            return Not(of=_decided(part, choice, places))
        case Speaks():
            return Everybody() if choice >> next(places) & 1 else Not(of=Everybody())
        case _:
            return rule


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_rules_mean_what_they_say(newsroom: Newsroom, factory: Factory, database: Database, seed: int) -> None:
    random = Random(seed)
    world = await make_world(newsroom, factory, random)
    reachable = {id(family) for reader in world.readers if reader.reachable for family in reader.sees}
    told = 0
    for _ in range(120):
        rule = make_rule(random, world)
        topic = random.choice((Topic.NEWS, Topic.LEGAL, Topic.HANDOVER))
        expected = {
            reader.chat: sorted(f.agreement.id for f in reader.sees if holds(rule, f, reader.locale, world))
            for reader in world.readers
            if reader.reachable and not (reader.muted and topic is Topic.NEWS)
        }
        meant = {
            family.agreement.id: id(family) in reachable
            for family in world.families
            if any(
                reader.reachable and family in reader.sees and holds(rule, family, reader.locale, world)
                for reader in world.readers
            )
            or (id(family) not in reachable and may_hold(rule, family, world))
        }
        async with database.transaction() as session:
            await make_room(session)
            rows = (await session.execute(recipients(rule, TODAY, topic))).all()
            found = {row.chat_id: row.agreement_ids for row in rows}
            assert len(found) == len(rows)
            assert found == {chat: ids for chat, ids in expected.items() if ids}, rule
            rows = (await session.execute(families(rule, TODAY))).all()
            assert {row.agreement_id: row.reachable for row in rows} == meant, rule
            assert len(rows) == len(meant)
        told += len(found)
    assert told > 300


async def test_a_chat_that_was_never_saved_and_a_proxy_whose_time_is_over(newsroom: Newsroom, factory: Factory) -> None:
    person = await factory.person()
    agreement = await factory.agreement(units=[await factory.unit()])
    party = await factory.party(agreement, person, valid_until=TODAY - timedelta(days=1000))
    assert party.valid_until is not None
    await factory.link(799000001, agreement)
    await factory.link(799000002, agreement, person=person)
    counted = await newsroom.count()
    assert (counted.chats, counted.agreements, counted.unreachable) == (1, 1, 0)
    assert [(language.locale, language.body) for language in counted.languages] == [(None, "zh_CN")]


async def test_counts(newsroom: Newsroom, factory: Factory) -> None:
    """By language with the body that they get, families without a chat, and who does not want the topic."""
    await newsroom.family()
    await newsroom.family(locale="en")
    await newsroom.family(locale="en_US")
    muted, _ = await newsroom.family(locale="ar")
    gone, _ = await newsroom.family(locale="en")
    alone = await factory.agreement(units=[await factory.unit()])
    await newsroom.sql("UPDATE chats SET gone_at = now() WHERE id = :id", id=gone)
    await factory.add(Mute(chat_id=muted, topic=Topic.NEWS))
    bodies = HELLO | {"en": {"text": "Hello, your home: {home}"}}
    counted = await newsroom.count(bodies=bodies)
    assert (counted.chats, counted.agreements, counted.unreachable, counted.muted) == (3, 6, 2, 1)
    assert {language.locale: language.body for language in counted.languages} == {
        "zh_CN": "zh_CN",
        "en": "en",
        "en_US": "en",
    }
    legal = await newsroom.count(bodies=bodies, topic="legal")
    assert (legal.chats, legal.muted) == (4, 0)
    assert {language.locale: language.body for language in legal.languages}["ar"] == "zh_CN"
    english = await newsroom.count(audience={"op": "language", "locales": ["en"]}, bodies=bodies)
    assert (english.chats, english.agreements, english.unreachable) == (1, 3, 2)
    only = await newsroom.count(audience={"op": "numbers", "numbers": [alone.number.lower()]})
    assert (only.chats, only.agreements, only.unreachable) == (0, 1, 1)
    assert await newsroom.count(audience=None) == counted.model_copy(
        update={"chats": 0, "agreements": 0, "unreachable": 0, "muted": 0, "languages": []}
    )
    ((kind, actor, what, _), *more) = await newsroom.recorded("audience.counted")
    assert (kind, what, len(more)) == ("staff", "broadcast", 4)
    assert actor in newsroom.staff.values()


async def test_values_that_are_not_there(newsroom: Newsroom, factory: Factory) -> None:
    """Of each placeholder how many lack it, with the first agreement numbers; left out where that was chosen."""
    chat, paid = await newsroom.family(number="TEST-A")
    await factory.transition_fee(paid)
    _, nothing = await newsroom.family(number="TEST-B")
    await factory.link(chat, nothing)
    homeless = await factory.agreement(number="TEST-C")
    await newsroom.chat(homeless)
    relative = await newsroom.chat(paid, scope="progress")
    assert relative
    text = "{name} {home} {number} {paid_up_to} {handover}"
    content: dict[str, Any] = {"audience": EVERYBODY, "bodies": {"zh_CN": {"text": text}}}
    counted = await newsroom.count(**content)
    assert counted.chats == 4
    assert {missing.placeholder.value: (missing.chats, missing.agreements) for missing in counted.missing} == {
        "home": (1, ["TEST-C"]),
        "handover": (4, ["TEST-A", "TEST-B", "TEST-C"]),
        # Who sees the progress alone is told no sums.
        "paid_up_to": (4, ["TEST-A", "TEST-B", "TEST-C"]),
    }
    content["bodies"] = {"zh_CN": {"text": "{home} {paid_up_to}"}}
    left = await newsroom.count(**content, missing="leave_out")
    assert left.chats == 1
    assert left.agreements == 3
    building = (await factory.building()).id
    await newsroom.sql(
        "INSERT INTO forecasts (building_id, basis, earliest_on, source, published_on, confirmed_on) "
        "VALUES (:id, 'contractual', now(), 'x', now(), now())",
        id=building,
    )
    content["bodies"] = {"zh_CN": {"text": "{handover}"}}
    # What was agreed once is nothing to be expected now.
    assert (await newsroom.count(**content)).missing[0].chats == 4
    await newsroom.sql("UPDATE agreements SET handed_over = true WHERE number = 'TEST-C'")
    await factory.forecast(await factory.building(), date(2027, 6, 1))
    assert (await newsroom.count(**content)).missing == []


async def test_rules_without_measure(newsroom: Newsroom) -> None:
    deep: dict[str, Any] = EVERYBODY
    for _ in range(8):
        deep = {"op": "not", "of": deep}
    await newsroom.create(audience=deep, status=422)
    await newsroom.create(audience=deep["of"])
    endless = '{"audience": ' + '{"op": "not", "of": ' * 50_000 + "1" + "}" * 50_001
    headers = {"Idempotency-Key": "draft-endless", "Content-Type": "application/json"}
    await newsroom.ask("POST", "", 422, data=io.BytesIO(endless.encode()), headers=headers)
    many = {"op": "any", "of": [EVERYBODY] * 49}
    await newsroom.create(audience=many)
    await newsroom.create(audience={"op": "all", "of": [many, EVERYBODY]}, status=422)
    numbers = {"op": "numbers", "numbers": [str(number) for number in range(12_000)]}
    await newsroom.create(audience={"op": "any", "of": [numbers, numbers]}, status=422)
    await newsroom.create(audience={"op": "nonsense"}, status=422)


async def test_a_chat_is_named_in_no_count(newsroom: Newsroom, factory: Factory) -> None:
    chat, agreement = await newsroom.family()
    told = (await newsroom.count()).model_dump_json()
    assert str(chat) not in told
    assert agreement.number not in told
    async with factory.database.transaction() as session:
        assert await session.get(Chat, chat) is not None


async def test_whom_it_will_reach_is_not_told_twice_however_it_is_said(newsroom: Newsroom) -> None:
    """One has got it, for another it still waits, the third was not to get it."""
    (got, first), (waits, second), (neither, _) = [await newsroom.family() for _ in range(3)]
    of = (await newsroom.draft()).id
    await newsroom.send(of, {got: ([first.id], "sent"), waits: ([second.id], "waiting")}, state="sending")

    async def chosen(rule: Rule) -> set[int]:
        async with newsroom.factory.database.transaction() as session:
            found = await session.execute(recipients(rule, TODAY, Topic.NEWS))
            return {row.chat_id for row in found}

    reached, not_reached = (ReachedBy(broadcast_id=of, value=value) for value in (True, False))
    assert await chosen(reached) == await chosen(Not(of=not_reached)) == {got}
    assert await chosen(not_reached) == await chosen(Not(of=reached)) == {neither}
    assert await chosen(Not(of=Not(of=reached))) == {got}


@pytest.mark.parametrize(
    "rule",
    [
        InArrears(value=True),
        Not(of=InArrears(value=False)),
        AllOf(of=[Everybody(), AtStage(kind=RegistrationKind.CONTRACT_FILING, stages=[RegistrationStage.COMPLETED])]),
    ],
)
async def test_who_sees_the_progress_alone_is_not_written_to_because_of_money(newsroom: Newsroom, rule: Rule) -> None:
    """Being written to tells the rest."""
    agreement = await newsroom.factory.agreement(units=[await newsroom.factory.unit()])
    await newsroom.factory.ledger_entry(agreement, state=LedgerState.DUE)
    await newsroom.factory.registration(agreement, stage=RegistrationStage.COMPLETED)
    sees_all = await newsroom.chat(agreement)
    progress_alone = await newsroom.chat(agreement, scope=LinkScope.PROGRESS)
    async with newsroom.factory.database.transaction() as session:
        told = {row.chat_id for row in await session.execute(recipients(rule, TODAY, Topic.NEWS))}
        everybody = {row.chat_id for row in await session.execute(recipients(Everybody(), TODAY, Topic.NEWS))}
    assert told == {sees_all}
    assert everybody == {sees_all, progress_alone}
    counted = await newsroom.count(audience=rule.model_dump(mode="json"))
    assert (counted.chats, counted.agreements, counted.unreachable) == (1, 1, 0)
    await newsroom.sql("UPDATE links SET revoked_at = now() WHERE chat_id = :chat", chat=sees_all)
    counted = await newsroom.count(audience=rule.model_dump(mode="json"))
    assert (counted.chats, counted.agreements, counted.unreachable) == (0, 1, 1)
