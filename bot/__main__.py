"""``python -m bot``: the command ``shanglou``."""

from bot.cli import main

if __name__ == "__main__":
    main()
