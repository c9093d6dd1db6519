"""The command ``shanglou``: the one place where both halves, the bot and the API, meet."""

import typer

app = typer.Typer(no_args_is_help=True, help="上楼 shanglou: the bot and the API of a housing redevelopment.")


def main() -> None:
    app()
