"""``python -m bot.playground``: the playground alone, for a bot that is started elsewhere."""

import argparse
import sys

from bot.playground.server import Refused, new_token, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.playground", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", default=None, help="the bot's token, like 1:secret; made up when left out")
    options = parser.parse_args()
    try:
        run(options.token or new_token(), options.host, options.port)
    except (Refused, ValueError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
