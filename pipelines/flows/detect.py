"""Batch detection: calls from files through the detector to sinks, on all cores, in the order of the input."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

from detector.detect import Detection, Detector
from detector.errors import DetectorError
from detector.transcript import Call
from pipelines.flows.tally import Tally
from pipelines.flows.work import DIGEST_BYTES, Encoder, Heard, Item, Line, Result, Told, Work
from pipelines.flows.workers import awaited, workers
from pipelines.readers import NO_ROLES, Columns, FormatError, InputFault, Roles, native, reader
from pipelines.readers.source import lines
from pipelines.readers.tabular import NO_COLUMNS
from pipelines.sinks import Sink

BATCH_CALLS = 64
BATCH_BYTES = 512 * 1024
BATCHES_AHEAD = 3
KNOWN_CALLS = 50_000
ONCE_PAID = "both are counted here, their rewards have the same ids and are paid once. Give each call an id of its own"
ENGINES = ["pipelines.nlp", "models.classifier"]
"""Imported once, in the process that the workers part from: it is the half of their start."""

DetectorFactory: TypeAlias = Callable[[], Detector]


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
    on_repeat: Callable[[InputFault], None] = lambda _: None,
    on_call: Callable[[Call, Detection], None] | None = None,
) -> Tally:
    """Detect every call of the source and hand the detections to the sinks, in order. Memory does not grow.

    The detector is that of this process; each other process makes its own, and encodes what the sinks then write.
    `on_call` is handed each call with its detection; without it no call's words come back from other processes.
    `on_repeat` is told of a call whose id an earlier one had.

    Raises:
        StoppedAtFaultError: the run is strict and something could not be read; what came before is written.
    """
    tally, known = Tally(), KnownCalls()
    encoders, keep = [sink.encode for sink in sinks], on_call is not None
    here = Work(detector, encoders, keep=keep)
    elsewhere = partial(_start_worker, make_detector, encoders, keep=keep)
    with closing(_results(_batches(source), here, elsewhere, jobs)) as results:
        for result in results:
            if isinstance(result, InputFault):
                tally.faults += 1
                on_fault(result)
                if strict:
                    raise StoppedAtFaultError(str(result))
                continue
            tally.include(result.tally)
            for one in known.repeated(result.told):
                on_repeat(one)
            for encoded in result.encoded:
                for sink, one in zip(sinks, encoded, strict=True):
                    sink.write(one)
            if on_call is not None:
                for call in result.calls:
                    on_call(*call)
    return tally


class KnownCalls:
    """The ids met in a run, the last `KNOWN_CALLS` of them, each with a digest of its words and its file."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, str]] = {}

    def repeated(self, told: Iterable[Told]) -> Iterator[InputFault]:
        """Yield, for each call whose id an earlier one had, where both stand, and whether the words are the same."""
        for one in told:
            key = blake2b(one.call_id.encode(), digest_size=DIGEST_BYTES).digest()
            if key in self._known:
                digest, file = self._known[key]
                words = "the same" if digest == one.digest else "other"
                message = f"the call {one.call_id!r} comes again with {words} words, before in {file}: {ONCE_PAID}"
                yield InputFault(one.file, 0, message)
                continue
            self._known[key] = one.digest, one.file
            if len(self._known) > KNOWN_CALLS:
                del self._known[next(iter(self._known))]


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


def _results(
    batches: Iterator[list[Item]], here: Work, start_worker: Callable[[], None], jobs: int
) -> Generator[Result, None, None]:
    """Yield what becomes of the batches, in their order; of one batch no other process is started."""
    ahead = list(islice(batches, 2))
    if jobs == 1 or len(ahead) <= 1:
        for item in chain.from_iterable(chain(ahead, batches)):
            yield from here.of([item])
    else:
        yield from _spread(chain(ahead, batches), here, start_worker, jobs)


def _spread(batches: Iterator[list[Item]], here: Work, start_worker: Callable[[], None], jobs: int) -> Iterator[Result]:
    """Yield the results of worker processes in the order of the batches; few batches are under way at a time.

    The first batch is done here, while the workers start.
    """
    first = next(batches)
    with workers(jobs, preload=ENGINES, start=start_worker) as pool:
        under_way: deque[Future[list[Result]]] = deque(
            pool.submit(_in_worker, batch) for batch in islice(batches, jobs * BATCHES_AHEAD)
        )
        yield from here.of(first)
        while under_way:
            yield from under_way.popleft().result()
            under_way.extend(pool.submit(_in_worker, batch) for batch in islice(batches, 1))


_worker: list[Work] = []


def _start_worker(make_detector: DetectorFactory, encoders: Sequence[Encoder], *, keep: bool) -> None:
    """Keep what a worker process works with for its life."""
    _worker[:] = [Work(make_detector(), encoders, keep=keep)]


def _in_worker(batch: list[Item]) -> list[Result]:
    return list(_worker[0].of(awaited(batch)))
