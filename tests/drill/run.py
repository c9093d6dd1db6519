"""The drill: several couriers bring a broadcast to everybody while everything around them fails."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any

import asyncpg

from api.broadcasts.schemas import BroadcastState
from bot.playground import new_token
from tests.bench.processes import ROOT, Failed
from tests.bench.system import SECRETS
from tests.drill.families import begin
from tests.drill.telegram import RoughConnection, RoughTelegram


@dataclass(frozen=True)
class Plan:
    """``limit``: messages that Telegram takes in any second. ``kill_every`` messages one courier is killed."""

    recipients: int
    couriers: int = 3
    batch: int = 20
    limit: int = 300
    kill_every: int = 300
    lease: int = 20
    patience: int = 3
    seconds: float = 900
    seed: int = 1
    faults: dict[str, float] = field(
        default_factory=lambda: {
            "pause": 1 / 2500,
            "error": 1 / 200,
            "cut": 1 / 300,
            "hang": 1 / 800,
            "cut_late": 1 / 300,
            "hang_late": 1 / 400,
        }
    )

    @property
    def api_settings(self) -> dict[str, str]:
        # Pace and burst together are the limit less a tenth, for what ways and busy machines make of an even pace: what
        # was granted for one moment arrives up to an eighth of a second later.
        return {
            "SHANGLOU_SEND_RATE": str(self.limit * 0.8),
            "SHANGLOU_SEND_BURST": str(max(1, min(100, self.limit // 10))),
            "SHANGLOU_QUIET_FROM": "0",
            "SHANGLOU_QUIET_UNTIL": "0",
        }


@dataclass(frozen=True)
class Outcome:
    """What happened. ``lost``: nowhere to be found, or told to have arrived though it did not. ``may_repeat``: messages
    in hand at the kills at most, and those that arrived while their answer got lost."""

    recipients: int
    seconds: float
    kills: int
    crashes: int
    injected: Counter[str]
    states: Counter[str]
    lost: int
    never_came: int
    repeated: int
    may_repeat: int
    most_in_a_second: int
    limit: int
    disagreements: list[str]

    @property
    def problems(self) -> list[str]:
        found = [*self.disagreements]
        if self.lost:
            found.append(f"{self.lost} messages were lost")
        if self.repeated > self.may_repeat:
            found.append(f"{self.repeated} messages arrived twice, {self.may_repeat} may")
        if self.most_in_a_second > self.limit:
            found.append(f"{self.most_in_a_second} messages in one second, the limit is {self.limit}")
        if self.crashes == 0 or self.kills == 0:
            found.append("nothing was killed")
        return found

    def table(self) -> str:
        rows: Sequence[tuple[str, Any]] = (
            ("recipients", self.recipients),
            ("seconds", round(self.seconds)),
            ("couriers killed (SIGKILL)", self.kills),
            ("crashes of PostgreSQL", self.crashes),
            *((f"injected: {name.replace('_', ' ')}", count) for name, count in sorted(self.injected.items())),
            *((f"ledger: {state}", count) for state, count in sorted(self.states.items())),
            ("… of the unknown, did not arrive", self.never_came),
            ("lost", self.lost),
            ("arrived twice", self.repeated),
            ("… of which allowed", self.may_repeat),
            ("most in any second", self.most_in_a_second),
            ("… of which allowed", self.limit),
            ("receiver and ledger disagree", len(self.disagreements)),
        )
        return "\n".join(f"{name:<32}{value:>10,}" for name, value in rows)


class Fleet:
    """The couriers. One that was killed is replaced at once."""

    def __init__(self, plan: Plan, environment: dict[str, str]) -> None:
        self._plan = plan
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")},
            **environment,
            "SHANGLOU_COURIER_BATCH": str(plan.batch),
        }
        self._processes: list[asyncio.subprocess.Process] = []
        self._said = TemporaryFile()  # noqa: SIM115 - as long as they live
        self.kills = 0

    async def __aenter__(self) -> "Fleet":
        for _ in range(self._plan.couriers):
            await self._add()
        return self

    async def _add(self) -> None:
        arguments = ("-m", "tests.drill.courier", str(self._plan.lease), str(self._plan.patience))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, env=self._environment, stdout=self._said, stderr=self._said
        )
        self._processes.append(process)

    async def kill_one(self) -> None:
        """The one that has been at it longest."""
        victim = self._processes.pop(0)
        if victim.returncode is not None:
            raise Failed(f"a courier ended by itself ({victim.returncode})\n{self.said()}")
        victim.kill()
        await victim.wait()
        self.kills += 1
        await self._add()

    def said(self) -> str:
        self._said.seek(0)
        return self._said.read()[-3000:].decode(errors="replace")

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
        for process in self._processes:
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._said.close()


async def drill(plan: Plan, database_url: str, api_url: str, say: Callable[[str], None]) -> Outcome:
    """
    Args:
        database_url: of an empty database of a server that may crash.
        api_url: of an API on it, with ``plan.api_settings``.

    Raises:
        Failed: it did not come to an end.
    """
    telegram = RoughTelegram(plan.faults, plan.seed)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(_serving(telegram))
        broadcast_id, _ = await begin(database_url, plan.recipients)
        environment = {
            **SECRETS,
            "SHANGLOU_TELEGRAM_TOKEN": new_token(),
            "SHANGLOU_TELEGRAM_API_URL": url,
            "SHANGLOU_API_URL": api_url,
        }
        fleet = await stack.enter_async_context(Fleet(plan, environment))
        began = time.monotonic()
        crashes = 0
        next_kill, crash_at = plan.kill_every, plan.recipients // 2
        while not await _is_over(database_url, broadcast_id):
            if time.monotonic() - began > plan.seconds:
                raise Failed(f"{telegram.count} arrived within {plan.seconds:.0f} seconds\n{fleet.said()}")
            if telegram.count >= next_kill:
                next_kill += plan.kill_every
                await fleet.kill_one()
                say(f"{telegram.count:,} arrived; a courier killed")
            if not crashes and telegram.count >= crash_at:
                crashes += 1
                await _crash(database_url)
                say(f"{telegram.count:,} arrived; PostgreSQL crashed")
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
    return await _compare(database_url, broadcast_id, plan, telegram, seconds, fleet.kills, crashes)


@contextlib.asynccontextmanager
async def _serving(telegram: RoughTelegram) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: RoughConnection(telegram), "127.0.0.1", 0, backlog=1024)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _ask(database_url: str, question: str, *values: Any) -> list[Any]:
    """Whatever becomes of the server meanwhile."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(database_url, timeout=5)
                try:
                    rows: list[Any] = await connection.fetch(question, *values)
                    return rows
                finally:
                    connection.terminate()
            await asyncio.sleep(0.1)


