"""`make bench-stream`: measures the worker on a real Kafka beside its peers, and writes benchmarks/stream.md."""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Thread
from uuid import uuid4

from confluent_kafka import Consumer, ConsumerGroupState, TopicPartition
from confluent_kafka.admin import AdminClient

from detector.reward import RewardEvent
from detector.transcript import Call
from pipelines.readers import reader
from pipelines.settings import Settings
from streams import topics
from streams.demo import environment, sample_files
from streams.disorder import varied
from streams.listening import Listener
from streams.messages import TurnsSaid
from streams.replay import Cue, play, score

HERE = Path(__file__).parent
WORKER = (sys.executable, "-m", "streams")
COPY = (sys.executable, str(HERE / "stream_peers.py"), "copy")
LOOP = (sys.executable, str(HERE / "stream_peers.py"), "loop")
FROM, TO = 0.2, 0.9
"""Throughput is told between these shares of the messages: neither start nor end counts."""
PATIENCE_SECONDS = 240.0
LATENCY_SECONDS = 20.0
QUIET_POLLS = 20


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


class Bench:
    """Measures on one broker, each time on topics of its own."""

    def __init__(self, brokers: str, folder: Path, *, repeats: int, scale: float) -> None:
        self._brokers, self._folder = brokers, folder
        self._repeats, self._scale = repeats, scale
        self._samples = [
            one for file in sample_files() for one in reader("native", file)(file) if isinstance(one, Call)
        ]

    def cues(self, shape: Shape) -> list[Cue]:
        """Return the messages of a shape."""
        calls = varied(self._samples, max(40, int(shape.calls * self._scale)), turns=20, seed=1)
        return list(score(calls, turns_per_message=shape.turns_per_message, whole_calls=shape.whole_calls))

    def throughput(self, shape: Shape, commands: Sequence[Sequence[str]], *, workers: int = 1) -> list[Rate]:
        """Return the turns a second of each command, the commands taking turns."""
        cues = self.cues(shape)
        turns_a_message = sum(cue.turns for cue in cues) / len(cues)
        found: list[list[float]] = [[] for _ in commands]
        for _ in range(self._repeats):
            for values, command in zip(found, commands, strict=True):
                with self.topics() as settings, running(settings, command, workers):
                    play(cues, settings, speed=None)
                    values.append(pace(settings, len(cues)) * turns_a_message)
        return [Rate(tuple(values)) for values in found]

    def by_partitions(self, shape: Shape, counts: Sequence[int]) -> Iterator[tuple[int, float]]:
        """Yield the worker's turns a second for numbers of partitions."""
        cues = self.cues(shape)
        turns_a_message = sum(cue.turns for cue in cues) / len(cues)
        for count in counts:
            with self.topics(partitions=count) as settings, running(settings, WORKER):
                play(cues, settings, speed=None)
                yield count, pace(settings, len(cues)) * turns_a_message

    def by_live_calls(self, counts: Sequence[int], *, turns: int) -> Iterator[tuple[int, float, float]]:
        """Yield, for numbers of calls under way, the turns a second of further turns, and the worker's bytes a call."""
        for count in counts:
            calls = list(varied(self._samples, count, turns=3, seed=2))
            first = (_said(call, at) for at, call in enumerate(calls))
            later = [_later(calls[at % count], at) for at in range(turns)]
            with self.topics() as settings, running(settings, WORKER) as (process,):
                empty = settled_memory(process)
                play(first, settings, speed=None)
                pace(settings, count)
                held = settled_memory(process) - empty
                play(later, settings, speed=None)
                yield count, pace(settings, turns, before=count), held / count

    def latency(self, turns_a_second: float) -> list[float]:
        """Return the seconds from sending a turn to reading its reward event, sorted, at a pace of turns."""
        count = int(turns_a_second * LATENCY_SECONDS / 20)
        calls = list(varied(self._samples, max(20, count), turns=20, seed=3))
        paced = [Cue(at / turns_a_second, cue.order, cue.message, cue.turns) for at, cue in enumerate(score(calls))]
        with self.topics() as settings, running(settings, WORKER):
            return _delays(settings, paced)

    @contextmanager
    def topics(self, *, partitions: int = 4) -> Iterator[Settings]:
        """Make topics of one run."""
        name = f"bench-{uuid4().hex[:8]}"
        named = {one: f"{name}.{one}" for one in Settings.model_fields if one.startswith("topic_")}
        plain = Settings(_env_file=None, brokers=self._brokers, group=name, partitions=partitions, session_seconds=6)
        settings = plain.model_copy(update=named | {"data_folder": self._folder / name})
        topics.create(settings, replicas=1)
        yield settings


