"""JSON lines, one decision, reward event or scorecard a line."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel

from detector.detect import Detection
from pipelines.sinks.sink import Outputs


class JsonLines:
    """Writes each kind to its file; files and `-` may be named for several kinds."""

    def __init__(self, outputs: Outputs) -> None:
        self._open: dict[str, BinaryIO] = {}
        self._decisions = self._stream(outputs.decisions)
        self._rewards = self._stream(outputs.rewards)
        self._scorecards = self._stream(outputs.scorecards)

    def write(self, detection: Detection) -> None:
        """Write the lines of one call."""
        _put(self._decisions, detection.decisions)
        _put(self._rewards, detection.rewards)
        _put(self._scorecards, (detection.scorecard,))

    def close(self) -> None:
        """Write out and close the files; standard output stays open."""
        for stream in self._open.values():
            stream.flush()
            if stream is not sys.stdout.buffer:
                stream.close()

    def _stream(self, name: str | None) -> BinaryIO | None:
        if name is None:
            return None
        if name not in self._open:
            if name != "-":
                Path(name).parent.mkdir(parents=True, exist_ok=True)
            self._open[name] = sys.stdout.buffer if name == "-" else Path(name).open("wb")  # noqa: SIM115  # `close` closes it
        return self._open[name]


def _put(stream: BinaryIO | None, values: Iterable[BaseModel]) -> None:
    if stream is not None:
        stream.writelines(value.model_dump_json(exclude_none=True).encode() + b"\n" for value in values)
