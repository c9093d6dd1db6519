"""The second drill: residents converse with a whole deployment while one part of it after the other fails.

After each fault everybody must have had an answer, or the word that there is none now; what they were told must be true
(a complaint that was confirmed exists once, with its photo; every notice arrived); and all must go on by itself, with
no process started anew but the one that was stopped.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import aiohttp
import asyncpg
from sqlalchemy import select

from api.cases.models import Attachment, Case
from api.db import Database
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState
from api.privacy import Vault
from tests.bench.processes import Failed
from tests.bench.system import SECRETS
from tests.drill.plant import Plant
from tests.drill.residents import Resident, Tally, verify
from tests.factories import Factory
from tests.people import Person

SETTINGS = {"SHANGLOU_QUIET_FROM": "0", "SHANGLOU_QUIET_UNTIL": "0"}
ANSWERING = ("sendMessage", "editMessageText", "answerCallbackQuery")
NEW_LINK = "能看到您家的房子了"
GARBLED = '{"ok": true, "resu'


@dataclass(frozen=True)
class FaultPlan:
    """Seconds that each fault lasts. ``slow``: what a slow API takes for an answer, more than the bot waits."""

    residents: int = 8
    before: float = 3.0
    database: float = 15.0
    api: float = 60.0
    slow_api: float = 45.0
    slow: float = 12.0
    store: float = 20.0
    telegram: float = 30.0
    settle: float = 90.0
    """At most so long until everybody has had an answer again, and every notice has arrived."""
    only: tuple[str, ...] = ()
    """Names of faults; none: all of them."""


@dataclass(frozen=True)
class Row:
    """What became of one fault."""

    name: str
    tally: Tally
    notices: int
    problems: list[str]

    @property
    def recovered(self) -> float:
        return self.tally.first_good - self.tally.over_at


@dataclass(frozen=True)
class FaultOutcome:
    rows: list[Row]
    note: str

    @property
    def problems(self) -> list[str]:
        return [f"{row.name}: {problem}" for row in self.rows for problem in row.problems]

    def table(self) -> str:
        head = ("asked", "answered", "told", "lost", "waited", "filed", "verified", "notices", "recovered")
        lines = [f"{'fault':<46}" + "".join(f"{name:>10}" for name in head)]
        for row in self.rows:
            tally = row.tally
            told = tally.told + tally.went_wrong
            cells = (tally.asked, tally.answered, told, len(tally.lost), f"{tally.longest:.1f} s")
            more = (tally.complaints, tally.verified, row.notices, f"{row.recovered:.1f} s")
            lines.append(f"{row.name:<46}" + "".join(f"{cell:>10}" for cell in cells + more))
        lines += [
            "",
            "told: that it cannot be done now. waited: the longest wait for an answer or that word.",
            "filed, verified: complaints confirmed, relatives linked. notices: all that have arrived so far.",
            "recovered: from the fault's end to the first good answer.",
            self.note,
        ]
        return "\n".join(lines)


class FaultDrill:
    """One fault after the other, on one deployment."""

    def __init__(self, plan: FaultPlan, plant: Plant, client: aiohttp.ClientSession, database: Database) -> None:
        self._plan = plan
        self._plant = plant
        self._client = client
        self._database = database
        self._vault = Vault(SECRETS["SHANGLOU_ENCRYPTION_KEYS"], SECRETS["SHANGLOU_INDEX_KEY"])
        self._factory = Factory(database, self._vault)
        self._residents: list[Resident] = []
        self._places = count(1)

    async def move_in(self, relatives: int) -> None:
        """The residents, linked already, with so many relatives each who will come."""
        for place in range(self._plan.residents):
            family = [self._factory.invented() for _ in range(1 + relatives)]
            people = [await self._factory.person(who) for who in family]
            unit = await self._factory.unit()
            agreement = await self._factory.agreement(people=people, units=[unit])
            person = await Person.arrive(self._client, f"住户{place}", phone=family[0].phone)
            await self._factory.link(person.id, agreement, person=people[0])
            coming = [(who.phone, who.id_number) for who in family[1:]]
            resident = Resident(person, agreement.number, coming, self._plant.store.photo_bytes)
            self._residents.append(resident)

    # Faults: each block is entered when it begins, and left when it is over

    @asynccontextmanager
    async def database_stopped(self) -> AsyncIterator[None]:
        await self._plant.off(self._plant.postgres.stop)
        yield
        await self._plant.off(self._plant.postgres.start)

    @asynccontextmanager
    async def database_killed(self) -> AsyncIterator[None]:
        await self._plant.off(self._plant.postgres.kill)
        yield
        await self._plant.off(self._plant.postgres.start)

    @asynccontextmanager
    async def api_down(self) -> AsyncIterator[None]:
        await self._plant.off(self._plant.api.kill)
        yield
        await self._plant.off(self._plant.api.start)

    @asynccontextmanager
    async def api_slow(self) -> AsyncIterator[None]:
        self._plant.way.delay = self._plan.slow
        yield
        self._plant.way.delay = 0.0

    @asynccontextmanager
    async def store_full(self) -> AsyncIterator[None]:
        pid = self._plant.api.pid
        assert pid is not None
        await self._plant.off(lambda: self._plant.store.fill(pid))
        yield
        await self._plant.off(lambda: self._plant.store.empty(pid))

    def telegram(self, *faults: dict[str, Any]) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
        """Telegram fails like this for everybody."""

        @asynccontextmanager
        async def fault() -> AsyncIterator[None]:
            for one in faults:
                async with self._client.post("/play/faults", json={"count": 1_000_000, **one}) as response:
                    response.raise_for_status()
            yield
            async with self._client.delete("/play/faults") as response:
                response.raise_for_status()

        return fault

    def clock(self, interval: str) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
        """To the rows it is the same whether the database's clock goes on by an hour or they stay behind by one."""

        @asynccontextmanager
        async def fault() -> AsyncIterator[None]:
            by = f"interval '{interval}'"
            connection = await asyncpg.connect(self._plant.postgres.url)
            try:
                for statement in (
                    f"UPDATE send_bucket SET refilled_at = refilled_at - {by}, held_until = held_until - {by}",
                    f"UPDATE deliveries SET lease_until = lease_until - {by} WHERE state = 'waiting'",
                    f"UPDATE jobs SET started_at = started_at - {by}",
                    f"UPDATE pgqueuer.pgqueuer SET heartbeat = heartbeat - {by}, updated = updated - {by}",
                ):
                    await connection.execute(statement)
            finally:
                await connection.close()
            yield

        return fault

    @asynccontextmanager
    async def poisoned(self) -> AsyncIterator[None]:
        """Updates that nobody can read, and a chat whose every update fails, amid those of everybody else."""
        victim = self._residents[0].person.id
        unreadable: list[dict[str, Any]] = [
            {"message_id": 1, "date": "yesterday", "chat": {"id": victim, "type": "private"}},
            {"text": "no chat"},
            {"message_id": 1, "chat": victim, "from": [], "date": 1},
        ]
        for body in unreadable:
            update = {"chat_id": victim, "kind": "message", "body": body}
            async with self._client.post("/play/updates", json=update) as response:
                response.raise_for_status()
        connection = await asyncpg.connect(self._plant.postgres.url)
        try:
            await connection.execute(
                "CREATE FUNCTION drill_poison() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'poisoned'; END $$"
            )
            await connection.execute(
                "CREATE TRIGGER drill_poison BEFORE INSERT OR UPDATE ON chats FOR EACH ROW "
                f"WHEN (NEW.id = {victim}) EXECUTE FUNCTION drill_poison()"
            )
            yield
            await connection.execute("DROP FUNCTION drill_poison CASCADE")
        finally:
            await connection.close()

    # One fault

    async def undergo(
        self, name: str, fault: Callable[[], contextlib.AbstractAsyncContextManager[None]], seconds: float
    ) -> Row:
        """People converse before, during and after it; then what they were told is compared with what there is."""
        tally, stop = Tally(), asyncio.Event()
        before = self._plant.pids()
        talking = [
            asyncio.create_task(resident.converse(tally, stop, place)) for place, resident in enumerate(self._residents)
        ]
        await asyncio.sleep(self._plan.before)
        async with fault():
            coming = [
                asyncio.create_task(verify(self._client, f"家人{next(self._places)}", resident.relatives.pop(0), tally))
                for resident in self._residents
            ]
            await asyncio.sleep(seconds)
        tally.over_at = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.settle):
                while tally.first_good == float("inf"):
                    await asyncio.sleep(0.02)
        await asyncio.gather(*coming)
        stop.set()
        await asyncio.gather(*talking)
        for resident in self._residents:
            if not await resident.look_up(tally):
                tally.lost.append(f"{resident.person.name} is not answered afterwards")
        problems = [f"lost: {words}" for words in tally.lost]
        if tally.first_good == float("inf"):
            problems.append("nobody had an answer any more")
        problems += await self._well_again()
        notices, more = await self._notices()
        problems += more + await self._complaints() + self._processes(name, before)
        return Row(name, tally, notices, problems)

    async def _well_again(self) -> list[str]:
        """Wait until each part says so of itself; which do not. A worker looks for a lost database every two seconds
        only, and residents may be done before."""
        ill = list(self._plant.services)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.settle):
                while ill := [service for service in ill if not await asyncio.to_thread(service.is_well)]:
                    await asyncio.sleep(0.1)
        return [f"{service.name} is not well" for service in ill]

    def _processes(self, name: str, before: dict[str, int | None]) -> list[str]:
        """Only what was stopped may be another process than before."""
        changed = [service for service, pid in self._plant.pids().items() if pid is None or pid != before[service]]
        if name.startswith("API down"):
            changed.remove("API")
        return [f"{service} ended" for service in changed]

    async def _notices(self) -> tuple[int, list[str]]:
        """How many have arrived of all that there ever were, and what is wrong with the others."""
        async with asyncio.timeout(self._plan.settle + 60):
            while True:
                async with self._database.transaction() as session:
                    ledger = (
                        await session.execute(select(Delivery.chat_id, Delivery.state, Delivery.message_id))
                    ).all()
                if all(row.state is not DeliveryState.WAITING for row in ledger):
                    break
                await asyncio.sleep(0.2)
        problems, arrived = [], 0
        chats: dict[int, dict[int, str]] = {}
        for chat_id in {row.chat_id for row in ledger}:
            async with self._client.get(f"/play/users/{chat_id}/messages", params={"limit": "1000"}) as response:
                chats[chat_id] = {wire["message_id"]: wire.get("text", "") for wire in await response.json()}
        for row in ledger:
            if (row.state is DeliveryState.SENT and row.message_id in chats[row.chat_id]) or (
                row.state is DeliveryState.UNKNOWN and any("多了一个" in text for text in chats[row.chat_id].values())
            ):
                arrived += 1
            else:
                problems.append(f"a notice is {row.state.value} and did not arrive")
        return arrived, problems

    async def _complaints(self) -> list[str]:
        """Each that was confirmed is there once, with its photo; none is there twice."""
        async with self._database.transaction() as session:
            cases = (await session.execute(select(Case.id, Case.number, Case.text, Case.chat_id))).all()
            files = list((await session.execute(select(Attachment.case_id))).scalars())
        problems = []
        stored = [(case.number, case.chat_id, self._vault.open("case.text", case.text), case.id) for case in cases]
        for resident in self._residents:
            mine = [case for case in stored if case[1] == resident.person.id]
            for receipt in resident.receipts:
                there = [case for case in mine if case[0] == receipt.number]
                if len(there) != 1 or receipt.text not in there[0][2]:
                    problems.append(f"the complaint {receipt.number} was confirmed, but is not there")
                elif (found := files.count(there[0][3])) != receipt.photos:
                    problems.append(f"the complaint {receipt.number} has {found} photos of {receipt.photos}")
            for text in resident.attempts:
                if (times := sum(text in case[2] for case in mine)) > 1:
                    problems.append(f"a complaint is there {times} times")
        return problems


