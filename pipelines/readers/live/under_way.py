"""What translators of live messages share: a call under way as a value, and the native messages it leads to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol, TypeAlias

from pipelines.readers.conversation import Said, milliseconds
from pipelines.readers.roles import Roles

Message: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one speaker that are final, but not yet the end of an utterance; times in seconds."""

    label: str
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What is kept of a call between its messages: what was told of it, and pieces by channel not yet told."""

    call_id: str
    header: Mapping[str, Any] = field(default_factory=dict)
    pieces: Mapping[int, tuple[Piece, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Translated:
    """What a vendor's message leads to: the call as it then is (None: it has ended), and native messages."""

    call: UnderWay | None
    messages: tuple[Message, ...] = ()


class Translator(Protocol):
    """What the module of a vendor has."""

    def call_id(self, message: Message, /) -> str | None:
        """Return the call a message belongs to, where it says so."""

    def translate(self, call: UnderWay, message: Message, /, *, roles: Roles) -> Translated:
        """Return what a message leads to; what is partial, or of another kind, leads to nothing.

        Raises:
            UnreadableError: the message is not in the vendor's shape.
        """


def started(call: UnderWay, **known: Any) -> Translated:
    """Return the call with what is known of it; told where it is new. Nothing known is not told: it could only undo."""
    header = {**call.header, **{name: value for name, value in known.items() if value not in (None, "")}}
    if header == call.header:
        return Translated(call)
    message = {"type": "call.started", "call_id": call.call_id, **header}
    return Translated(UnderWay(call.call_id, header, call.pieces), (message,))


def turn(said: Said, *, turn_id: str, index: int, revision: int = 0) -> Message:
    """Return a final turn as native messages have it."""
    fields = {
        "turn_id": turn_id,
        "index": index,
        "revision": revision,
        "is_final": True,
        "speaker": said.who.speaker.value,
        "agent_id": said.who.agent_id,
        "text": said.text,
        "start_ms": said.start_ms,
        "end_ms": said.end_ms,
    }
    return {name: value for name, value in fields.items() if value is not None}


def turns(before: Translated, *told: Message) -> Translated:
    """Return what came before, with turns told after it."""
    if not told or before.call is None:
        return before
    message = {"type": "turns", "call_id": before.call.call_id, "turns": list(told)}
    return Translated(before.call, (*before.messages, message))


def kept(before: Translated, channel: int, held: Sequence[Piece]) -> Translated:
    """Return what came before, with the pieces that a channel holds; none are no entry."""
    if before.call is None:
        return before
    pieces = {**before.call.pieces, channel: tuple(held)}
    if not held:
        del pieces[channel]
    return Translated(replace(before.call, pieces=pieces), before.messages)


def joined(before: Translated, channel: int, held: Sequence[Piece], roles: Roles) -> Translated:
    """Return what came before, with the pieces of a channel told: those of one speaker after another are a turn."""
    if before.call is None:
        return before
    groups = [list(group) for _, group in groupby(held, key=lambda piece: piece.label)]
    told = [one for group in groups for one in _joined(before.call.call_id, channel, group, roles)]
    return turns(kept(before, channel, ()), *told)


def rest(before: Translated, roles: Roles) -> Translated:
    """Return what came before, with all pieces told that wait for the end of their utterance."""
    for channel, held in (before.call.pieces if before.call is not None else {}).items():
        before = joined(before, channel, held, roles)
    return before


def ended(before: Translated, call_id: str) -> Translated:
    """Return what came before, with the call's end after it."""
    return Translated(None, (*before.messages, {"type": "call.ended", "call_id": call_id}))


def _joined(call_id: str, channel: int, pieces: Sequence[Piece], roles: Roles) -> Iterator[Message]:
    start = milliseconds(pieces[0].start)
    said = Said(
        who=roles.who(pieces[0].label),
        text=" ".join(piece.text for piece in pieces),
        start_ms=start,
        end_ms=milliseconds(pieces[-1].end),
    )
    if start is not None:
        yield turn(said, turn_id=f"{call_id}:{channel}:{start}", index=start)
