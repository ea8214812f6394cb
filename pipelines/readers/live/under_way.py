"""What translators of live messages share: a call under way as a value, and the native messages it leads to."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol, TypeAlias

from detector.transcript import Speaker
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
    """What is kept of a call between its messages: what was told of it, and pieces by channel not yet told.

    `agent_id` is the agent on the line now; `nameless` tells whether an agent's turn was told before one was known.
    """

    call_id: str
    header: Mapping[str, Any] = field(default_factory=dict)
    pieces: Mapping[int, tuple[Piece, ...]] = field(default_factory=dict)
    agent_id: str | None = None
    nameless: bool = False


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


def started(call: UnderWay, *, agent_id: str | None = None, **known: Any) -> Translated:
    """Return the call with what is known of it; told where it is new. Nothing known is not told: it could only undo.

    Where nameless turns went to the first agent a later one is not told: those turns would go over to them.
    """
    stays = call.nameless and "agent_id" in call.header
    new = {"agent_id": None if stays else agent_id, **known}
    header = {**call.header, **{name: value for name, value in new.items() if value not in (None, "")}}
    after = replace(call, header=header, agent_id=agent_id or call.agent_id)
    if header == call.header:
        return Translated(after)
    return Translated(after, ({"type": "call.started", "call_id": call.call_id, **header},))


def turn(said: Said, *, turn_id: str, index: int, revision: int = 0) -> Message:
    """Return a final turn as native messages have it; an end before its start is left out."""
    runs_back = said.start_ms is not None and said.end_ms is not None and said.end_ms < said.start_ms
    fields = {
        "turn_id": turn_id,
        "index": index,
        "revision": revision,
        "is_final": True,
        "speaker": said.who.speaker.value,
        "agent_id": said.who.agent_id,
        "text": said.text,
        "start_ms": said.start_ms,
        "end_ms": None if runs_back else said.end_ms,
    }
    return {name: value for name, value in fields.items() if value is not None}


def turns(before: Translated, *told: Message) -> Translated:
    """Return what came before, with turns told after it; an agent's names the one who is on the line."""
    if not told or before.call is None:
        return before
    named = [_named(one, before.call.agent_id) for one in told]
    nameless = any(one["speaker"] == Speaker.AGENT and "agent_id" not in one for one in named)
    message = {"type": "turns", "call_id": before.call.call_id, "turns": named}
    return Translated(replace(before.call, nameless=before.call.nameless or nameless), (*before.messages, message))


def _named(told: Message, agent_id: str | None) -> Message:
    if told["speaker"] != Speaker.AGENT or agent_id is None:
        return told
    return {"agent_id": agent_id, **told}


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
    return turns(kept(before, channel, ()), *_told_apart(told))


def _told_apart(told: Iterable[Message]) -> Iterator[Message]:
    """Yield turns with ids of their own: of several that start at once the second and those behind it are numbered."""
    seen: Counter[str] = Counter()
    for one in told:
        turn_id = one["turn_id"]
        yield {**one, "turn_id": f"{turn_id}:{seen[turn_id]}"} if seen[turn_id] else one
        seen[turn_id] += 1


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
