"""What the worker takes in. Of transcripts: a call's beginning, its turns, its end; or a whole finished call."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import Field, model_validator

from detector.transcript import Call, CallHeader, Contract, Id, Moment, Turn, numbered
from detector.verdict import Verdict

SCHEMA_VERSION = 1


class CallStarted(CallHeader):
    """A call begins, or more is known of it than before."""

    type: Literal["call.started"] = "call.started"
    schema_version: int = SCHEMA_VERSION


class TurnsSaid(Contract):
    """One or more turns of a call, in any order. Each needs its index; its id defaults to call and index."""

    type: Literal["turns"] = "turns"
    schema_version: int = SCHEMA_VERSION
    call_id: Id
    turns: tuple[Turn, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _name_the_turns(cls, value: Any) -> Any:
        """Give a turn without an id the one the batch gives it."""
        if not isinstance(value, Mapping) or not isinstance(value.get("turns"), list | tuple):
            return value
        return {**value, "turns": [_named(value.get("call_id"), turn) for turn in value["turns"]]}


class CallEnded(Contract):
    """A call is over."""

    type: Literal["call.ended"] = "call.ended"
    schema_version: int = SCHEMA_VERSION
    call_id: Id
    ended_at: Moment | None = None


class WholeCall(Call):
    """A finished call in one message."""

    type: Literal["call"] = "call"
    schema_version: int = SCHEMA_VERSION


class CallIdle(Contract):
    """The worker's own: nothing was heard of the call since `seen_at` (seconds since 1970); to be closed."""

    type: Literal["call.idle"] = "call.idle"
    schema_version: int = SCHEMA_VERSION
    call_id: Id
    seen_at: float


class CallForgotten(Contract):
    """The worker's own: the call has ended, and nothing was heard of it since `seen_at`; its state is to be dropped."""

    type: Literal["call.forgotten"] = "call.forgotten"
    schema_version: int = SCHEMA_VERSION
    call_id: Id
    seen_at: float


Transcript: TypeAlias = CallStarted | TurnsSaid | CallEnded | WholeCall | CallIdle | CallForgotten
Message: TypeAlias = Transcript | Verdict
Messages: TypeAlias = Mapping[str, type[Message]]
"""The messages that a topic may hold, by their type."""

TRANSCRIPTS: Messages = {
    "call.started": CallStarted,
    "turns": TurnsSaid,
    "call.ended": CallEnded,
    "call": WholeCall,
    "call.idle": CallIdle,
    "call.forgotten": CallForgotten,
}
VERDICTS: Messages = {"verdict": Verdict}


def _named(call_id: object, turn: Any) -> Any:
    """Return a raw turn with its id filled in; one without an index is left for the contract to refuse."""
    if not isinstance(turn, Mapping) or turn.get("index") is None:
        return turn
    return numbered(call_id, 0, turn)
