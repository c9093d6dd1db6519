"""``make bench``: what the system costs beside the shortest bots of two libraries; see docs/bench.md."""

import argparse
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from locales import translator
from tests.bench.broadcast import QUICK_BROADCAST, BroadcastLoad, measure_broadcasts
from tests.bench.desk import measure_desk
from tests.bench.estate import Loaded
from tests.bench.fake_telegram import COMMAND
from tests.bench.growth import measure_growth
from tests.bench.lookups import measure_look_ups
from tests.bench.measure import Load, Measured, Subject, measure, peer
from tests.bench.pages import Compared
from tests.bench.processes import Failed, python, run_to_end
from tests.bench.report import (
    Results,
    Turns,
    broadcast_section,
    desk_section,
    growth_section,
    look_up_section,
    markdown,
    turns_section,
)
from tests.bench.system import SECRETS, DatabaseServer, Memory, database_server, whole_system

SYSTEM = "shanglou: bot + API + PostgreSQL, /handover"
PEERS = {
    "python-telegram-bot, echo": "ptb-0",
    "python-telegram-bot, echo, 64 at a time": "ptb-64",
    "aiogram, echo": "aiogram",
}
ESTATE_SECONDS = 600


@dataclass(frozen=True)
class Size:
    """``few`` and ``many`` of what is compared, cases and households, each page so many ``times``."""

    households: int
    rounds: int
    load: Load
    few: int
    many: int
    times: int
    look_ups: int
    broadcasts: BroadcastLoad


FULL = Size(
    10_000,
    3,
    Load(residents=2000, warm_up=4000, updates=6000, moderate_rate=100, moderate_updates=1000),
    few=10_000,
    many=1_000_000,
    times=200,
    look_ups=5_000,
    broadcasts=BroadcastLoad(),
)
QUICK = Size(
    300,
    1,
    Load(residents=50, warm_up=50, updates=100, moderate_rate=100, moderate_updates=20),
    few=200,
    many=2000,
    times=5,
    look_ups=50,
    broadcasts=QUICK_BROADCAST,
)


def run(size: Size) -> Results:
    with database_server() as server:
        return Results(
            _turns(server, size),
            measure_look_ups(server, size.load.residents, size.look_ups, size.rounds, say),
            _desk(server, size),
            _growth(server, size),
            measure_broadcasts(server, size.broadcasts, say),
        )


def _turns(server: DatabaseServer, size: Size) -> Turns:
    """Every subject in every round, one after the other, so that a busy spell of the machine meets them all."""
    memory = Memory()
    measured: dict[str, list[Measured]] = {name: [] for name in (*PEERS, SYSTEM)}
    say(f"loading {size.households:,} households")
    loaded = _estate(server.url, size)
    subjects: dict[str, Subject] = {name: peer(kind) for name, kind in PEERS.items()}
    subjects[SYSTEM] = whole_system(server, memory)
    for number in range(1, size.rounds + 1):
        for name, subject in subjects.items():
            say(f"round {number} of {size.rounds}: {name}")
            found = measure(subject, size.load)
            _check(name, found)
            measured[name].append(found)
    return Turns(size.households, size.load, loaded, measured, SYSTEM, server.version, memory.bot, memory.api)


def _look_ups(server: DatabaseServer, size: Size) -> str:
    say(f"loading {size.households:,} households")
    _estate(server.url, size)
    return look_up_section(measure_look_ups(server, size.load.residents, size.look_ups, size.rounds, say))


def _desk(server: DatabaseServer, size: Size) -> Compared:
    say(f"the desk with {size.few:,} and with {size.many:,} cases")
    return measure_desk(server, size.few, size.many, size.times, say)


def _growth(server: DatabaseServer, size: Size) -> Compared:
    say(f"{size.few:,} and {size.many:,} households")
    return measure_growth(server, size.few, size.many, size.times, say)


PARTS: dict[str, Callable[[DatabaseServer, Size], str]] = {
    "turns": lambda server, size: turns_section(_turns(server, size)),
    "look-ups": _look_ups,
    "desk": lambda server, size: desk_section(_desk(server, size)),
    "growth": lambda server, size: growth_section(_growth(server, size)),
    "broadcasts": lambda server, size: broadcast_section(measure_broadcasts(server, size.broadcasts, say)),
}
"""What can be measured by itself."""


def _estate(url: str, size: Size) -> Loaded:
    with TemporaryDirectory(prefix="shanglou-bench-rolls-") as folder:
        command = python("tests.bench.estate", url, folder, str(size.households), str(size.load.residents))
        said = run_to_end("loading the estate", command, SECRETS, ESTATE_SECONDS)
    return Loaded(**json.loads(said))


def _check(name: str, found: Measured) -> None:
    """
    Raises:
        Failed: an answer was not the one asked for.
    """
    wanted = _answers() if name == SYSTEM else {COMMAND}
    if strange := set(found.first_lines) - wanted:
        raise Failed(f"{name} answered something else: {sorted(strange)[:3]}")


def _answers() -> set[str]:
    """How the system's answers to /handover begin: with one agreement, and with several."""
    asked = ("<b>Handover</b>", "You have several agreements. Which one's handover would you like to see?")
    return {re.sub("<[^>]*>", "", translator(locale).t(words)) for locale in ("zh_CN", "en") for words in asked}


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few updates and a small estate: shows that it runs")
    parser.add_argument("--rounds", type=int, help=f"how often each subject is measured (default {FULL.rounds})")
    parser.add_argument("--only", choices=PARTS, help="one part by itself")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the results there")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    if options.rounds:
        size = replace(size, rounds=options.rounds, broadcasts=replace(size.broadcasts, rounds=options.rounds))
    # Ended from outside it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.only is None:
            report = markdown(run(size))
        else:
            with database_server() as server:
                report = PARTS[options.only](server, size)
    except Failed as error:
        sys.exit(f"bench: {error}")
    print(report)
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(report + "\n")


if __name__ == "__main__":
    main()
