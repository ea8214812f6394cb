"""The worker and its peers as processes, and what is seen of them from outside: their pace, their memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from pipelines.settings import Settings
from streams import topics
from streams.demo import environment

PEERS = str(Path(__file__).with_name("stream_peers.py"))
WORKER = (sys.executable, "-m", "streams")
COPY = (sys.executable, PEERS, "copy")
SWIFT_COPY = (sys.executable, PEERS, "swift-copy")
LOOP = (sys.executable, PEERS, "loop")
FROM, TO = 0.2, 0.9
"""Throughput is told between these shares of the messages: neither start nor end counts."""
PATIENCE_SECONDS = 240.0


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


def wait_until_shared(settings: Settings, workers: int) -> None:
    """Wait until the consumer group has so many members, has settled, and has had time to recover its state."""
    admin, deadline = AdminClient({"bootstrap.servers": settings.brokers}), time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(KafkaException):  # a broker that has just started knows no coordinator of the group yet
            group = admin.describe_consumer_groups([settings.group])[settings.group].result()
            if group.state == ConsumerGroupState.STABLE and len(group.members) == workers:
                time.sleep(2)
                return
        time.sleep(0.2)
    raise TimeoutError(f"the workers did not start; see {settings.data_folder / 'worker.log'}")
