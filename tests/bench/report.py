"""The results in words and tables, for the terminal and for docs/bench.md alike."""

import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

from tests.bench.broadcast import BroadcastResults, broadcast_lines
from tests.bench.estate import Loaded
from tests.bench.lookups import AT_ONCE, LookUpResult
from tests.bench.lookups import GOAL as LOOK_UP_GOAL
from tests.bench.measure import Load, Measured
from tests.bench.pages import GOAL, Compared

MEMORY_GOAL_MB = 150


@dataclass(frozen=True)
class Turns:
    """All rounds of every subject, by name. The first subject is the measure of the others."""

    households: int
    load: Load
    loaded: Loaded
    measured: Mapping[str, Sequence[Measured]]
    system: str
    postgres: str
    bot_mb: float
    api_mb: float

    def middle(self, name: str, value: Callable[[Measured], float]) -> float:
        return median(value(measured) for measured in self.measured[name])

    def ratio(self, name: str, other: str) -> float:
        """CPU an update, set against another subject's in the same round; the middle of the rounds."""
        pairs = zip(self.measured[name], self.measured[other], strict=True)
        return median(mine.total_cpu_ms / theirs.total_cpu_ms for mine, theirs in pairs)


@dataclass(frozen=True)
class Results:
    turns: Turns
    look_ups: Sequence[LookUpResult]
    desk: Compared
    growth: Compared
    broadcasts: BroadcastResults


def markdown(results: Results) -> str:
    return "\n\n".join(
        [
            turns_section(results.turns),
            look_up_section(results.look_ups),
            growth_section(results.growth),
            desk_section(results.desk),
            broadcast_section(results.broadcasts),
        ]
    )


def turns_section(turns: Turns) -> str:
    return "\n\n".join([_introduction(turns), _costs(turns), _parts(turns), _import(turns), _memory(turns)])


def _introduction(turns: Turns) -> str:
    load, rounds = turns.load, len(turns.measured[turns.system])
    libraries = ", ".join(f"{name} {version(name)}" for name in ("python-telegram-bot", "aiogram", "uvloop", "asyncpg"))
    return f"""\
# What it costs

`make bench`, {datetime.now(UTC):%Y-%m-%d}, on {_cpu_model()} with {psutil.cpu_count()} cores, {platform.system()}, \
Python {platform.python_version()}, PostgreSQL {turns.postgres}; {libraries}.

Every subject answers the same {load.updates:,} messages `/handover` of {load.residents:,} people, after \
{load.warm_up:,} that are not counted, from the same fake Bot API on the same machine, {rounds} times in turn (the \
middle of the rounds is shown; a ratio is taken within a round, and the middle of those is shown). The echo bots \
answer with the text they got; the system looks up the family's home, \
its building and every date stated for it among {turns.households:,} households, and writes the answer in the \
person's language. CPU time is user and system time of all processes of a subject, PostgreSQL's included, the fake Bot \
API's not."""


def _costs(turns: Turns) -> str:
    first = next(iter(turns.measured))
    rows = [
        [
            name,
            f"{turns.middle(name, lambda m: m.updates_per_second):,.0f}",
            f"{turns.middle(name, lambda m: m.total_cpu_ms):.2f}",
            f"{turns.ratio(name, first):.2f}",
            f"{turns.middle(name, lambda m: m.moderate_cpu_ms):.2f}",
            f"{turns.middle(name, lambda m: m.p50_ms):.1f} / {turns.middle(name, lambda m: m.p99_ms):.1f}",
        ]
        for name in turns.measured
    ]
    rate = f"{turns.load.moderate_rate:.0f} updates/s"
    heading = [
        "",
        "updates/s",
        "CPU ms/update",
        "ratio",
        f"CPU ms/update at {rate}",
        f"ms to the answer at {rate} (p50 / p99)",
    ]
    ratio = turns.ratio(turns.system, first)
    verdict = "met" if ratio <= 1 else "not met"
    return _table(heading, rows) + (
        f"\n\nGoal: the whole system costs no more CPU for an update than the first line: **{verdict}** ({ratio:.2f})."
    )


def _parts(turns: Turns) -> str:
    total = turns.middle(turns.system, lambda m: m.total_cpu_ms)
    rows = []
    for part in turns.measured[turns.system][0].cpu_ms:
        cost = median(measured.cpu_ms[part] for measured in turns.measured[turns.system])
        rows.append([part, f"{cost:.2f}", f"{cost / total:.0%}"])
    telegram = turns.middle(turns.system, lambda m: m.telegram_cpu_ms)
    return (
        "## The system's parts\n\n"
        + _table(["", "CPU ms/update", "share"], rows)
        + f"\n\nThe fake Bot API beside it: {telegram:.2f} ms (not counted)."
    )


