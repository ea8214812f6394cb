"""What every sink does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from detector.detect import Detection


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where each kind of output goes: a file's path, `-` for standard output, or None for nowhere."""

    decisions: str | None = None
    rewards: str | None = None
    scorecards: str | None = None


class Sink(Protocol):
    """Takes detections in the order of the calls. After `close` nothing is lost; an error says what was not written."""

    @property
    def encode(self) -> Callable[[Detection], Any]:
        """Return the function from one call's detection to what `write` takes.

        It is sent to the processes that detect, so it holds nothing that is open.
        """

    def write(self, encoded: Any) -> None:
        """Take what one call's detection was encoded to."""

    def close(self) -> None:
        """Write out whatever is held."""
