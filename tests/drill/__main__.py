"""``make drill``: a broadcast while couriers are killed, PostgreSQL crashes and Telegram misbehaves; nothing may be
lost, hardly anything may come twice, and no second may see more than the limit."""

import argparse
import asyncio
import signal
import sys

from tests.bench.processes import Failed
from tests.bench.system import database_server, running_api
from tests.drill.run import Outcome, Plan, drill


def run(plan: Plan) -> Outcome:
    """
    Raises:
        Failed
    """
    with database_server() as server, running_api(server.url, plan.api_settings) as (_, api_url):
        return asyncio.run(drill(plan, server.url, api_url, say))


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--limit", type=int, default=300, help="messages that Telegram takes in any second")
    parser.add_argument("--kill-every", type=int, default=300, metavar="N", help="messages one courier is killed")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    options = parser.parse_args()
    # Ended from outside it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(options.recipients, limit=options.limit, kill_every=options.kill_every, seed=options.seed)
    try:
        outcome = run(plan)
    except Failed as error:
        sys.exit(f"drill: {error}")
    print(outcome.table())
    if outcome.problems:
        sys.exit("drill: " + "; ".join(outcome.problems[:10]))


if __name__ == "__main__":
    main()
