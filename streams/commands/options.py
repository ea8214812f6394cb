"""What the commands share: options, settings, the calls of files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from detector.errors import DetectorError
from detector.transcript import Call
from pipelines.readers import READERS, InputFault, reader
from pipelines.settings import Settings

Brokers = Annotated[str | None, typer.Option(help="Kafka's addresses; default: DETECTOR_BROKERS.")]
Files = Annotated[list[Path], typer.Argument(help="Transcript files.", show_default=False)]
Format = Annotated[str, typer.Option("--format", help=f"auto, or one of: {', '.join(READERS)}.")]


class UsageError(DetectorError):
    """An option that makes no sense."""


def settings_for(brokers: str | None) -> Settings:
    """Return the settings, with the brokers a command was given."""
    settings = Settings()
    return settings if brokers is None else settings.model_copy(update={"brokers": brokers})


def calls_of(files: Iterable[Path], format_name: str, faults: list[InputFault], console: Console) -> Iterator[Call]:
    """Yield the calls of files; what cannot be read is told and put into `faults`, and the rest goes on."""
    for file in files:
        for one in reader(format_name, file)(file):
            if isinstance(one, InputFault):
                faults.append(one)
                console.print(str(one), style="red", markup=False, highlight=False)
            else:
                yield one
