"""The command ``shanglou``: the one place where both halves, the bot and the API, meet."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

from bot.logs import crash_report

COMMANDS = {
    "demo": "bot.cli.demo:demo",
    "up": "bot.cli.up:up",
    "api": "bot.cli.api:api",
    "bot": "bot.cli.bot:bot",
    "courier": "bot.cli.courier:courier",
    "worker": "bot.cli.worker:worker",
    "migrate": "bot.cli.api:migrate",
    "secrets": "bot.cli.secrets:secrets",
    "import": "bot.cli.rolls:import_rolls",
    "sample": "bot.cli.rolls:sample",
    "staff": "bot.cli.staff:staff",
    "invite": "bot.cli.office:invite",
    "cases": "bot.cli.cases:cases",
    "broadcast": "bot.cli.broadcasts:broadcast",
    "sweep": "bot.cli.office:sweep",
    "backup": "bot.cli.keeping:backup",
    "restore": "bot.cli.keeping:restore",
    "sending": "bot.cli.sending:sending",
    "keys": "bot.cli.keys:keys",
    "audit": "bot.cli.audit:audit",
}
"""Where each command is, in the order of the help page: a function, or a ``typer.Typer`` with commands of its own."""


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command with these subcommands. Only their modules are imported: the bot as a process of its own carries
    nothing of the API, and starts in half the time."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="上楼 shanglou: the bot and the API of a housing redevelopment.",
    )
    app.callback()(lambda: None)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def main() -> None:
    asked = sys.argv[1:2]
    try:
        command_line(asked if asked and asked[0] in COMMANDS else COMMANDS)()
    except Exception as error:
        # Python would write its message, which may quote a resident's data or a secret.
        sys.stderr.write(crash_report(error))
        sys.exit(1)