@contextmanager
def running(settings: Settings, command: Sequence[str], workers: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a worker, or several, until the block ends; it begins once they share the partitions among them."""
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        log = stack.enter_context((settings.data_folder / "worker.log").open("ab"))
        env = os.environ | environment(settings)
        processes = [subprocess.Popen(list(command), env=env, stdout=log, stderr=log) for _ in range(workers)]
        try:
            wait_until_shared(settings, workers)
            yield processes
        finally:
            for one in processes:
                one.kill()
                one.wait()


def written(consumer: Consumer, settings: Settings) -> int:
    """Return how many records stand in the changelog: the worker and its peers write one for each message."""
    places = [TopicPartition(topics.changelog(settings), one) for one in range(settings.partitions)]
    return sum(consumer.get_watermark_offsets(one, timeout=10)[1] for one in places)


def pace(settings: Settings, messages: int, *, before: int = 0) -> float:
    """Return the messages handled a second, between the shares FROM and TO of them; wait until all are.

    `before` is how many were handled earlier. Messages that change no state are few, and told by patience.
    """
    consumer = Consumer({"bootstrap.servers": settings.brokers, "group.id": f"pace-{uuid4()}"})
    marks: dict[float, tuple[float, int]] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while TO not in marks:
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {written(consumer, settings) - before} of {messages} messages were handled")
            now, count = time.monotonic(), written(consumer, settings) - before
            for mark in (FROM, TO):
                if count >= mark * messages:
                    marks.setdefault(mark, (now, count))
            time.sleep(0.02)
    finally:
        consumer.close()
    (start, first), (end, last) = marks[FROM], marks[TO]
    return (last - first) / max(end - start, 0.02)


def settled_memory(process: subprocess.Popen[bytes], *, seconds: float = 3.0) -> int:
    """Return a process's resident memory, in bytes, once it has been left alone for some seconds."""
    time.sleep(seconds)
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def wait_until_shared(settings: Settings, workers: int) -> None:
    """Wait until the consumer group has so many members, has settled, and has had time to recover its state."""
    admin, deadline = AdminClient({"bootstrap.servers": settings.brokers}), time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        group = admin.describe_consumer_groups([settings.group])[settings.group].result()
        if group.state == ConsumerGroupState.STABLE and len(group.members) == workers:
            time.sleep(2)
            return
        time.sleep(0.2)
    raise TimeoutError(f"the workers did not start; see {settings.data_folder / 'worker.log'}")


def _delays(settings: Settings, cues: Sequence[Cue]) -> list[float]:
    sent: dict[str, float] = {}

    def note(cue: Cue) -> None:
        if isinstance(cue.message, TurnsSaid):
            sent[cue.message.turns[0].turn_id] = time.monotonic()

    delays = []
    player = Thread(target=play, args=(cues, settings), kwargs={"speed": 1.0, "on_sent": note})
    with Listener(settings, [settings.topic_rewards], from_beginning=False) as listener:
        player.start()
        quiet = 0
        while player.is_alive() or quiet < QUIET_POLLS:
            record = listener.poll(0.1)
            quiet = 0 if record is not None else quiet + 1
            if record is not None:
                event = RewardEvent.model_validate_json(record.value() or b"")
                if event.data.turn_id in sent:
                    delays.append(time.monotonic() - sent[event.data.turn_id])
    return sorted(delays)


def _said(call: Call, at: int) -> Cue:
    return Cue(0.0, at, TurnsSaid(call_id=call.call_id, turns=call.turns[:3]), 3)


def _later(call: Call, at: int) -> Cue:
    turn = call.turns[at % len(call.turns)].model_copy(update={"turn_id": f"later-{at}", "index": 100 + at})
    return Cue(0.0, at, TurnsSaid(call_id=call.call_id, turns=(turn,)), 1)


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which a part of sorted values lies."""
    return values[min(len(values) - 1, int(part * len(values)))]


SHAPES = (
    Shape("one turn a message", calls=500),
    Shape("ten turns a message", calls=1_500, turns_per_message=10),
    Shape("whole calls", calls=4_000, whole_calls=True),
)


def measured(bench: Bench, *, live: Sequence[int], partitions: Sequence[int], say: Callable[[str], None]) -> str:
    """Measure everything and return the report, in Markdown."""
    lines, peak = [], 0.0
    for shape in SHAPES:
        say(shape.name)
        ours, copying, loop = bench.throughput(shape, (WORKER, COPY, LOOP))
        (two,) = bench.throughput(shape, (WORKER,), workers=2)
        peak = peak or ours.middle
        shares = f"{ours.middle / copying.middle:.2f} | {loop} | {two} | {two.middle / ours.middle:.2f}"
        lines.append(f"| {shape.name} | {ours} | {copying} | {shares} |")
    say("latency")
    delays = bench.latency(peak / 2)
    median, late = share(delays, 0.5) * 1000, share(delays, 0.99) * 1000
    say("partitions")
    by_partitions = [f"| {count} | {rate:,.0f} |" for count, rate in bench.by_partitions(SHAPES[0], partitions)]
    say("live calls")
    by_calls = [
        f"| {count:,} | {rate:,.0f} | {held / 1024:.1f} |"
        for count, rate, held in bench.by_live_calls(live, turns=4_000)
    ]
    table, growth, calls = "\n".join(lines), "\n".join(by_partitions), "\n".join(by_calls)
    return f"""# The stream

Written by `make bench-stream` on {datetime.now(tz=UTC):%Y-%m-%d}. Do not edit.

Python {platform.python_version()}; {os.cpu_count()} cores, shared by the workers and the broker (Apache Kafka).
Turns a second, median of repeats (least and most in brackets). The copying worker is a Faust worker with the same
settings that copies each message, writes one table entry for it, and does nothing else; the bare loop is aiokafka's,
without state.

| shape | one worker | copying worker | ours ÷ copying | bare loop | two workers | two ÷ one |
|---|---|---|---|---|---|---|
{table}

From a turn's sending to reading its reward event, at {peak / 2:,.0f} turns a second, half of the first row's pace
({len(delays):,} rewards): median {median:.0f} ms, p99 {late:.0f} ms.

| partitions | turns a second, one turn a message |
|---|---|
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
    parser.add_argument("--folder", type=Path, default=Path("out/bench"), help="for the workers' logs")
    arguments = parser.parse_args()
    bench = Bench(arguments.brokers, arguments.folder, repeats=arguments.repeats, scale=arguments.scale)
    live = list(islice((100, 1_000, 20_000), 3 if arguments.scale >= 1 else 2))
    text = measured(bench, live=live, partitions=(1, 4, 16, 64), say=lambda told: print(told, file=sys.stderr))
    (HERE / "stream.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
