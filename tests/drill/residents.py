"""Invented residents who go on conversing whatever happens, and who remember what they were told."""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto

import aiohttp

from tests.flows.files import picture
from tests.people import Person

OUT_OF_REACH = "现在连不上系统"
WENT_WRONG = "我们这边出了点问题"
PATIENCE = 150.0
"""Seconds after which a message that nobody answered is lost."""
TRY_AGAIN_SECONDS = 1.0

UNEXPECTED_SECONDS = 3.0
"""So long what was expected may come behind something else."""

_NUMBER = re.compile(r"\d{4}-\d{6}")

Act = Callable[[], Awaitable[object]]


class Got(Enum):
    """What came of a message."""

    EXPECTED = auto()
    OTHER = auto()
    EXCUSE = auto()
    """The word that it cannot be done now."""
    NOTHING = auto()


@dataclass
class Tally:
    """What one fault did to the conversations. ``told``: they were told that it cannot be done now."""

    asked: int = 0
    answered: int = 0
    told: int = 0
    went_wrong: int = 0
    lost: list[str] = field(default_factory=list)
    longest: float = 0.0
    """Seconds that somebody waited for an answer, or for the word that there is none."""
    over_at: float = float("inf")
    """When the fault ended."""
    first_good: float = float("inf")
    """When somebody who asked after that had an answer."""
    complaints: int = 0
    verified: int = 0


@dataclass
class Receipt:
    """A complaint as the bot confirmed it."""

    number: str
    text: str
    photos: int


@dataclass
class Resident:
    """Somebody with a home, whose relatives come along one by one."""

    person: Person
    agreement: str
    relatives: list[tuple[str, str]]
    """Phone and ID number of each."""
    photo_bytes: int
    receipts: list[Receipt] = field(default_factory=list)
    attempts: set[str] = field(default_factory=set)
    """The texts of all complaints that were begun."""

    async def converse(self, tally: Tally, stop: asyncio.Event, turn: int) -> None:
        """Look-ups, and now and then a complaint, until told to stop; a complaint is brought to its end."""
        while not stop.is_set():
            if turn % 3 == 2:
                await self.complain(tally)
            else:
                await self.look_up(tally)
            turn += 1
            await asyncio.sleep(0.3)

    async def look_up(self, tally: Tally) -> bool:
        """Whether the answer was the one that was asked for."""
        return await ask(self.person, tally, lambda: self.person.send("/home"), self.agreement) is Got.EXPECTED

    async def complain(self, tally: Tally) -> None:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            text = f"漏水 {secrets.token_hex(6)}"
            self.attempts.add(text)
            if await follow(
                self.person,
                tally,
                (
                    Step("/cancel", ("",)),
                    Step("/complain", ("您要反映哪方面的事", "还没写完")),
                    Step("重新写一份", ("您要反映哪方面的事",), taps=True, unless="您要反映哪方面的事"),
                    Step("房屋质量", ("把事情写下来",), taps=True),
                    Step(text, ("内容收到了",)),
                    Step(self._photo, ("已收到",)),
                    # An answer goes out before what it says is saved. Where that failed, the summary shows it.
                    Step("继续", ("1张照片",), taps=True),
                    Step("提交", ("已经提交",), taps=True),
                ),
            ):
                told = next(message.text for message in self.person.answers if _NUMBER.search(message.text))
                self.receipts.append(Receipt(_NUMBER.findall(told)[0], text, photos=int("1张照片" in told)))
                tally.complaints += 1
                return
        tally.lost.append(f"{self.person.name} could not complain:\n{self.person.transcript()[-600:]}")

    async def _photo(self) -> None:
        await self.person.send_photo(picture(secrets.randbelow(256)) + secrets.token_bytes(self.photo_bytes or 16))


async def verify(client: aiohttp.ClientSession, name: str, who: tuple[str, str], tally: Tally) -> None:
    """A relative comes, agrees to the notice, and proves who they are by their phone."""
    phone, id_number = who
    person = await Person.arrive(client, name, phone=phone)
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if await follow(
            person,
            tally,
            (
                Step("/cancel", ("",)),
                Step("/home", ("请先验证一下身份",)),
                Step("验证身份", ("个人信息怎么用", "选一种方式"), taps=True),
                Step("我看过了", ("选一种方式",), taps=True, unless="选一种方式"),
                Step("用手机号", ("关于身份证号", "发送我的手机号"), taps=True),
                Step("同意", ("发送我的手机号",), taps=True, unless="发送我的手机号"),
                Step(person.share_contact, ("后四位",)),
                Step(id_number[-4:], ("找到您的",)),
            ),
        ):
            tally.verified += 1
            return
    tally.lost.append(f"{name} could not prove who they are:\n{person.transcript()[-600:]}")


@dataclass(frozen=True)
class Step:
    """What somebody writes, taps or sends, and what then is to come: one of ``words``. ``unless``: it is left out where
    that has come already."""

    what: str | Act
    words: tuple[str, ...]
    taps: bool = False
    unless: str | None = None


async def follow(person: Person, tally: Tally, steps: tuple[Step, ...]) -> bool:
    """Step by step. Who is told that it cannot be done now tries the same again; False: something else came, and one
    had better begin anew."""
    for step in steps:
        if step.unless is not None and any(step.unless in message.text for message in person.answers):
            continue
        got = Got.EXCUSE
        began = time.monotonic()
        while got is Got.EXCUSE and time.monotonic() - began < PATIENCE:
            act = _act(person, step)
            if act is None:
                return False
            got = await ask(person, tally, act, *step.words)
        if got is not Got.EXPECTED:
            return False
    return True


def _act(person: Person, step: Step) -> Act | None:
    if not isinstance(step.what, str):
        return step.what
    what = step.what
    if not step.taps:
        return lambda: person.send(what)
    for message in sorted(person.messages.values(), key=lambda message: message.event, reverse=True):
        for button in message.inline:
            if what in button["text"]:
                found, data = message.id, str(button["callback_data"])
                return lambda: person.tap_data(found, data)
    return None


async def ask(person: Person, tally: Tally, act: Act, *words: str) -> Got:
    """Do something, and wait for what comes of it: a message with one of the words."""
    tally.asked += 1
    asked_at = time.monotonic()
    await act()
    other_at = None
    while (now := time.monotonic()) - asked_at < PATIENCE:
        said = [message.text for message in person.answers]
        excuse = any(OUT_OF_REACH in text or WENT_WRONG in text for text in said)
        expected = any(word in text for word in words for text in said) and not excuse
        if said and not expected and other_at is None:
            other_at = now
        if expected or excuse or (other_at is not None and now - other_at > UNEXPECTED_SECONDS):
            tally.longest = max(tally.longest, (other_at or now) - asked_at)
            return await _count(tally, asked_at, said, expected=expected, excuse=excuse)
        await person.refresh(wait=0.5)
    tally.lost.append(f"{person.name} got no answer to:\n{person.transcript()[-600:]}")
    return Got.NOTHING


async def _count(tally: Tally, asked_at: float, said: list[str], *, expected: bool, excuse: bool) -> Got:
    if excuse:
        tally.went_wrong += any(WENT_WRONG in text for text in said)
        tally.told += not any(WENT_WRONG in text for text in said)
        await asyncio.sleep(TRY_AGAIN_SECONDS)
        return Got.EXCUSE
    tally.answered += 1
    if not expected:
        return Got.OTHER
    if asked_at > tally.over_at:
        tally.first_good = min(tally.first_good, time.monotonic())
    return Got.EXPECTED
