"""JSON lines, one decision, reward event or scorecard a line."""

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO, TypeAlias

from pydantic import BaseModel

from detector.detect import Detection
from pipelines.files import file_to_write
from pipelines.sinks.sink import Outputs

Lines: TypeAlias = tuple[bytes, bytes, bytes]
"""The lines of decisions, reward events and scorecards; none of what is not wanted."""


class JsonLines:
    """Writes each kind to its file; files and `-` may be named for several kinds."""

    def __init__(self, outputs: Outputs) -> None:
        self._open: dict[str, BinaryIO] = {}
        self._outputs = outputs
        names = (outputs.decisions, outputs.rewards, outputs.scorecards)
        self._streams = tuple(self._stream(name) for name in names)

    @property
    def encode(self) -> Callable[[Detection], Lines]:
        """Return the function from one call's detection to its lines."""
        return partial(encoded, outputs=self._outputs)

    def write(self, encoded: Lines) -> None:
        """Write the lines of one call."""
        for stream, lines in zip(self._streams, encoded, strict=True):
            if stream is not None:
                stream.write(lines)

    def close(self) -> None:
        """Write out and close the files, all of them though one fails; standard output stays open."""
        with ExitStack() as closing:
            for stream in self._open.values():
                closing.callback(stream.flush if stream is sys.stdout.buffer else stream.close)

    def _stream(self, name: str | None) -> BinaryIO | None:
        if name is None:
            return None
        if name not in self._open:
            self._open[name] = sys.stdout.buffer if name == "-" else file_to_write(name)
        return self._open[name]


def encoded(detection: Detection, *, outputs: Outputs) -> Lines:
    """Return the lines of one call's detection, of the kinds that have an output."""
    return (
        _lines(detection.decisions if outputs.decisions else ()),
        _lines(detection.rewards if outputs.rewards else ()),
        _lines([detection.scorecard] if outputs.scorecards else ()),
    )


def _lines(values: Iterable[BaseModel]) -> bytes:
    return b"".join([value.model_dump_json(exclude_none=True).encode() + b"\n" for value in values])
