"""Calls and turns as the detector takes them in."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from detector.errors import TranscriptError

MAX_TURN_CHARACTERS = 1_000_000
LEAST_NUMBER, MOST_NUMBER = -(2**63), 2**63 - 1
"""Numbers of 64 bits: what a database can hold."""
TOLD_FAULTS = 3
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class Speaker(StrEnum):
    """Who says a turn. Only the agent's turns are ever scored; unknown and system turns are abstained from."""

    AGENT = "agent"
    CUSTOMER = "customer"
    SYSTEM = "system"
    UNKNOWN = "unknown"


AGENT, CUSTOMER, SYSTEM, UNKNOWN = Speaker
"""Looked up once, as they are asked for at each turn."""


def _readable(text: object) -> object:
    """Replace lone surrogates and NUL, which no encoder or no database can write, by U+FFFD.

    Length is kept, so spans stay true.
    """
    if not isinstance(text, str) or (text.isascii() and "\0" not in text):
        return text
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


Text: TypeAlias = Annotated[str, BeforeValidator(_readable)]
Id: TypeAlias = Annotated[str, BeforeValidator(_readable), Field(min_length=1, max_length=512)]
TurnId: TypeAlias = Annotated[str, BeforeValidator(_readable), Field(min_length=1, max_length=1024)]
"""It may be longer than a call's id, of which it is made where a turn has none of its own."""

Index: TypeAlias = Annotated[int, Field(ge=LEAST_NUMBER, le=MOST_NUMBER)]
_INDEX: TypeAdapter[int] = TypeAdapter(Index)
Milliseconds: TypeAlias = Annotated[int, Field(ge=0, le=MOST_NUMBER)]


def _reckoned(moment: datetime) -> datetime:
    """Return a moment that is one in UTC, too: the calendar of many a library ends with the years 1 and 9999."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no moment of the years 1 to 9999 in UTC") from None
    return moment


Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_reckoned)]
"""A time with its zone."""


class Contract(BaseModel):
    """A frozen value that crosses an edge of the system; unknown fields are left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Turn(Contract):
    """One speaker's uninterrupted words. Times are milliseconds from the call's start."""

    turn_id: TurnId
    index: Index
    revision: int = Field(default=0, ge=0, le=MOST_NUMBER)
    is_final: bool = True
    speaker: Speaker
    agent_id: Id | None = None
    text: Annotated[Text, Field(max_length=MAX_TURN_CHARACTERS)]
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None

    @model_validator(mode="after")
    def _times_run_forward(self) -> Self:
        if self.start_ms is not None and self.end_ms is not None and self.end_ms < self.start_ms:
            raise ValueError(f"end_ms {self.end_ms} is before start_ms {self.start_ms}")
        return self


class CallHeader(Contract):
    """What is known of a call before its first turn."""

    call_id: Id
    agent_id: Id | None = None
    agent_name: Text | None = None
    team: Text | None = None
    customer_name: Text | None = None
    language: Text | None = None
    started_at: Moment | None = None

    @property
    def header(self) -> "CallHeader":
        """What is known of the call, without its turns or whatever else a kind of call adds."""
        return CallHeader.model_construct(**{name: getattr(self, name) for name in CallHeader.model_fields})


def merged(known: CallHeader, told: CallHeader) -> CallHeader:
    """Return what is known of a call once more of it is told: the later word counts, a field not told wipes nothing."""
    fields = {name: getattr(told, name) for name in CallHeader.model_fields}
    return known.model_copy(update={name: value for name, value in fields.items() if value is not None})


class Call(CallHeader):
    """A whole call. Of it only `call_id`, and of a turn `speaker` and `text`, are required."""

    ended_at: Moment | None = None
    turns: tuple[Turn, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _number_the_turns(cls, value: Any) -> Any:
        """Give each turn the index of its position and an id of call and index, where it has none."""
        if not isinstance(value, Mapping) or not isinstance(value.get("turns"), list | tuple):
            return value
        call_id = value.get("call_id")
        return {**value, "turns": [numbered(call_id, at, turn) for at, turn in enumerate(value["turns"])]}

    @model_validator(mode="after")
    def _turns_are_told_apart(self) -> Self:
        seen: set[tuple[str, int]] = set()
        for turn in self.turns:
            key = (turn.turn_id, turn.revision)
            if key in seen:
                raise ValueError(
                    f"two turns share the turn_id {turn.turn_id!r}: give each its own, or a higher revision"
                )
            seen.add(key)
        return self


def numbered(call_id: object, position: int, turn: Any) -> Any:
    """Return a raw turn with `index` and `turn_id` filled in where they are missing."""
    if not isinstance(turn, Mapping):
        return turn
    index = turn.get("index")
    index = position if index is None else _whole(index)
    turn_id = turn.get("turn_id")
    return {**turn, "index": index, "turn_id": f"{call_id}:{index}" if turn_id is None else turn_id}


def _whole(index: object) -> object:
    """Return an index as the turn will have it, for ids are made of it; what is none is left to be refused."""
    if type(index) is int:
        return index
    try:
        return _INDEX.validate_python(index)
    except ValidationError:
        return index


def call_of(value: Any) -> Call:
    """Return the call a decoded JSON value holds.

    Raises:
        TranscriptError: what is wrong and where, without the words of the call.
    """
    if not isinstance(value, Mapping):
        raise TranscriptError(f"a call is a JSON object with call_id and turns, not a {type(value).__name__}")
    try:
        return Call.model_validate(value)
    except ValidationError as error:
        raise TranscriptError(what_is_wrong(error)) from None


def what_is_wrong(error: ValidationError) -> str:
    """Say what pydantic found, field by field, leaving out the input: it may hold what a customer said."""
    places = [
        (".".join(map(str, part["loc"])) or "the call", part["msg"]) for part in error.errors(include_input=False)
    ]
    told = "; ".join(f"{place}: {message}" for place, message in places[:TOLD_FAULTS])
    more = len(places) - TOLD_FAULTS
    return told if more <= 0 else f"{told}; and {more} more"