async def _is_over(database_url: str, broadcast_id: int) -> bool:
    [row] = await _ask(database_url, "SELECT state FROM broadcasts WHERE id = $1", broadcast_id)
    return bool(row["state"] == BroadcastState.SENT)


async def _crash(database_url: str) -> None:
    """One of its processes is killed: PostgreSQL ends all others, recovers, and begins anew."""
    [row] = await _ask(
        database_url,
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1",
    )
    os.kill(row["pid"], signal.SIGKILL)


async def _compare(
    database_url: str,
    broadcast_id: int,
    plan: Plan,
    telegram: RoughTelegram,
    seconds: float,
    kills: int,
    crashes: int,
) -> Outcome:
    ledger = await _ask(
        database_url, "SELECT chat_id, state, message_id FROM deliveries WHERE broadcast_id = $1", broadcast_id
    )
    states = Counter(row["state"] for row in ledger)
    disagreements = []
    lost, never_came = plan.recipients - len(ledger), 0
    for row in ledger:
        chat_id, arrived = row["chat_id"], telegram.arrived.get(row["chat_id"], [])
        if row["state"] == "sent" and row["message_id"] not in arrived:
            lost += 1
        elif row["state"] in ("gone", "failed", "waiting", "cancelled") and arrived:
            disagreements.append(f"{chat_id} is {row['state']}, but {len(arrived)} messages arrived")
        elif row["state"] in ("waiting", "cancelled"):
            lost += 1
        elif row["state"] == "unknown":
            never_came += not arrived
    [counted] = await _ask(database_url, "SELECT counts FROM broadcasts WHERE id = $1", broadcast_id)
    if strangers := set(telegram.arrived) - {row["chat_id"] for row in ledger}:
        disagreements.append(f"{len(strangers)} chats got what was not for them")
    if counted["counts"] is None:
        disagreements.append("nothing was counted at the end")
    return Outcome(
        recipients=plan.recipients,
        seconds=seconds,
        kills=kills,
        crashes=crashes,
        injected=telegram.injected,
        states=states,
        lost=lost,
        never_came=never_came,
        repeated=telegram.count - len(telegram.arrived),
        may_repeat=kills * plan.batch + telegram.injected["cut_late"] + telegram.injected["hang_late"],
        most_in_a_second=telegram.most_in_a_second(),
        limit=plan.limit,
        disagreements=disagreements,
    )
