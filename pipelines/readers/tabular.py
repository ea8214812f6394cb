"""Tables of turns, a row a turn: which column is what, and rows put together to calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from detector.errors import DetectorError, TranscriptError
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.roles import Roles, role_word
from pipelines.readers.source import CallOrFault, InputFault, UnreadableError

OWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "call_id": ("call_id", "conversation_id", "contact_id", "interaction_id"),
    "speaker": ("speaker", "role", "participant", "channel"),
    "text": ("text", "transcript", "utterance", "content", "message"),
    "turn_id": ("turn_id",),
    "agent_id": ("agent_id",),
    "agent_name": ("agent_name",),
    "customer_name": ("customer_name",),
    "team": ("team",),
    "language": ("language",),
    "start_ms": ("start_ms",),
    "end_ms": ("end_ms",),
    "start_seconds": ("start_seconds",),
    "end_seconds": ("end_seconds",),
}
OF_CALL = ("agent_name", "customer_name", "team", "language")


class ColumnsError(DetectorError):
    """A column mapping that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds which field, where the user says so; others go by the column's own name."""

    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, options: Iterable[str]) -> "Columns":
        """Return the mapping of options such as `text=What was said`.

        Raises:
            ColumnsError: no such field, or no column.
        """
        names = {}
        for option in options:
            name, _, column = option.partition("=")
            if name.strip() not in OWN_NAMES or not column.strip():
                raise ColumnsError(f"column {option!r} is not FIELD=COLUMN; the fields: {', '.join(OWN_NAMES)}")
            names[name.strip()] = column.strip()
        return cls(names)

    def __bool__(self) -> bool:
        """Tell whether the user said anything."""
        return bool(self.names)

    def places(self, header: Sequence[str]) -> Mapping[str, int]:
        """Return the position of each field's column in a header.

        Raises:
            UnreadableError: a column that was named is not there, or there is none for the text.
        """
        at: dict[str, int] = {}
        for number, column in enumerate(header):
            at.setdefault(column.strip().lower(), number)
        found: dict[str, int] = {}
        for name, own_names in OWN_NAMES.items():
            wanted = (self.names[name],) if name in self.names else own_names
            place = next((at[one.lower()] for one in wanted if one.lower() in at), None)
            if place is not None:
                found[name] = place
            elif name in self.names:
                raise UnreadableError(f"there is no column {self.names[name]!r}; {_known_of(at)}", line=1)
        if "text" not in found:
            message = f"no column is known to hold the text: give --column text=COLUMN; {_known_of(at)}"
            raise UnreadableError(message, line=1)
        return found


def _known_of(header: Iterable[str]) -> str:
    """Say which columns are known: where a file has no header, the others are what somebody said."""
    columns = tuple(header)
    own = {one for names in OWN_NAMES.values() for one in names}
    known = ", ".join(one for one in columns if one in own)
    told = f"these are known: {known}" if known else "none is known: is the first line a header?"
    return f"of its {len(columns)} columns {told}"


NO_COLUMNS = Columns()


@dataclass(frozen=True, slots=True)
class Row:
    """A row by fields, and its line; `fault` tells what is wrong with it."""

    line: int
    cells: Mapping[str, str]
    fault: str | None = None


def row_of(line: int, values: Sequence[str], places: Mapping[str, int], width: int, *, fault: str | None = None) -> Row:
    """Return the row that values make under a header of a width; `fault` is what is known to be wrong with it."""
    cells = {name: values[place] for name, place in places.items() if place < len(values)}
    if fault is None and len(values) != width:
        fault = f"has {len(values)} fields, the header has {width}"
    return Row(line, cells, fault)


def calls_of(rows: Iterable[Row], file: Path, roles: Roles) -> Iterator[CallOrFault]:
    """Yield the calls of rows; the rows of a call stand together. Of the calls before it only their ids are kept."""
    seen: set[str] = set()
    for call_id, group in groupby(_with_calls(rows, file.stem), key=lambda one: one[0]):
        turns = [row for _, row in group]
        if call_id in seen:
            message = (
                "the rows of a call stand apart: it was read without those from here on; "
                "sort the file by call, then by time"
            )
            yield InputFault(str(file), turns[0].line, message)
        else:
            yield _call(call_id, turns, file, roles)
        seen.add(call_id)


def _with_calls(rows: Iterable[Row], default: str) -> Iterator[tuple[str, Row]]:
    """Yield each row with its call; a row cut off before its call's id goes with the call before it."""
    call_id = default
    for row in rows:
        call_id = row.cells.get("call_id", call_id)
        yield call_id, row


def _call(call_id: str, rows: Sequence[Row], file: Path, roles: Roles) -> CallOrFault:
    wrong = next((row for row in rows if row.fault), None)
    if wrong is not None:
        return InputFault(str(file), wrong.line, f"{wrong.fault}; its call is left out")
    known = {name: next((row.cells[name] for row in rows if row.cells.get(name)), None) for name in OF_CALL}
    try:
        return conversation(call_id, [_said(row, roles) for row in rows], **known)
    except UnreadableError as error:
        return InputFault(str(file), error.line, str(error))
    except TranscriptError as error:
        return InputFault(str(file), rows[0].line, str(error))


def _said(row: Row, roles: Roles) -> Said:
    speaker = row.cells.get("speaker")
    return Said(
        who=roles.who(speaker, known=role_word(speaker), agent_id=row.cells.get("agent_id") or None),
        text=row.cells["text"],
        turn_id=row.cells.get("turn_id") or None,
        start_ms=_time(row, "start"),
        end_ms=_time(row, "end"),
    )


def _time(row: Row, which: str) -> int | None:
    for name, per_second in ((f"{which}_ms", 1000), (f"{which}_seconds", 1)):
        if value := row.cells.get(name, "").strip():
            try:
                return milliseconds(float(value), per_second=per_second)
            except ValueError:
                raise UnreadableError(f"{name}: is not a number", line=row.line) from None
    return None
