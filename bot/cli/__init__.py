"""The command ``shanglou``: the one place where both halves, the bot and the API, meet."""

import typer

from bot.cli import demo, office, rolls, secrets, serve

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="上楼 shanglou: the bot and the API of a housing redevelopment.",
)
app.command()(demo.demo)
app.command()(serve.up)
app.command()(serve.api)
app.command()(serve.bot)
app.command()(serve.migrate)
app.command()(secrets.secrets)
app.command("import")(rolls.import_rolls)
app.command()(rolls.sample)
app.command()(office.invite)
app.command()(office.cases)
app.command()(office.sweep)


def main() -> None:
    app()
