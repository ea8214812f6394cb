"""The native format: JSON lines, one finished call a line."""

from collections.abc import Iterator
from pathlib import Path

from detector.errors import TranscriptError
from detector.transcript import Call, call_of
from pipelines.readers.decoding import json_value
from pipelines.readers.roles import NO_ROLES, Roles, assigned
from pipelines.readers.sniffing import Head
from pipelines.readers.source import CallOrFault, InputFault, lines


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return '"turns"' in head.first_line and '"call_id"' in head.first_line


def read(file: Path, *, roles: Roles = NO_ROLES) -> Iterator[CallOrFault]:
    """Yield the calls of a file of native JSON lines."""
    with file.open("rb") as stream:
        for line in lines(stream, str(file)):
            if isinstance(line, InputFault):
                yield line
            else:
                yield call_or_fault(line[1], str(file), line[0], roles=roles)


def call_or_fault(line: bytes, file: str, number: int, *, roles: Roles = NO_ROLES) -> CallOrFault:
    """Return the call of a line, or what is wrong with it; turns under another name would be a call lost silently."""
    try:
        value = json_value(line)
        if isinstance(value, dict) and "turns" not in value:
            return InputFault(file, number, "the call: turns: the field is missing; a call with nothing said has []")
        return assigned(call_of(value), roles)
    except TranscriptError as error:
        return InputFault(file, number, str(error))


def write(call: Call) -> bytes:
    """Return the call as one native line, its newline included."""
    return call.model_dump_json(exclude_none=True).encode() + b"\n"
