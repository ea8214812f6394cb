"""From what a vendor's file holds to a call: turns in the order given, times from the call's start or absent."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from detector.transcript import Call, Speaker, call_of
from pipelines.readers.roles import Who

LAST_TIME = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a file holds of one turn. Times are milliseconds from the call's start."""

    who: Who
    text: str
    turn_id: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None


def conversation(call_id: str, said: Iterable[Said], **known: Any) -> Call:
    """Return the call of turns in their order, with what else is `known` of it.

    A turn keeps the vendor's id only where no other turn has the same one. Where the format names no agent of the
    call, but all its agent turns are one agent's, that one is the call's.

    Raises:
        TranscriptError: what breaks the contract.
    """
    turns = tuple(said)
    ids = Counter(turn.turn_id for turn in turns)
    agents = {turn.who.agent_id for turn in turns if turn.who.speaker is Speaker.AGENT}
    sole = next(iter(agents)) if len(agents) == 1 else None
    header = {name: value for name, value in known.items() if value not in (None, "")}
    return call_of(
        {
            "agent_id": sole,
            **header,
            "call_id": call_id,
            "turns": [_turn(turn, own_id=ids[turn.turn_id] == 1) for turn in turns],
        }
    )


def _turn(said: Said, *, own_id: bool) -> dict[str, Any]:
    runs_back = said.start_ms is not None and said.end_ms is not None and said.end_ms < said.start_ms
    return {
        "turn_id": (said.turn_id or None) if own_id else None,
        "speaker": said.who.speaker,
        "agent_id": said.who.agent_id,
        "text": said.text,
        "start_ms": said.start_ms,
        "end_ms": None if runs_back else said.end_ms,
    }


def milliseconds(value: float | None, *, per_second: int = 1) -> int | None:
    """Return a time in milliseconds; `per_second` tells the unit it is in. None where it is no time from a start."""
    if value is None or not 0 <= value <= LAST_TIME:
        return None
    return round(value * 1000 / per_second)


def since(start: datetime | None, moment: datetime | None) -> int | None:
    """Return the milliseconds from a call's start to a moment; None where one is unknown, or the moment is earlier."""
    if start is None or moment is None or (start.tzinfo is None) != (moment.tzinfo is None):
        return None
    passed = (moment - start) // timedelta(milliseconds=1)
    return passed if passed >= 0 else None
