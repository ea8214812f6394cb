"""Reward events from a file of JSON lines, all or none."""

from codecs import BOM_UTF8
from pathlib import Path

from pydantic import ValidationError

from detector.errors import DetectorError
from detector.reward import RewardEvent
from detector.transcript import what_is_wrong


class RewardsError(DetectorError):
    """A line that is no reward event; tells file, line and what is wrong, not what stands there."""


def reward_events(file: Path) -> list[RewardEvent]:
    """Return the reward events of a file; blank lines and a byte order mark are left out.

    Raises:
        RewardsError: a line is no reward event.
    """
    lines = file.read_bytes().removeprefix(BOM_UTF8).split(b"\n")
    return [_event(line, f"{file}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _event(line: bytes, place: str) -> RewardEvent:
    try:
        return RewardEvent.model_validate_json(line)
    except ValidationError as error:
        wrong = what_is_wrong(error).removeprefix("the call: ")
        raise RewardsError(
            f"{place}: no reward event, as detector settle writes them, one a line: {wrong}; nothing was taken in"
        ) from None
