"""Batch detection: calls from files through the detector to sinks, on all cores, in the order of the input."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

from detector.decision import CallOutcome, Outcome
from detector.detect import Detection, Detector
from detector.errors import DetectorError
from detector.transcript import Call, Speaker
from pipelines.readers import NO_ROLES, CallOrFault, Columns, FormatError, InputFault, Roles, native, reader
from pipelines.readers.native import call_or_fault
from pipelines.readers.source import lines
from pipelines.readers.tabular import NO_COLUMNS
from pipelines.sinks import Sink

BATCH_CALLS = 16
BATCH_BYTES = 512 * 1024
BATCHES_AHEAD = 3


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


Item: TypeAlias = Line | Heard | Call | InputFault
DetectorFactory: TypeAlias = Callable[[], Detector]


@dataclass(frozen=True, slots=True)
class Detected:
    """What became of one call: its detection, and how many of its turns were the agent's and of an unknown speaker.

    `file` is where it stands, where that is known; `call` the call itself, where it is wanted.
    """

    detection: Detection
    turns: int
    agent_turns: int
    unknown_turns: int
    file: str = ""
    call: Call | None = None


@dataclass(slots=True)
class Tally:
    """What a run counts: for the summary at its end. `unknown_files` are those with a turn of an unknown speaker."""

    calls: int = 0
    turns: int = 0
    agent_turns: int = 0
    unknown_turns: int = 0
    unknown_calls: int = 0
    unknown_files: set[str] = field(default_factory=set)
    faults: int = 0
    points: int = 0
    unpaid: int = 0
    decisions: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, CallOutcome]] = field(default_factory=Counter)

    def add(self, done: Detected) -> None:
        """Count one call."""
        self.calls += 1
        self.turns += done.turns
        self.agent_turns += done.agent_turns
        self.unknown_turns += done.unknown_turns
        self.unknown_calls += done.unknown_turns > 0
        if done.unknown_turns:
            self.unknown_files.add(done.file)
        self.decisions.update((one.behaviour, one.outcome) for one in done.detection.decisions)
        self.outcomes.update(done.detection.scorecard.outcomes.items())
        self.unpaid += sum(one.outcome is Outcome.AWARD and one.agent_id is None for one in done.detection.decisions)
        self.points += sum(event.data.points for event in done.detection.rewards)


class StoppedAtFaultError(DetectorError):
    """A strict run met a fault."""


def items(
    files: Iterable[Path],
    *,
    format_name: str,
    on_bytes: Callable[[int], None],
    roles: Roles = NO_ROLES,
    columns: Columns = NO_COLUMNS,
) -> Iterator[Item]:
    """Yield what the files hold, in order; native lines undecoded, so that the workers share that work too."""
    for file in files:
        try:
            read = reader(format_name, file, columns=columns)
            if read is native.read:
                yield from _native(file, on_bytes, roles)
            else:
                for one in read(file, roles=roles):
                    yield one if isinstance(one, InputFault) else Heard(str(file), one)
                on_bytes(file.stat().st_size)
        except FormatError as error:
            yield InputFault(str(file), 0, str(error).removeprefix(f"{file}: "))
        except OSError as error:
            yield InputFault(str(file), 0, f"cannot be read: {error.strerror}")


def _native(file: Path, on_bytes: Callable[[int], None], roles: Roles) -> Iterator[Item]:
    with file.open("rb") as stream:
        for line in lines(stream, str(file)):
            if isinstance(line, InputFault):
                yield line
            else:
                on_bytes(len(line[1]))
                yield Line(str(file), *line, roles)


def run(
    source: Iterable[Item],
    *,
    detector: Detector,
    make_detector: DetectorFactory,
    sinks: Sequence[Sink],
    jobs: int,
    strict: bool = False,
    on_fault: Callable[[InputFault], None] = lambda _: None,
    on_call: Callable[[Call, Detection], None] | None = None,
) -> Tally:
    """Detect every call of the source and hand the detections to the sinks, in order. Memory does not grow.

    The detector is that of this process; each other process makes its own.
    `on_call` is handed each call with its detection; without it no call's words come back from other processes.

    Raises:
        StoppedAtFaultError: the run is strict and something could not be read; what came before is written.
    """
    tally = Tally()
    batches = _batches(source)
    keep = on_call is not None
    ahead = list(islice(batches, 2))
    if jobs == 1 or len(ahead) <= 1:
        results = _here(chain(ahead, batches), detector)
    else:
        results = _spread(ahead[0], detector, chain(ahead[1:], batches), make_detector, jobs, keep=keep)
    for result in results:
        if isinstance(result, InputFault):
            tally.faults += 1
            on_fault(result)
            if strict:
                raise StoppedAtFaultError(str(result))
            continue
        tally.add(result)
        for sink in sinks:
            sink.write(result.detection)
        if on_call is not None and result.call is not None:
            on_call(result.call, result.detection)
    return tally


def _batches(source: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in batches that are small enough to be held several at a time."""
    batch: list[Item] = []
    size = 0
    for item in source:
        batch.append(item)
        size += len(item.raw) if isinstance(item, Line) else 0
        if len(batch) >= BATCH_CALLS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _here(batches: Iterable[list[Item]], detector: Detector) -> Iterator[Detected | InputFault]:
    for batch in batches:
        for item in batch:
            yield detected(item, detector)


def _spread(
    first: list[Item],
    detector: Detector,
    batches: Iterator[list[Item]],
    make_detector: DetectorFactory,
    jobs: int,
    *,
    keep: bool,
) -> Iterator[Detected | InputFault]:
    """Yield the results of worker processes in the order of the batches; few batches are under way at a time.

    The first batch is done here, while the workers start.
    """
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("forkserver"), initializer=_start_worker, initargs=(make_detector,)
    ) as pool:
        under_way: deque[Future[list[Detected | InputFault]]] = deque(
            pool.submit(_in_worker, batch, keep=keep) for batch in islice(batches, jobs * BATCHES_AHEAD)
        )
        yield from _here([first], detector)
        while under_way:
            yield from under_way.popleft().result()
            under_way.extend(pool.submit(_in_worker, batch, keep=keep) for batch in islice(batches, 1))


_worker_detector: list[Detector] = []


def _start_worker(make_detector: DetectorFactory) -> None:
    """Keep one detector for the life of a worker process."""
    _worker_detector[:] = [make_detector()]


def _in_worker(batch: list[Item], *, keep: bool) -> list[Detected | InputFault]:
    done = [detected(item, _worker_detector[0]) for item in batch]
    return done if keep else [replace(one, call=None) if isinstance(one, Detected) else one for one in done]


def detected(item: Item, detector: Detector) -> Detected | InputFault:
    """Return what becomes of one item; a fault stays one."""
    if isinstance(item, InputFault):
        return item
    call = _call(item)
    if isinstance(call, InputFault):
        return call
    speakers = Counter(turn.speaker for turn in call.turns)
    file = "" if isinstance(item, Call) else item.file
    return Detected(
        detector.detect(call), len(call.turns), speakers[Speaker.AGENT], speakers[Speaker.UNKNOWN], file, call
    )


def _call(item: Line | Heard | Call) -> CallOrFault:
    match item:
        case Line():
            return call_or_fault(item.raw, item.file, item.number, roles=item.roles)
        case Heard():
            return item.call
        case Call():
            return item