def _import(turns: Turns) -> str:
    loaded = turns.loaded
    rows = [
        ["reading the workbooks bare, with calamine", f"{loaded.bare_seconds:.2f}", ""],
        ["importing them into an empty database", f"{loaded.import_seconds:.1f}", f"{loaded.import_cpu_seconds:.1f}"],
        ["importing the same files again (nothing changes)", f"{loaded.again_seconds:.1f}", ""],
    ]
    return (
        f"## Import of {turns.households:,} households\n\nFour workbooks, {loaded.rows:,} rows. The importer's own "
        f"process had at most {loaded.peak_mb:.0f} MB resident.\n\n"
        + _table(["", "seconds", "of them the importer's own CPU"], rows)
        + f"\n\nImport against bare reading: {loaded.import_seconds / loaded.bare_seconds:.0f} times."
    )


def _memory(turns: Turns) -> str:
    rows = [
        [name, f"{mb:.0f}", "met" if mb < MEMORY_GOAL_MB else "not met"]
        for name, mb in (("bot", turns.bot_mb), ("API", turns.api_mb))
    ]
    return f"## Memory at {turns.households:,} households\n\nResident after the updates above.\n\n" + _table(
        ["", "MB", f"goal: below {MEMORY_GOAL_MB}"], rows
    )


def look_up_section(look_ups: Sequence[LookUpResult]) -> str:
    rows = [
        [
            f"/{one.name}",
            *(f"{median(answered.per_second for answered in each):,.0f}" for each in (one.bare, one.ours)),
            *(f"{median(answered.cpu_ms for answered in each):.2f}" for each in (one.bare, one.ours)),
            f"{one.ratio:.2f}",
        ]
        for one in look_ups
    ]
    verdict = "met" if all(one.ratio >= LOOK_UP_GOAL for one in look_ups) else "not met"
    heading = ["", "bare/s", "ours/s", "bare, CPU ms", "ours, CPU ms", "ours/s to bare/s"]
    return f"""\
## Look-ups beside bare ones

The same statements, {AT_ONCE} requests at a time to one process: sent by a bare Starlette application through \
asyncpg, which answers with the rows as they are; and by the API, which checks the service's token, opens and masks \
the holders' names, records what was seen and answers in the schema's form. CPU is of the server and PostgreSQL, for \
one look-up.

{_table(heading, rows)}

Goal: at least {LOOK_UP_GOAL} times as many as bare ones: **{verdict}**."""


def desk_section(desk: Compared) -> str:
    return f"""\
## The complaint desk at {desk.many:,} cases

{_how_compared(desk, "cases")}, all the rest alike: twenty cases a family, one case in twenty open, forty officers. \
{_SHOWN}

{_compared(desk, "every page of queue and case", "cases")}"""


def growth_section(growth: Compared) -> str:
    return f"""\
## Look-ups, proofs and claims at {growth.many:,} households

{_how_compared(growth, "households")}, all the rest alike: a hundred households a building, each with its own home, \
sums and chat. {_SHOWN}

{_compared(growth, "every look-up, proof and claim", "households")}"""


_SHOWN = "Shown is the middle of the times to the answer, and the middle of the ratios of each pair."


def _how_compared(results: Compared, what: str) -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} cores. Each page is asked of two APIs in turn over one "
        f"kept connection each, the one with {results.few:,} {what}, the other with {results.many:,} "
        f"({results.gigabytes:.1f} GB; making both took {results.fill_seconds:.0f} s)"
    )


def _compared(results: Compared, pages: str, what: str) -> str:
    rows = [
        [page.name, f"{page.few_ms:.1f}", f"{page.many_ms:.1f}", f"{page.ratio:.2f}" if page.has_goal else "–"]
        for page in results.pages
    ]
    verdict = "met" if results.worst < GOAL else "not met"
    table = _table(["", f"ms at {results.few:,}", f"ms at {results.many:,}", "ratio"], rows)
    return (
        f"{table}\n\nGoal: {pages} below {GOAL} times at {results.many:,} {what}: **{verdict}** "
        f"(at most {results.worst:.2f})."
    )


def broadcast_section(broadcasts: BroadcastResults) -> str:
    load = broadcasts.load
    return f"""\
## Broadcasts

{datetime.now(UTC):%Y-%m-%d}, {psutil.cpu_count()} cores. {load.messages[0]:,} messages to as many people, each with \
facts of their own home, {load.rounds} times in turn: by bare loops of two libraries' `send_message`, 64 at a time, \
with nothing written down, and by one courier, the API and PostgreSQL, with a row for each (CPU of all three is \
counted). The figures are the middle of the rounds.

{_table(["", "", "goal"], [list(line) for line in broadcast_lines(broadcasts)])}"""


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that reads well unrendered, too."""
    widths = [max(len(row[column]) for row in [heading, *rows]) for column in range(len(heading))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join([first, *others])} |"

    rule = [("-" * width) if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(heading), line(rule), *map(line, rows)])


def _cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()
