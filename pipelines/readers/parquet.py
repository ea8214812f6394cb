"""Parquet, a row a turn, as a CSV file has it. Needs pyarrow, the extra `parquet`."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from detector.errors import to_install
from pipelines.readers.roles import NO_ROLES, Roles
from pipelines.readers.sniffing import Head, only_once
from pipelines.readers.source import CallOrFault, InputFault, UnreadableError
from pipelines.readers.tabular import NO_COLUMNS, Columns, Row, calls_of

MAGIC = b"PAR1"
BATCH_ROWS = 1024


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.raw.startswith(MAGIC)


def read(file: Path, *, roles: Roles = NO_ROLES, columns: Columns = NO_COLUMNS) -> Iterator[CallOrFault]:
    """Yield the calls of a file; `columns` says which column is what. The line of a fault is the row, from 1."""
    try:
        yield from calls_of(_rows(file, columns), file, roles)
    except UnreadableError as error:
        yield InputFault(str(file), error.line, str(error))


def _rows(file: Path, columns: Columns) -> Iterator[Row]:
    if only_once(file):
        raise UnreadableError("is a pipe, and Parquet is read from its end: save it as a file, and give that")
    arrow, parquet = _library()
    with file.open("rb") as stream:
        try:
            table = parquet.ParquetFile(stream)
            header = table.schema_arrow.names
            wanted = {name: header[place] for name, place in columns.places(header).items()}
            number = 0
            for batch in table.iter_batches(batch_size=BATCH_ROWS, columns=list(wanted.values())):
                read = [batch.column(batch.schema.names.index(column)) for column in wanted.values()]
                for values in zip(*read, strict=True):
                    number += 1
                    yield _row(number, dict(zip(wanted, values, strict=True)))
        except (arrow.ArrowException, OSError, ValueError):
            raise UnreadableError("is not Parquet, or is cut off") from None


def _row(number: int, values: Mapping[str, Any]) -> Row:
    """Return a row of values as the library has them; one that cannot be read as text is its fault."""
    cells: dict[str, str] = {}
    fault = None
    for name, value in values.items():
        try:
            found = value.as_py()
            cells[name] = "" if found is None else str(found)
        except (ValueError, OverflowError):
            fault = f"{name}: cannot be read"
    return Row(number, cells, fault)


def _library() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise UnreadableError(f"Parquet needs pyarrow: {to_install('parquet')}") from None
