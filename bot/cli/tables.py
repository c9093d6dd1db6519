"""How commands print tables."""

from rich.console import Console
from rich.table import Table


def print_table(table: Table) -> None:
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe nothing is cut off to fit a screen that is not there.
        console.width = 160
    console.print(table)
