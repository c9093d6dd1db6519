"""A courier as ``shanglou courier`` runs it, with shorter time-outs: ``python -m tests.drill.courier LEASE PATIENCE``,
in seconds. What it is otherwise to know, it reads from the environment."""

import sys

import uvloop

from bot import app, courier
from bot.settings import load
from bot.transport import Transport


def main() -> None:
    lease, patience = map(int, sys.argv[1:])
    courier.LEASE = lease
    app.Transport = lambda **more: Transport(read_timeout=patience, **more)  # type: ignore[attr-defined,assignment]
    uvloop.run(app.run_courier(load()))


if __name__ == "__main__":
    main()
