"""What is a family's own leaves the bot protected and masked, and only into the family's own chat."""

from collections import Counter

import pytest
from sqlalchemy import select

from api.agreements.models import Agreement
from api.identity.models import AccessRequest
from api.identity.models import Person as RollPerson
from api.identity.schemas import AccessRequestKind, LinkMethod, LinkRole
from api.staff.schemas import StaffRole
from bot.callbacks import decode, known_callbacks
from handlers.registry import COMMANDS
from tests.api.test_staff import staff
from tests.defences import Figure
from tests.factories import Factory
from tests.flows.conftest import System
from tests.flows.screens import (
    COMPLAINT,
    ROOMS,
    Family,
    Telegram,
    buttons_of,
    family,
    link_to_both,
    plain,
    secrets_of_everybody,
    telegram,
)
from tests.people import Person

__all__ = ["family", "telegram"]

pytestmark = pytest.mark.security("Answers are protected and masked, and never go to a group")

EACH = 6
"""So many buttons of one kind are pressed: more than a family of two agreements has, but for new links without end."""


@pytest.fixture(params=["zh-hans", "en"])
async def resident(
    request: pytest.FixtureRequest, system: System, factory: Factory, family: Family, telegram: Telegram
) -> Person:
    person = await system.person("李四", language=request.param)
    await link_to_both(factory, person)
    return person


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
            await link_to_both(factory, person)
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
        (whose, sent) for sent in telegram.sent for secret, whose in everybody.items() if secret in plain(sent.whole)
    ] == []
    figure(
        f"buttons pressed on every screen ({'zh' if chinese else 'en'})",
        f"{len(pressed)}; {len(telegram.sent)} messages looked at, {len(shown)} about the family, all protected",
    )


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
    assert [sent for sent in telegram.sent if any(secret in plain(sent.whole) for secret in everybody)] == []
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
        (whose, sent) for sent in telegram.sent for secret, whose in everybody.items() if secret in plain(sent.whole)
    ] == []
