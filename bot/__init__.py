"""The Telegram half: the runtime that conversations run in, the command line, and a playground."""

import os

# Durations of python-telegram-bot as timedelta: the other form is deprecated, and each use of it warns.
os.environ.setdefault("PTB_TIMEDELTA", "true")