async def fault_drill(plan: FaultPlan, plant: Plant, say: Callable[[str], None]) -> FaultOutcome:
    """
    Raises:
        Failed: the deployment did not start.
    """
    async with AsyncExitStack() as stack:
        await plant.way.open(plant.way_port)
        stack.push_async_callback(plant.way.close)
        await plant.off(plant.bot.start)
        client = await stack.enter_async_context(aiohttp.ClientSession(plant.telegram_url))
        database = Database(plant.postgres.url, pool_size=1)
        stack.push_async_callback(database.close)
        drill = FaultDrill(plan, plant, client, database)
        all_of_them = _faults(drill, plan, plant)
        chosen = [one for one in all_of_them if not plan.only or any(words in one[0] for words in plan.only)]
        await drill.move_in(len(chosen))
        rows = []
        for name, fault, seconds in chosen:
            say(f"{name} …")
            try:
                row = await drill.undergo(name, fault, seconds)
            except Exception as error:
                said = "\n".join(service.said() for service in plant.services[1:])
                raise Failed(f"{name}: {type(error).__name__} {error}\n{said}") from error
            rows.append(row)
            say(f"    {row.tally.answered} answered, {row.tally.told} told, {len(row.tally.lost)} lost")
        return FaultOutcome(rows, f"The full disk: {plant.store.how}.")


