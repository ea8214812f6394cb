"""Options that several commands share, and lines they share at their end."""

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from detector.errors import DetectorError
from pipelines.files import file_to_write
from pipelines.readers import READERS, InputFault, reader

Files = Annotated[list[Path], typer.Argument(help="Transcript files.", show_default=False)]


def _known(name: str) -> str:
    if name != "auto":
        reader(name, Path())  # says what is wrong where there is no such format; no file is asked for
    return name


FormatName = Annotated[str, typer.Option("--format", help=f"auto, or one of: {', '.join(READERS)}.", callback=_known)]
RoleOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="Who a channel, label or name is: 0=agent, 'Speaker 1=customer'. Again for each.",
        show_default=False,
    ),
]
AgentIds = Annotated[
    list[str] | None,
    typer.Option("--agent-id", help="The id of an agent: NAME=ID. Again for each.", show_default=False),
]
ColumnOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--column", help="Which column of a table holds what: text=Utterance. Again for each.", show_default=False
    ),
]


class OutputError(DetectorError):
    """An output that is read from, too: opened to be written, it would be emptied first."""


def refuse_overwriting(inputs: Iterable[Path], outputs: Iterable[Path | str | None]) -> None:
    """Let no output be a file that is read, by whatever name; None is no output, and `-` standard output.

    Raises:
        OutputError: an output is an input.
    """
    read = [file for file in inputs if file.is_file()]
    for output in outputs:
        if output in (None, "-") or not (path := Path(output)).is_file():
            continue
        if any(path.samefile(file) for file in read):
            raise OutputError(f"{output}: is read from, and would be overwritten: name another file for the output")


def opened(output: str, *, inputs: Iterable[Path]) -> AbstractContextManager[BinaryIO]:
    """Return a file to write to, its folder made where there is none; `-` is standard output, which stays open.

    Raises:
        OutputError: the file is one of the `inputs`.
    """
    refuse_overwriting(inputs, [output])
    if output == "-":
        return nullcontext(sys.stdout.buffer)
    return file_to_write(output)


def tell(console: Console, fault: InputFault) -> None:
    """Print a fault as one line."""
    console.print(str(fault), markup=False, emoji=False, highlight=False, soft_wrap=True)


def tell_unknown(console: Console, turns: int, files: int) -> None:
    """Say how many turns nobody is known for, and what to do about it; nothing where there are none."""
    if turns:
        plural = "" if files == 1 else "s"
        console.print(
            f"{turns:,} turns of {files:,} file{plural} have no known speaker: give --role 0=agent "
            "(`detector inspect FILE` shows the labels). Nothing is said of them.",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
