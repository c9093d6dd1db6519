"""A hundred residents in the middle of conversations, while the processes that serve them die and come back."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TypeVar

import pytest
from sqlalchemy import func, select

from api.cases.models import Case
from api.cases.sweep import sweep_clocks
from api.jobs import Job, JobState, enqueue
from tests.defences import Figure
from tests.factories import Factory
from tests.flows.conftest import Household
from tests.people import Message, Person
from tests.replicas.deployment import Deployment
from tests.replicas.processes import Process

pytestmark = pytest.mark.long
Found = TypeVar("Found")
RESIDENTS = 100
JOBS = 40
TAP_AGAIN_SECONDS = 8.0
PATIENCE = 120.0
"""Seconds that a resident waits at most. Two cores run a dozen processes, of which some are just starting."""
SORRY = "连不上系统"
LINES = ("厨房漏水", "从三月开始", "楼上也漏")


@dataclass
class Resident:
    """Looks something up, files a complaint in three messages, looks something else up. ``name`` is in the text."""

    person: Person
    household: Household
    tapped_again: int = 0

    @property
    def text(self) -> str:
        return "\n".join(f"{self.person.name}{line}" for line in LINES)

    async def lives(self) -> None:
        person = self.person
        await self._pauses()
        await person.send("/handover")
        await self._is_told("交房")
        await self._pauses()
        await person.send("/complain")
        await self._taps_until("房屋质量", lambda: self._shown("把事情写下来"))
        await self._pauses()
        for line in LINES:
            # One after the other without a pause: the order is the system's to keep.
            await person.send(f"{person.name}{line}")
        await self._until(lambda: self._shown("内容收到了"), None, "the receipt of the text")
        await self._pauses()
        await person.send("/home")
        await self._is_told(self.household.agreement.number)
        await self._taps_until("继续", lambda: self._shown("请核对一下", self.text))
        await self._pauses()
        await self._taps_until("提交", lambda: self._shown("已经提交"))
        await self._pauses()
        await person.send("/cases")
        await self._is_told("1份投诉")

    async def _pauses(self) -> None:
        await asyncio.sleep(random.uniform(0.5, 4))

    def _shown(self, *parts: str) -> Message | None:
        for message in sorted(self.person.messages.values(), key=lambda message: message.event, reverse=True):
            if not message.mine and all(part in message.text for part in parts):
                return message
        return None

    async def _is_told(self, part: str) -> None:
        def answer() -> Message | None:
            return next((answer for answer in self.person.answers if part in answer.text), None)

        await self._until(answer, None, part)

    async def _taps_until(self, button: str, seen: Callable[[], Message | None]) -> None:
        """Taps the newest such button, and once more when nothing happens: an app shows that a tap is not answered."""
        await self._until(lambda: self._button(button), None, button)

        async def tap() -> None:
            # Taken away already, by a bot that died before it sent what comes next: that is brought again.
            if (found := self._button(button)) is not None:
                await self.person.tap_data(found[0].id, found[1])

        await tap()
        await self._until(seen, tap, f"what {button} brings")

    def _button(self, text: str) -> tuple[Message, str] | None:
        for message in sorted(self.person.messages.values(), key=lambda message: message.event, reverse=True):
            for button in message.inline:
                if text in button["text"]:
                    return message, str(button["callback_data"])
        return None

    async def _until(
        self, look: Callable[[], Found | None], again: Callable[[], Awaitable[None]] | None, what: str
    ) -> Found:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while (found := look()) is None:
            assert loop.time() < until, f"{self.person.name} waited in vain for {what}\n{self.person.transcript()}"
            seen = len(self.person.messages)
            await self.person.refresh(wait=TAP_AGAIN_SECONDS)
            if again is not None and look() is None and len(self.person.messages) == seen:
                self.tapped_again += 1
                await again()
        return found


class Havoc:
    """Processes of one kind in turn: one is killed, the next one asked to end; each is started again before the next
    one goes."""

    def __init__(self, kind: str, processes: list[Process], *, times: int) -> None:
        self.kind = kind
        self._times = times
        self.killed = self.ended = 0
        self._processes = processes

    async def go_on(self) -> None:
        for process in islice(cycle(self._processes), self._times):
            await asyncio.sleep(random.uniform(1, 3))
            if self.killed == self.ended:
                await process.kill()
                self.killed += 1
            else:
                await process.end()
                self.ended += 1
            await process.start()

    def __str__(self) -> str:
        return f"{self.kind} {self.killed} and {self.ended}"


async def test_nobody_notices_that_replicas_die_and_come_back(
    system: Deployment, factory: Factory, figure: Figure
) -> None:
    apis, workers = [system.an_api(0), system.an_api(1)], [system.a_worker(0), system.a_worker(1)]
    bots = [system.a_bot(place) for place in range(3)]
    await system.run(*apis, *workers)
    await system.run(*bots)
    residents = [Resident(*await system.resident(f"住户{place}", factory)) for place in range(RESIDENTS)]
    havocs = [Havoc("bots", bots, times=4), Havoc("APIs", apis, times=3), Havoc("workers", workers, times=2)]
    meanwhile = 0

    async def all_live() -> None:
        nonlocal meanwhile
        await asyncio.gather(*(resident.lives() for resident in residents))
        meanwhile = sum(havoc.killed + havoc.ended for havoc in havocs)

    tasks = [asyncio.create_task(task) for task in (all_live(), _work(factory), *(havoc.go_on() for havoc in havocs))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await system.quiet()
    assert meanwhile >= 6, "it came too late"
    log = system.logs()
    await _every_complaint_is_filed_once(factory, residents)
    told_twice = 0
    for resident in residents:
        said = list(resident.person.said())
        assert not [text for text in said if SORRY in text], resident.person.transcript()
        told_twice += sum("请核对一下" in text for text in said) > 1
    assert await _states_of_jobs(factory) == {JobState.DONE: JOBS}
    figure(f"replicas, {RESIDENTS} residents: killed and ended", ", ".join(map(str, havocs)))
    failed, taken_before = log.count("turn_will_be_tried_again"), log.count("update_taken_before")
    cut = sum(proxy.cut for proxy in system.proxies)
    assert cut + failed + taken_before, "the kills met nobody"
    figure("replicas: requests cut off", cut)
    figure("replicas: turns that Telegram had to bring again", failed)
    figure("replicas: updates that came again when they had been taken", taken_before)
    figure("replicas: taps made again", sum(resident.tapped_again for resident in residents))
    figure("replicas: residents who were asked twice to check", told_twice)


async def _every_complaint_is_filed_once(factory: Factory, residents: list[Resident]) -> None:
    async with factory.database.transaction() as session:
        cases = (await session.execute(select(Case))).scalars().all()
    filed = Counter((case.chat_id, factory.vault.open("case.text", case.text)) for case in cases)
    assert filed == {(resident.person.id, resident.text): 1 for resident in residents}
    number = {case.chat_id: case.number for case in cases}
    for resident in residents:
        assert any(number[resident.person.id] in text for text in resident.person.said())


async def _work(factory: Factory) -> None:
    """What the workers have to do meanwhile."""
    for _ in range(JOBS):
        async with factory.database.transaction() as session:
            await enqueue(session, sweep_clocks)
        await asyncio.sleep(0.4)
    async with asyncio.timeout(PATIENCE):
        # Half a minute after a worker was killed, another one does what it had in hand.
        while set(await _states_of_jobs(factory)) != {JobState.DONE}:
            await asyncio.sleep(0.2)


async def _states_of_jobs(factory: Factory) -> dict[str, int]:
    async with factory.database.reading() as reader:
        found = await reader.execute(
            select(Job.state, func.count().label("jobs")).where(Job.dedupe_key.is_(None)).group_by(Job.state)
        )
        return {row.state.value: row.jobs for row in found}
