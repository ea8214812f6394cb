"""`make bench-stream`: measures the worker on a real Kafka beside its peers, and writes benchmarks/stream.md."""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import uuid4

from stream_latency import delays, share
from stream_workers import COPY, LOOP, SWIFT_COPY, WORKER, pace, running
from usage import processor_seconds, resident_memory, settle

from detector.transcript import Call
from pipelines.readers import reader
from pipelines.settings import Settings
from streams import topics
from streams.demo import sample_files
from streams.disorder import varied
from streams.messages import TurnsSaid
from streams.replay import Cue, play, score

HERE = Path(__file__).parent
LATENCY_SECONDS = 25.0
LIVE_CALLS = (100, 1_000, 20_000)
PARTITIONS = (1, 4, 16, 64)


@dataclass(frozen=True, slots=True)
class Shape:
    """How turns are packed into messages, and how many calls are played."""

    name: str
    calls: int
    turns_per_message: int = 1
    whole_calls: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """What was measured over repeats, in a second: each repeat's figure."""

    values: tuple[float, ...]

    def __str__(self) -> str:
        spread = f" ({min(self.values):,.0f}–{max(self.values):,.0f})" if len(self.values) > 1 else ""
        return f"{self.middle:,.0f}{spread}"

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.values)


class ByPartitions(NamedTuple):
    """Turns a second on fresh topics and once each partition was written to, and the worker's seconds a turn then."""

    count: int
    fresh: float
    again: float
    spent: float


class Bench:
    """Measures on one broker, each time on topics of its own."""

    def __init__(
        self, brokers: str, folder: Path, *, repeats: int, scale: float, semantic: Literal["on", "off"] = "off"
    ) -> None:
        self._brokers, self._folder, self.semantic = brokers, folder, semantic
        self._repeats, self._scale = repeats, scale
        self._samples = [
            one for file in sample_files() for one in reader("native", file)(file) if isinstance(one, Call)
        ]

    def cues(self, shape: Shape, *, skipped: int = 0) -> list[Cue]:
        """Return the messages of a shape; of other calls where as many as the shape has are skipped once or more."""
        count = max(40, int(shape.calls * self._scale))
        calls = islice(varied(self._samples, count * (skipped + 1), turns=20, seed=1), count * skipped, None)
        return list(score(calls, turns_per_message=shape.turns_per_message, whole_calls=shape.whole_calls))

    def throughput(self, shape: Shape, commands: Sequence[Sequence[str]], *, workers: int = 1) -> list[Rate]:
        """Return the turns a second of each command, the commands taking turns."""
        cues = self.cues(shape)
        turns = turns_a_message(cues)
        found: list[list[float]] = [[] for _ in commands]
        for _ in range(self._repeats):
            for values, command in zip(found, commands, strict=True):
                with self.topics() as settings, running(settings, command, workers):
                    play(cues, settings, speed=None)
                    values.append(pace(settings, len(cues)) * turns)
        return [Rate(tuple(values)) for values in found]

    def by_partitions(self, shape: Shape, counts: Sequence[int]) -> Iterator[ByPartitions]:
        """Yield the worker's turns a second for numbers of partitions, on fresh topics and once more on the same.

        The broker makes each partition's files and indexes at its first messages: the fresh pace is the broker's.
        """
        first, later = self.cues(shape), self.cues(shape, skipped=1)
        for count in counts:
            with self.topics(partitions=count) as settings, running(settings, WORKER) as (process,):
                play(first, settings, speed=None)
                fresh = pace(settings, len(first)) * turns_a_message(first)
                settle(process)
                before = processor_seconds(process)
                play(later, settings, speed=None)
                again = pace(settings, len(later), before=len(first)) * turns_a_message(later)
                settle(process)
                spent = (processor_seconds(process) - before) / sum(cue.turns for cue in later)
                yield ByPartitions(count, fresh, again, spent)

    def by_live_calls(self, counts: Sequence[int], *, turns: int) -> Iterator[tuple[int, float, float]]:
        """Yield, for numbers of calls under way, the turns a second of further turns, and the worker's bytes a call."""
        for count in counts:
            calls = list(varied(self._samples, count, turns=3, seed=2))
            first = (_said(call, at) for at, call in enumerate(calls))
            later = [_later(calls[at % count], at) for at in range(turns)]
            with self.topics() as settings, running(settings, WORKER) as (process,):
                settle(process)
                empty = resident_memory(process)
                play(first, settings, speed=None)
                pace(settings, count)
                # The pace is told at nine tenths of the messages; the rest comes meanwhile.
                settle(process)
                held = resident_memory(process) - empty
                play(later, settings, speed=None)
                yield count, pace(settings, turns, before=count), held / count

    def latency(self, turns_a_second: float) -> list[float]:
        """Return the seconds from sending a turn to reading its reward event, sorted, at a pace of turns."""
        count = int(turns_a_second * LATENCY_SECONDS / 20)
        calls = list(varied(self._samples, max(20, count), turns=20, seed=3))
        paced = [Cue(at / turns_a_second, cue.order, cue.message, cue.turns) for at, cue in enumerate(score(calls))]
        with self.topics() as settings, running(settings, WORKER):
            return delays(settings, paced)

    @contextmanager
    def topics(self, *, partitions: int = 4) -> Iterator[Settings]:
        """Make topics of one run."""
        name = f"bench-{uuid4().hex[:8]}"
        named = {one: f"{name}.{one}" for one in Settings.model_fields if one.startswith("topic_")}
        plain = Settings(
            _env_file=None,
            brokers=self._brokers,
            group=name,
            partitions=partitions,
            session_seconds=6,
            semantic=self.semantic,
        )
        settings = plain.model_copy(update=named | {"data_folder": self._folder / name})
        topics.create(settings, replicas=1)
        yield settings


