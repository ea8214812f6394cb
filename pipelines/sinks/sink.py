"""What every sink does."""

from dataclasses import dataclass
from typing import Protocol

from detector.detect import Detection


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where each kind of output goes: a file's path, `-` for standard output, or None for nowhere."""

    decisions: str | None = None
    rewards: str | None = None
    scorecards: str | None = None


class Sink(Protocol):
    """Takes detections in the order of the calls. After `close` nothing is lost; an error says what was not written."""

    def write(self, detection: Detection) -> None:
        """Take one call's detection."""

    def close(self) -> None:
        """Write out whatever is held."""
