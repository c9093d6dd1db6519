"""``python -m bot.ready URL``: is the process at a health address well? Exit code 0 for yes.

For health checks of containers, many times a minute: so it imports nothing beyond the standard library.
"""

import sys
import urllib.error
import urllib.request


def ready(url: str) -> bool:
    """Whether ``GET url`` is answered with success within four seconds."""
    try:
        with urllib.request.urlopen(url, timeout=4):  # noqa: S310 - the operator's own address
            return True
    except (urllib.error.URLError, TimeoutError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(0 if len(sys.argv) == 2 and ready(sys.argv[1]) else 1)
