"""What readers share: a bad piece of input is a value, told with its place; the rest goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from detector.transcript import Call

MAX_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class InputFault:
    """A piece of input that could not be read: where it is (file, line) and what is wrong, without its words."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


CallOrFault: TypeAlias = Call | InputFault


class ReadFile(Protocol):
    """The one function of a reader: yields the calls of a file, and its faults, without holding the file in memory."""

    def __call__(self, file: Path) -> Iterator[CallOrFault]:
        """Yield calls in the order of the file."""


def lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes] | InputFault]:
    """Yield number (from 1) and bytes of each line that is not blank; a line too long to hold is a fault."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip_line(stream)
            megabytes = MAX_LINE_BYTES // (1024 * 1024)
            yield InputFault(name, number, f"the line is longer than {megabytes} MB; one call a line is expected")
        elif line.strip():
            yield number, line


def _skip_line(stream: BinaryIO) -> None:
    while (part := stream.readline(MAX_LINE_BYTES)) and not part.endswith(b"\n"):
        pass
