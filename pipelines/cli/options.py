"""Options that several commands share, and lines they share at their end."""

import os
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from stat import S_ISCHR
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
    """An output that is read from, or written to under another name, too: what is there would be lost."""


def refuse_overwriting(
    inputs: Iterable[Path], outputs: Iterable[Path | str | None], *, store: str | None = None
) -> None:
    """Let no output be a file that is read, nor two names be one file, by whatever names; a store is a file or a URL.

    Several outputs may have one name; None is no output, and `-` standard output.

    Raises:
        OutputError: an output is an input, or the file of another output.
    """
    read = {_file(file.absolute()) for file in inputs if file.is_file()}
    written = {} if store is None else {_file(Path(store.removeprefix("sqlite:///"))): store}
    for output in dict.fromkeys(outputs):
        file = None if output is None else _file(output)
        told = "standard output" if output == "-" else output
        if file is None:
            continue
        if file in read:
            raise OutputError(f"{told}: is read from, and would be overwritten: name another file for the output")
        if file in written:
            raise OutputError(f"{told}: is written to as {written[file]}, too: name another file for one of them")
        written[file] = str(told)


def _file(name: Path | str) -> tuple[int, int] | Path | None:
    """Return what a file is known by, whatever its name; None of a device, which loses nothing."""
    try:
        found = os.fstat(sys.stdout.fileno()) if name == "-" else Path(name).stat()
    except (OSError, ValueError):
        return None if name == "-" else Path(name).resolve()
    return None if S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)


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
