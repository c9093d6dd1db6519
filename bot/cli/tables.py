"""How commands print tables."""

from rich.console import Console
from rich.table import Table


def print_table(table: Table, *, width: int = 160) -> None:
    """
    Args:
        width: characters in a line where there is no screen.
    """
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe nothing is cut off to fit a screen that is not there.
        console.width = width
    console.print(table)
