"""Where commands tell people something: nothing is cut off, be it a narrow terminal, a file or a pipe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIG_IGN, SIGINT, signal

from rich.console import Console
from rich.table import Table

EXIT_INTERRUPTED = 130
WIDE = 1_000
"""Of what is no terminal: a line is as long as what it says, for grep and for spreadsheets."""


def console_for(*, stderr: bool = False) -> Console:
    """Return the console on standard output, or on standard error; it shows `[b]` and `:100:` as they stand."""
    console = Console(stderr=stderr, markup=False, emoji=False)
    return console if console.is_terminal else Console(stderr=stderr, width=WIDE, markup=False, emoji=False)


def show(console: Console, table: Table) -> None:
    """Print a table; what is too long for its column goes on in the next line."""
    for column in table.columns:
        column.overflow = "fold"
    console.print(table)


@contextmanager
def interruptible() -> Iterator[None]:
    """Where Ctrl-C ends the work, say so in one line, and end the process with code 130."""
    try:
        yield
    except KeyboardInterrupt:
        signal(SIGINT, SIG_IGN)  # only letting go is left
        console_for(stderr=True).print("interrupted: what is written is not all", highlight=False)
        sys.exit(EXIT_INTERRUPTED)
