"""The bytes of a call's state: what only grows is written once, and what stands twice is named the second time.

A body is a run of parts, each with what it is part of and its length. Turns, decisions, credits and emissions are
written as they come; whenever they have come to some length they are sealed: compressed, and copied as they are from
then on. So a message costs what it adds, not what was said before it; what was read grows as what was written does.
Defaults are left out: whoever changes one of a value that is kept changes the format.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, TypeAdapter

from detector.call import CallState, Emission, Memory
from detector.decision import Decision
from detector.judgement import Judgement
from detector.reward import Credit, RewardEvent
from detector.transcript import CallHeader, Turn

Value = TypeVar("Value", bound=BaseModel)

SEAL_BYTES = 2_048
_PART = struct.Struct(">B?I")
_TURNS, _DECISIONS, _CREDITS, _EMISSIONS, _REST = range(5)

Named: TypeAlias = tuple[str, tuple[str | Decision, ...], tuple[str | RewardEvent, ...]]
"""An emission and what it goes by. A decision that stands and a reward that is credited are told by their ids."""


@dataclass(frozen=True, slots=True)
class Grown:
    """The bytes of values that follow each other: sealed parts, and the JSON of the rest.

    `size` is the length of all their JSON.
    """

    values: tuple[Any, ...] = ()
    sealed: bytes = b""
    tail: bytes = b""
    size: int = 0

    def with_all(
        self, values: tuple[Any, ...], kind: int, *, as_written: Callable[[Any], Any] | None = None
    ) -> "Grown":
        """Return the bytes of values of a kind, of which those known already are not written again."""
        if values is self.values:
            return self
        known = self if self.begins(values) else NOTHING
        fresh = values[len(known.values) :]
        added = _ADAPTERS[kind].dump_json(tuple(map(as_written, fresh)) if as_written else fresh, exclude_defaults=True)
        tail = b",".join(filter(None, (known.tail, added[1:-1])))
        size = known.size + len(tail) - len(known.tail)
        if len(tail) < SEAL_BYTES:
            return Grown(values, known.sealed, tail, size)
        return Grown(values, known.sealed + _part(kind, zlib.compress(tail, level=1), sealed=True), size=size)

    def begins(self, values: tuple[Any, ...]) -> bool:
        """Tell whether values are these, and perhaps more."""
        return values[: len(self.values)] == self.values

    def parts(self, kind: int) -> bytes:
        """Return all bytes."""
        return self.sealed + _part(kind, self.tail) if self.tail else self.sealed


NOTHING = Grown()


@dataclass(frozen=True, slots=True)
class Stored:
    """The bytes of a state, in the four runs that grow and the rest."""

    turns: Grown = NOTHING
    decisions: Grown = NOTHING
    credits: Grown = NOTHING
    emissions: Grown = NOTHING
    rest: bytes = b""

    @property
    def size(self) -> int:
        """The length of all its JSON."""
        return sum(one.size for one in self._runs) + len(self.rest)

    def bytes(self) -> bytes:
        """Return the whole."""
        return b"".join(one.parts(kind) for kind, one in enumerate(self._runs)) + _part(_REST, self.rest)

    @property
    def _runs(self) -> tuple[Grown, ...]:
        return self.turns, self.decisions, self.credits, self.emissions


@dataclass(frozen=True, slots=True)
class _Rest:
    header: CallHeader
    memory: Memory
    judgements: dict[str, Judgement] = field(default_factory=dict)
    introduction: Named = ("", (), ())
    ended: bool = False


_ADAPTERS: tuple[TypeAdapter[Any], ...] = (
    TypeAdapter(tuple[Turn, ...]),
    TypeAdapter(tuple[Decision, ...]),
    TypeAdapter(tuple[Credit, ...]),
    TypeAdapter(tuple[Named, ...]),
)
_ALL_REST = TypeAdapter(_Rest)


def stored(state: CallState, introduction: Emission, *, known: Stored) -> Stored:
    """Return the bytes of a state, given those of an earlier state of the same call."""
    names = _Names(state)
    turns = known.turns.with_all(state.turns, _TURNS)
    decisions = known.decisions.with_all(state.decisions, _DECISIONS)
    credited = known.credits.with_all(state.credits, _CREDITS)
    # Of what was named before, something may stand no longer: then all is named anew.
    firm = known.decisions.begins(state.decisions) and known.credits.begins(state.credits)
    emissions = (known.emissions if firm else NOTHING).with_all(
        tuple(state.emissions.items()), _EMISSIONS, as_written=names.named
    )
    rest = _Rest(state.header, state.memory, dict(state.judgements), names.named(("", introduction)), state.ended)
    return Stored(turns, decisions, credited, emissions, _ALL_REST.dump_json(rest))


def restored(raw: bytes) -> tuple[CallState, Emission, Stored]:
    """Return the state of bytes, the introduction kept with it, and the bytes as what further ones grow from."""
    runs: tuple[list[_Part], ...] = ([], [], [], [], [])
    for kind, part in _parts(raw):
        runs[kind].append(part)
    turns, decisions, credited, named = (
        one.validate_json(b"[%b]" % b",".join(part.text for part in run))
        for one, run in zip(_ADAPTERS, runs, strict=False)
    )
    (written,) = runs[_REST]
    rest = _ALL_REST.validate_json(written.text)
    bare = CallState(rest.header, turns, rest.memory, decisions, credited, {}, rest.judgements, rest.ended)
    names = _Names(bare)
    emissions = {one[0]: names.emission(one) for one in named}
    state = CallState(rest.header, turns, rest.memory, decisions, credited, emissions, rest.judgements, rest.ended)
    known = Stored(
        _regrown(turns, runs[_TURNS]),
        _regrown(decisions, runs[_DECISIONS]),
        _regrown(credited, runs[_CREDITS]),
        _regrown(tuple(emissions.items()), runs[_EMISSIONS]),
        written.text,
    )
    return state, names.emission(rest.introduction), known


class _Names:
    """The decisions that stand and the rewards that are credited in a state, by their ids."""

    def __init__(self, state: CallState) -> None:
        self._decisions = {one.decision_id: one for one in state.decisions}
        self._rewards = {one.event.id: one.event for one in state.credits}

    def named(self, one: tuple[str, Emission]) -> Named:
        """Return an emission and its key by the ids of what stands; what does not is told whole."""
        key, emission = one
        return (
            key,
            tuple(_named(one.decision_id, one, self._decisions) for one in emission.decisions),
            tuple(_named(one.id, one, self._rewards) for one in emission.rewards),
        )

    def emission(self, named: Named) -> Emission:
        """Return an emission, given what it names."""
        _, decisions, rewards = named
        return Emission(
            tuple(self._decisions[one] if isinstance(one, str) else one for one in decisions),
            tuple(self._rewards[one] if isinstance(one, str) else one for one in rewards),
        )


def _named(identifier: str, one: Value, known: Mapping[str, Value]) -> str | Value:
    """Return the id of a value by which it is known, or the value itself."""
    found = known.get(identifier)
    return identifier if found is one or found == one else one


class _Part(NamedTuple):
    """A part as it was read: its JSON, and its bytes where they are sealed."""

    text: bytes
    sealed: bytes


def _regrown(values: tuple[Any, ...], run: Iterable[_Part]) -> Grown:
    """Return values with the parts that they were read from."""
    size, sealed, tail = 0, b"", b""
    for part in run:
        size += len(part.text)
        sealed += part.sealed
        tail = b"" if part.sealed else part.text
    return Grown(values, sealed, tail, size)


def _part(kind: int, text: bytes, *, sealed: bool = False) -> bytes:
    return _PART.pack(kind, sealed, len(text)) + text


def _parts(raw: bytes) -> Iterator[tuple[int, _Part]]:
    """Yield what each part is part of, and the part."""
    at = 0
    while at < len(raw):
        kind, sealed, length = _PART.unpack_from(raw, at)
        start, at = at, at + _PART.size + length
        text = raw[start + _PART.size : at]
        yield kind, _Part(zlib.decompress(text), raw[start:at]) if sealed else _Part(text, b"")
