"""Reads topics without a group: from the beginning or from now on, and commits nothing."""

import time
from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin._metadata import TopicMetadata

from pipelines.settings import Settings
from streams.closing import Closing
from streams.connection import Standing, client_options, cluster, hopeless
from streams.topics import TopicsError

_ANSWER_SECONDS = 10
_PAUSE_SECONDS = 0.2


class Listener(Closing):
    """Reads every partition of some topics."""

    def __init__(self, settings: Settings, topics: Sequence[str], *, from_beginning: bool) -> None:
        there = cluster(settings).topics
        self._standing = Standing(settings)
        own = {"group.id": f"listener-{uuid4()}", "enable.auto.commit": False, "error_cb": self._standing.hear_of}
        self._consumer = Consumer(client_options(settings) | own)
        where = OFFSET_BEGINNING if from_beginning else OFFSET_END
        self._places = [
            TopicPartition(topic, partition, where) for topic in topics for partition in _partitions(topic, there)
        ]
        self._consumer.assign(self._places)

    def poll(self, seconds: float) -> Message | None:
        """Return the next record, or None when none came in time.

        Raises:
            UnreachableBrokerError: no broker answers any more, or none to us.
        """
        record = self._consumer.poll(seconds)
        if record is None or record.error() is not None:
            self._standing.ask_anew()
            return None
        return record

    def until_now(self) -> Iterator[Message]:
        """Yield what the topics hold up to now.

        Raises:
            TopicsError: no broker tells how far a topic goes.
            UnreachableBrokerError: as `poll` does.
        """
        left = {(one.topic, one.partition): high for one, low, high in self._ends() if high > low}
        while left:
            record = self.poll(_ANSWER_SECONDS)
            if record is None:
                return
            place = (record.topic(), record.partition())
            if place in left:
                yield record
                if (record.offset() or 0) + 1 >= left[place]:
                    del left[place]

    def record(self, topic: str, partition: int, offset: int) -> Message | None:
        """Return the record at a place, or None where it is no longer kept."""
        self._consumer.assign([TopicPartition(topic, partition, offset)])
        found = self.poll(_ANSWER_SECONDS)
        self._consumer.assign(self._places)
        return found if found is not None and found.offset() == offset else None

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _ends(self) -> Iterator[tuple[TopicPartition, int, int]]:
        for one in self._places:
            low, high = self._span(one)
            yield one, low, high

    def _span(self, place: TopicPartition) -> tuple[int, int]:
        """Return the first offset kept and the next to come. A broker just started may not know that it leads."""
        until = time.monotonic() + _ANSWER_SECONDS
        while True:
            try:
                return self._consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS)
            except KafkaException as error:
                self._standing.ask_anew()
                if hopeless(error.args[0]) or time.monotonic() > until:
                    raise _unreadable(place.topic, error.args[0].name()) from None
            time.sleep(_PAUSE_SECONDS)


def _partitions(topic: str, there: Mapping[str, TopicMetadata]) -> list[int]:
    about = there.get(topic)
    if about is None or about.error is not None:
        raise _unreadable(topic, "missing" if about is None or about.error is None else about.error.name())
    return sorted(about.partitions)


def _unreadable(topic: str, why: str) -> TopicsError:
    return TopicsError(f"the topic {topic} cannot be read: {why}")
