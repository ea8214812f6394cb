"""CSV, a row a turn, under a header; commas, semicolons, tabs or bars, whichever the header has most of."""

import csv
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, dropwhile
from pathlib import Path
from typing import BinaryIO

from pipelines.readers.roles import NO_ROLES, Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import MAX_LINE_BYTES, MEGABYTE, CallOrFault, InputFault, UnreadableError, skip_line
from pipelines.readers.tabular import NO_COLUMNS, OWN_NAMES, Columns, Row, calls_of, row_of

SEPARATORS = ",;\t|"
KEPT_BYTES = 1024
"""Of a line that is too long: enough to know its call by."""


def fits(head: Head) -> bool:
    """Tell whether a file begins with a header that names a text column and a call or speaker column."""
    header = head.first_line.strip()
    names = {name.strip(' "').lower() for name in header.split(_separator(header))}
    others = {*OWN_NAMES["call_id"], *OWN_NAMES["speaker"]}
    return not names.isdisjoint(OWN_NAMES["text"]) and not names.isdisjoint(others)


def read(file: Path, *, roles: Roles = NO_ROLES, columns: Columns = NO_COLUMNS) -> Iterator[CallOrFault]:
    """Yield the calls of a file; `columns` says which column is what."""
    try:
        with file.open("rb") as stream:
            yield from calls_of(_rows(stream, columns), file, roles)
    except UnreadableError as error:
        yield InputFault(str(file), error.line, str(error))


@dataclass(frozen=True, slots=True)
class Line:
    """A line as text, its end kept, and what is wrong with it."""

    number: int
    text: str
    fault: str | None = None


class Lines:
    """The lines as rows take them: a quoted field may run over several. Those of a broken row can be given back."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._given_back: deque[Line] = deque()
        self.taken: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        self.taken.append(line)
        return line.text

    @property
    def fault(self) -> str | None:
        """What is wrong with the lines taken."""
        return next((line.fault for line in self.taken if line.fault), None)

    def give_back(self) -> Line:
        """Return the first line taken; the others are taken again: an open quote swallows rows that are whole."""
        first, *others = self.taken
        self._given_back.extendleft(reversed(others))
        return first


def _rows(stream: BinaryIO, columns: Columns) -> Iterator[Row]:
    """Yield the rows under the header; of one that cannot be read the fault, and then those behind it."""
    decoded = dropwhile(lambda line: not line.text.strip(), _lines(stream))
    first = next(decoded, None)
    if first is None:
        raise UnreadableError("the file is empty", line=1)
    if first.fault is not None:
        raise UnreadableError(first.fault, line=first.number)
    csv.field_size_limit(MAX_LINE_BYTES)  # of the module's own 131,072 characters even the call's id could not be read
    lines, separator = Lines(chain([first], decoded)), _separator(first.text)
    table = csv.reader(lines, delimiter=separator, strict=True)
    try:
        header = next(table)
    except csv.Error as error:
        raise UnreadableError(f"is not CSV: {error}", line=first.number) from None
    places = columns.places(header)
    while True:
        lines.taken.clear()
        try:
            values = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            broken = lines.give_back()
            fault = broken.fault or f"is not CSV: {error}"
            yield row_of(broken.number, _cells(broken.text, separator), places, len(header), fault=fault)
        else:
            if values:
                yield row_of(lines.taken[0].number, values, places, len(header), fault=lines.fault)


def _cells(text: str, separator: str) -> list[str]:
    """Return what the first line of a broken row seems to hold: its call is known by it."""
    try:
        return next(csv.reader([text], delimiter=separator), [])
    except csv.Error:
        return []


def _lines(stream: BinaryIO) -> Iterator[Line]:
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) <= MAX_LINE_BYTES:
            yield _line(number, raw.removeprefix(BOM_UTF8) if number == 1 else raw)
            continue
        if not raw.endswith(b"\n"):
            skip_line(stream)
        beginning = raw[:KEPT_BYTES].replace(b'"', b"").decode(errors="replace")
        yield Line(number, beginning, f"the line is longer than {MAX_LINE_BYTES // MEGABYTE} MB")


def _line(number: int, raw: bytes) -> Line:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Line(number, raw.decode(errors="replace"), "is not UTF-8 text")
    return Line(number, text, "is binary, not text" if "\0" in text else None)


def _separator(header: str) -> str:
    return max(SEPARATORS, key=header.count)
