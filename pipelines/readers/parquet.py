"""Parquet, a row a turn, as a CSV file has it. Needs pyarrow: `pip install behaviour-detector[parquet]`."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pipelines.readers.roles import NO_ROLES, Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import CallOrFault, InputFault, UnreadableError
from pipelines.readers.tabular import NO_COLUMNS, Columns, Row, calls_of, row_of

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
    arrow, parquet = _library()
    with file.open("rb") as stream:
        try:
            table = parquet.ParquetFile(stream)
            header = table.schema_arrow.names
            places = columns.places(header)
            number = 0
            for batch in table.iter_batches(batch_size=BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    values = ["" if row[name] is None else str(row[name]) for name in header]
                    yield row_of(number, values, places, len(header))
        except (arrow.ArrowException, OSError):
            raise UnreadableError("is not Parquet, or is cut off") from None


def _library() -> tuple[Any, Any]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise UnreadableError("Parquet needs pyarrow: pip install behaviour-detector[parquet]") from None
