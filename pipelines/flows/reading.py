"""Every call of many files, whatever their formats; and what a conversion to the native format does with them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from detector.transcript import Call, Speaker
from pipelines.readers import NO_ROLES, CallOrFault, Columns, FormatError, InputFault, Roles, native, reader
from pipelines.readers.tabular import NO_COLUMNS


@dataclass(slots=True)
class Converted:
    """What a conversion counts; `unknown_files` are those with a turn of an unknown speaker."""

    calls: int = 0
    turns: int = 0
    faults: int = 0
    unknown_turns: int = 0
    unknown_files: set[Path] = field(default_factory=set)

    def add(self, file: Path, call: Call) -> None:
        """Count one call."""
        unknown = sum(turn.speaker is Speaker.UNKNOWN for turn in call.turns)
        self.calls += 1
        self.turns += len(call.turns)
        self.unknown_turns += unknown
        if unknown:
            self.unknown_files.add(file)


def read(
    files: Iterable[Path], *, format_name: str = "auto", roles: Roles = NO_ROLES, columns: Columns = NO_COLUMNS
) -> Iterator[tuple[Path, CallOrFault]]:
    """Yield each call or fault with its file, in order; a file that cannot be opened is a fault."""
    for file in files:
        try:
            for one in reader(format_name, file, columns=columns)(file, roles=roles):
                yield file, one
        except FormatError as error:
            yield file, InputFault(str(file), 0, str(error).removeprefix(f"{file}: "))
        except OSError as error:
            yield file, InputFault(str(file), 0, f"cannot be read: {error.strerror}")


def convert(
    found: Iterable[tuple[Path, CallOrFault]], output: BinaryIO, *, on_fault: Callable[[InputFault], None]
) -> Converted:
    """Write what was read as native lines; return the counts. Memory does not grow."""
    counts = Converted()
    for file, one in found:
        if isinstance(one, InputFault):
            counts.faults += 1
            on_fault(one)
        else:
            counts.add(file, one)
            output.write(native.write(one))
    return counts
