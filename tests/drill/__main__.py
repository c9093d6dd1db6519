"""``make drill``: a broadcast while couriers are killed, PostgreSQL crashes and Telegram misbehaves; nothing may be
lost, hardly anything may come twice, and no second may see more than the limit. Then a whole deployment of which one
part after the other fails, while residents converse with it."""

import argparse
import asyncio
import signal
import sys

from tests.bench.processes import Failed
from tests.bench.system import database_server, running_api
from tests.drill.faults import SETTINGS, FaultOutcome, FaultPlan, fault_drill
from tests.drill.plant import plant
from tests.drill.run import Outcome, Plan, drill


def run(plan: Plan) -> Outcome:
    """
    Raises:
        Failed
    """
    with database_server() as server, running_api(server.url, plan.api_settings) as (_, api_url):
        return asyncio.run(drill(plan, server.url, api_url, say))


def run_faults(plan: FaultPlan) -> FaultOutcome:
    """
    Raises:
        Failed
    """
    with plant(SETTINGS) as there:
        return asyncio.run(fault_drill(plan, there, say))


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--broadcast", action="store_true", help="only the first of the two")
    parser.add_argument("--faults", action="store_true", help="only the second")
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--limit", type=int, default=300, help="messages that Telegram takes in any second")
    parser.add_argument("--kill-every", type=int, default=300, metavar="N", help="messages one courier is killed")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--residents", type=int, default=FaultPlan.residents, help="who converse")
    parser.add_argument("--api-down", type=float, default=FaultPlan.api, metavar="SECONDS")
    parser.add_argument("--only", action="append", default=[], metavar="WORDS", help="faults with these in their name")
    options = parser.parse_args()
    # Ended from outside it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    problems: list[str] = []
    try:
        if not options.faults:
            plan = Plan(options.recipients, limit=options.limit, kill_every=options.kill_every, seed=options.seed)
            outcome = run(plan)
            print(outcome.table(), flush=True)
            problems += outcome.problems
        if not options.broadcast:
            faults = run_faults(FaultPlan(options.residents, api=options.api_down, only=tuple(options.only)))
            print(faults.table(), flush=True)
            problems += faults.problems
    except Failed as error:
        sys.exit(f"drill: {error}")
    if problems:
        sys.exit("drill: " + "; ".join(problems[:10]))


if __name__ == "__main__":
    main()
