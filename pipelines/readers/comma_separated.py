"""CSV, a row a turn, under a header; commas, semicolons, tabs or bars, whichever the header has most of."""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from pipelines.readers.roles import NO_ROLES, Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import MAX_LINE_BYTES, MEGABYTE, CallOrFault, InputFault, UnreadableError
from pipelines.readers.tabular import NO_COLUMNS, OWN_NAMES, Columns, Row, calls_of, row_of

SEPARATORS = ",;\t|"


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


def _rows(stream: BinaryIO, columns: Columns) -> Iterator[Row]:
    texts = _lines(stream)
    first = next(texts, None)
    if first is None:
        raise UnreadableError("the file is empty", line=1)
    table = csv.reader(chain([first], texts), delimiter=_separator(first), strict=True)
    try:
        header = next(table)
        places = columns.places(header)
        for values in table:
            if values:
                yield row_of(table.line_num, values, places, len(header))
    except csv.Error as error:
        raise UnreadableError(f"is not CSV: {error}", line=table.line_num) from None


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines as text, their ends kept: a quoted field may run over several."""
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise UnreadableError(f"the line is longer than {MAX_LINE_BYTES // MEGABYTE} MB", line=number)
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise UnreadableError("is not UTF-8 text", line=number) from None
        if "\0" in text:
            raise UnreadableError("is binary, not text", line=number)
        if number > 1 or text.strip():
            yield text


def _separator(header: str) -> str:
    return max(SEPARATORS, key=header.count)
