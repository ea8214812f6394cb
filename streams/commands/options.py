"""What the commands share: options, settings, the calls of files."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from detector.errors import DetectorError
from detector.transcript import Call
from pipelines.cli.options import tell
from pipelines.readers import CallOrFault, InputFault
from pipelines.settings import Settings

Brokers = Annotated[str | None, typer.Option(help="Kafka's addresses; default: DETECTOR_BROKERS.")]


class UsageError(DetectorError):
    """An option that makes no sense."""


def settings_for(brokers: str | None) -> Settings:
    """Return the settings, with the brokers a command was given: these stand above a wrong setting, too."""
    return Settings() if brokers is None else Settings(brokers=brokers)


class NothingReadError(DetectorError):
    """Files in which no call could be read."""


def first_read(calls: Iterator[Call]) -> Iterator[Call]:
    """Return the calls, the first of them read already.

    Raises:
        NothingReadError: there is none.
    """
    try:
        first = next(calls)
    except StopIteration:
        raise NothingReadError("no call could be read: there is nothing to play") from None
    return chain((first,), calls)


def calls_of(found: Iterable[tuple[Path, CallOrFault]], faults: list[InputFault], console: Console) -> Iterator[Call]:
    """Yield the calls among what was read; what could not be read is told and put into `faults`."""
    for _, one in found:
        if isinstance(one, InputFault):
            faults.append(one)
            tell(console, one)
        else:
            yield one