def turns_a_message(cues: Sequence[Cue]) -> float:
    """Return how many turns the messages hold, on average."""
    return sum(cue.turns for cue in cues) / len(cues)


def _said(call: Call, at: int) -> Cue:
    return Cue(0.0, at, TurnsSaid(call_id=call.call_id, turns=call.turns[:3]), 3)


def _later(call: Call, at: int) -> Cue:
    turn = call.turns[at % len(call.turns)].model_copy(update={"turn_id": f"later-{at}", "index": 100 + at})
    return Cue(0.0, at, TurnsSaid(call_id=call.call_id, turns=(turn,)), 1)


SHAPES = (
    Shape("one turn a message", calls=500),
    Shape("ten turns a message", calls=1_500, turns_per_message=10),
    Shape("whole calls", calls=4_000, whole_calls=True),
)


def measured(bench: Bench, *, say: Callable[[str], None]) -> str:
    """Measure everything and return the report, in Markdown."""
    lines, peak = [], 0.0
    for shape in SHAPES:
        say(shape.name)
        ours, copying, swift, loop = bench.throughput(shape, (WORKER, COPY, SWIFT_COPY, LOOP))
        (two,) = bench.throughput(shape, (WORKER,), workers=2)
        peak = peak or ours.middle
        held = " | ".join(f"{one} | {ours.middle / one.middle:.2f}" for one in (copying, swift))
        lines.append(f"| {shape.name} | {ours} | {held} | {loop} | {two} | {two.middle / ours.middle:.2f} |")
    say("latency")
    taken = bench.latency(peak / 2)
    median, late = share(taken, 0.5) * 1000, share(taken, 0.99) * 1000
    say("partitions")
    by_partitions = [
        f"| {one.count} | {one.fresh:,.0f} | {one.again:,.0f} | {one.spent * 1_000_000:,.0f} |"
        for one in bench.by_partitions(SHAPES[0], PARTITIONS)
    ]
    say("live calls")
    by_calls = [
        f"| {count:,} | {rate:,.0f} | {held / 1024:.1f} |"
        for count, rate, held in bench.by_live_calls(LIVE_CALLS, turns=4_000)
    ]
    table, growth, calls = "\n".join(lines), "\n".join(by_partitions), "\n".join(by_calls)
    return f"""# The stream

Written by `make bench-stream` on {datetime.now(tz=UTC):%Y-%m-%d}. Do not edit.

Python {platform.python_version()}; {os.cpu_count()} cores, shared by the workers and the broker (Apache Kafka).
Turns a second, median of repeats (least and most in brackets). A copying worker is a Faust worker that copies each
message, writes one table entry for it, and does nothing else: by Faust's own consumer and producer, or by the
detector's (the swift one). The bare loop is aiokafka's, without state. The semantic tier is {bench.semantic}.

| shape | one worker | copying | ours ÷ it | swift copying | ours ÷ it | bare loop | two workers | two ÷ one |
|---|---|---|---|---|---|---|---|---|
{table}

From a turn's sending to reading its reward event, at {peak / 2:,.0f} turns a second, half of the first row's pace
({len(taken):,} rewards; the sender's first five seconds left out): median {median:.0f} ms, p99 {late:.0f} ms.

One turn a message. On fresh topics the broker, which shares the cores, makes each partition's files and indexes at its
first messages; *then* is once each has been written to. The worker's own time is that of its processor.

| partitions | turns a second, fresh topics | then | worker's µs a turn then |
|---|---|---|---|
{growth}

| calls under way | further turns a second | worker's memory a call, KiB |
|---|---|---|
{calls}
"""


def main() -> None:
    """Measure on the broker given, or on one of our own; write the report and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", default="127.0.0.1:9092", help="start one with: make kafka")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="less than 1 is a quicker, rougher run")
    parser.add_argument("--semantic", choices=("on", "off"), default="off", help="workers with the semantic tier?")
    parser.add_argument("--folder", type=Path, default=Path("out/bench"), help="for the workers' logs")
    arguments = parser.parse_args()
    bench = Bench(
        arguments.brokers,
        arguments.folder,
        repeats=arguments.repeats,
        scale=arguments.scale,
        semantic=arguments.semantic,
    )
    text = measured(bench, say=lambda told: print(told, file=sys.stderr))
    (HERE / "stream.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
