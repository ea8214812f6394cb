"""What readers share: a bad piece of input is a value, told with its place; the rest goes on."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from detector.errors import DetectorError, TranscriptError
from detector.transcript import Call
from pipelines.readers.roles import NO_ROLES, Roles

MEGABYTE = 1024 * 1024
MAX_LINE_BYTES = 16 * MEGABYTE
MAX_DOCUMENT_BYTES = 64 * MEGABYTE
UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class InputFault:
    """A piece of input that could not be read: where it is and what is wrong, without its words.

    Line 0 is the file as a whole; the message then tells the place inside it, where there is one.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


CallOrFault: TypeAlias = Call | InputFault


class ReadFile(Protocol):
    """The one function of a reader: yields the calls of a file, and its faults, without holding the file in memory.

    Formats that hold one call in one document are the exception: they are read whole, up to `MAX_DOCUMENT_BYTES`.
    """

    def __call__(self, file: Path, *, roles: Roles = NO_ROLES) -> Iterator[CallOrFault]:
        """Yield calls in the order of the file; `roles` says who is who where the format does not."""


class UnreadableError(DetectorError):
    """What is wrong with a piece of input; `line` is 0 where the message tells the place, or there is none."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        self.line = line
        super().__init__(message)


def faults_told(read: Callable[[Path, Roles], Iterable[CallOrFault]]) -> ReadFile:
    """Return a reader of a function that raises: what it raises is told as the file's fault."""

    @wraps(read)
    def reader(file: Path, *, roles: Roles = NO_ROLES) -> Iterator[CallOrFault]:
        try:
            yield from read(file, roles)
        except UnreadableError as error:
            yield InputFault(str(file), error.line, str(error))
        except TranscriptError as error:
            yield InputFault(str(file), 0, str(error))

    return reader


def lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes] | InputFault]:
    """Yield number (from 1) and bytes of each line that is not blank; a line too long to hold is a fault.

    So is a stream without anything to read, and one in UTF-16. A byte order mark at its beginning is left out.
    """
    number, blank = 0, True
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1 and line.startswith(UTF_16):
            yield InputFault(name, 1, "is UTF-16 text, and lines of JSON are UTF-8: save the file in that encoding")
            return
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            skip_line(stream)
            yield InputFault(name, number, f"the line is longer than {MAX_LINE_BYTES // MEGABYTE} MB")
        elif line.strip():
            yield number, line
        else:
            continue
        blank = False
    if blank:
        yield InputFault(name, 1, "the file is empty")


def contents(file: Path) -> bytes:
    """Return the bytes of a file that holds one call.

    Raises:
        UnreadableError: the file is empty, or larger than one call can be.
    """
    with file.open("rb") as stream:
        found = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(found) > MAX_DOCUMENT_BYTES:
        raise UnreadableError(f"is larger than the {MAX_DOCUMENT_BYTES // MEGABYTE} MB that one call may have")
    if not found.strip():
        raise UnreadableError("the file is empty", line=1)
    return found


def text_of(found: bytes) -> str:
    """Return bytes as text: UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        UnreadableError: with the line where the text stops being text.
    """
    encoding = "utf-16" if found.startswith(UTF_16) else "utf-8-sig"
    try:
        text = found.decode(encoding)
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"is not {encoding.removesuffix('-sig').upper()} text", line=line) from None
    if "\0" in text:
        raise UnreadableError("is binary, not text", line=text.count("\n", 0, text.index("\0")) + 1)
    return text


def skip_line(stream: BinaryIO) -> None:
    """Read on to the end of a line that is too long to hold."""
    while (part := stream.readline(MAX_LINE_BYTES)) and not part.endswith(b"\n"):
        pass
