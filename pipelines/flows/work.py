"""The work of one process of a batch run: items in, what is to be written and counted out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeAlias

from detector.detect import Detection, Detector
from detector.transcript import Call
from pipelines.flows.tally import Tally
from pipelines.readers import NO_ROLES, CallOrFault, InputFault, Roles
from pipelines.readers.native import call_or_fault


@dataclass(frozen=True, slots=True)
class Line:
    """A line of native input, not yet decoded, and where it stands."""

    file: str
    number: int
    raw: bytes
    roles: Roles = NO_ROLES


@dataclass(frozen=True, slots=True)
class Heard:
    """A call, and the file it stands in."""

    file: str
    call: Call


DIGEST_BYTES = 8
Item: TypeAlias = Line | Heard | Call | InputFault
Encoder: TypeAlias = Callable[[Detection], Any]


@dataclass(frozen=True, slots=True)
class Told:
    """That a call was detected: its file and id, and a digest of its words."""

    file: str
    call_id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Portion:
    """What became of some calls in a row: their tally, and what each sink is to write, call by call.

    `told` are the calls' ids, with what tells a call from another of its id; `calls` are the calls themselves with
    their detections, where they are wanted.
    """

    tally: Tally = field(default_factory=Tally)
    encoded: list[tuple[Any, ...]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    calls: list[tuple[Call, Detection]] = field(default_factory=list)


Result: TypeAlias = Portion | InputFault


class Work:
    """Detects calls and encodes the detections for the sinks; where `keep` says so it hands on the calls too."""

    def __init__(self, detector: Detector, encoders: Sequence[Encoder], *, keep: bool) -> None:
        self._detector = detector
        self._encoders = encoders
        self._keep = keep

    def of(self, items: Iterable[Item]) -> Iterator[Result]:
        """Yield what becomes of items, in their order; a fault stays one, and parts what is before and behind it."""
        portion = Portion()
        for item in items:
            call = _call(item)
            if isinstance(call, InputFault):
                yield portion
                yield call
                portion = Portion()
            else:
                self._add(portion, call, file="" if isinstance(item, Call | InputFault) else item.file)
        yield portion

    def _add(self, portion: Portion, call: Call, *, file: str) -> None:
        detection = self._detector.detect(call)
        portion.tally.add(call, detection, file=file)
        portion.told.append(Told(file, call.call_id, _digest(call)))
        portion.encoded.append(tuple([encode(detection) for encode in self._encoders]))
        if self._keep:
            portion.calls.append((call, detection))


def _digest(call: Call) -> bytes:
    words = "\x1f".join(f"{turn.speaker.value} {turn.text}" for turn in call.turns)
    return blake2b(words.encode(), digest_size=DIGEST_BYTES).digest()


def _call(item: Item) -> CallOrFault:
    match item:
        case Line():
            return call_or_fault(item.raw, item.file, item.number, roles=item.roles)
        case Heard():
            return item.call
        case _:
            return item