def _faults(
    drill: FaultDrill, plan: FaultPlan, plant: Plant
) -> list[tuple[str, Callable[[], contextlib.AbstractAsyncContextManager[None]], float]]:
    late = {"method": "sendMessage", "delay": 15, "executed": True}
    return [
        (f"PostgreSQL stopped for {plan.database:.0f} s", drill.database_stopped, plan.database),
        (f"PostgreSQL killed, away for {plan.database:.0f} s", drill.database_killed, plan.database),
        (f"API down for {plan.api:.0f} s (SIGKILL)", drill.api_down, plan.api),
        (f"API slow for {plan.slow_api:.0f} s ({plan.slow:.0f} s an answer)", drill.api_slow, plan.slow_api),
        (f"no room for files for {plan.store:.0f} s ({plant.store.how})", drill.store_full, plan.store),
        (
            # Updates still come: what is answered to them is taken by nobody.
            f"Telegram takes no answers (502) for {plan.telegram:.0f} s",
            drill.telegram(*({"method": method, "status": 502} for method in ANSWERING)),
            plan.telegram,
        ),
        (
            f"Telegram answers 429 for {plan.telegram:.0f} s",
            drill.telegram({"method": "sendMessage", "status": 429, "retry_after": 3}),
            plan.telegram,
        ),
        (
            f"Telegram's answers come too late for {plan.telegram:.0f} s",
            drill.telegram({**late, "status": 200}),
            plan.telegram,
        ),
        (
            f"Telegram's answers are no JSON for {plan.telegram:.0f} s",
            drill.telegram({"method": "*", "status": 200, "body": GARBLED}),
            plan.telegram,
        ),
        ("the clock goes back by an hour", drill.clock("-1 hour"), plan.before),
        ("the clock goes on by an hour", drill.clock("1 hour"), plan.before),
        ("poisoned updates", drill.poisoned, 2 * plan.before),
    ]
