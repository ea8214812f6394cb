"""The bridge over Kafka: a vendor's live messages from a topic, native ones to another; at least once.

An offset is committed once all that its message led to is with the broker. Words that wait for the end of their
utterance are in memory only: the commit's metadata says where they begin, and a restart reads from there, silently
as far as was told before.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from detector.errors import DetectorError
from pipelines.flows.bridge import Bridge, UnknownTurns
from pipelines.readers.document import decoded
from pipelines.readers.live import Message as Native
from pipelines.readers.source import UnreadableError
from pipelines.settings import Settings
from streams.agents import MAX_BURIED_BYTES, dead_letter, poison_of
from streams.codecs import PoisonError, Reason
from streams.connection import Standing, client_options, cluster, hopeless
from streams.sending import Sender, UndeliveredError

SETTLE_SECONDS = 1.0
SETTLE_MESSAGES = 1_000
FURTHEST_BACK = 100_000
SESSION_MS = 10_000
_ANSWER_SECONDS = 30
_MOVED = frozenset(
    {KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS}
)  # the partition is or will be another's, who reads the messages again

log = logging.getLogger(__name__)


class BridgeError(DetectorError):
    """The bridge cannot go on; what was not committed comes again when it is started again."""


@dataclass(slots=True)
class Partition:
    """How far a partition is: read from `start` on, told before up to `told`, handled up to `following`."""

    over: Bridge
    start: int
    told: int
    following: int = 0

    def reads(self, offset: int) -> bool:
        """Note where a message stands; tell whether what it leads to is to be told."""
        if offset < self.start:  # the topic was made anew: what stood at these offsets was another message
            self.start = self.told = offset
        return offset >= self.told

    @property
    def metadata(self) -> str:
        """Where a restart is to begin to read, so that it knows what waits."""
        waiting = self.over.waiting_since
        return str(self.following if waiting is None else max(waiting, self.following - FURTHEST_BACK))


@dataclass(slots=True)
class Counts:
    """What was done: messages written, messages sent to the dead letters; and turns nobody is known for."""

    written: int = 0
    buried: int = 0
    unknown: UnknownTurns = field(default_factory=UnknownTurns)


class TopicBridge:
    """Translates the messages of a topic until told to stop. `make` gives the translator of one partition."""

    def __init__(self, settings: Settings, *, source: str, target: str, group: str, make: Callable[[], Bridge]) -> None:
        cluster(settings)
        self._standing = Standing(settings)
        heard = {"error_cb": self._standing.hear_of}
        self._sender = Sender(settings, **{"linger.ms": 5}, **heard)
        self._consumer = Consumer(
            client_options(settings)
            | {
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": SESSION_MS,
            }
            | heard
        )
        self._source, self._target, self._dead_letters = source, target, settings.topic_dead_letters
        self._make = make
        self._partitions: dict[int, Partition] = {}
        self._unsettled = 0
        self.counts = Counts()

    def run(self, stopped: Callable[[], bool]) -> None:
        """Translate until `stopped`; then drain, commit and leave.

        Raises:
            BridgeError: a topic is missing, or the broker did not take a commit.
            UndeliveredError: the broker did not take a message.
            UnreachableBrokerError: no broker answers any more, or none to us.
        """
        try:
            self._find_topics()
            self._consumer.subscribe(
                [self._source], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            self._translate_until(stopped)
            self._settle()
        except KafkaException as error:
            self._standing.ask_anew()
            raise BridgeError(f"the broker refused: {error.args[0].name()}") from None
        except UndeliveredError:
            self._standing.ask_anew()
            raise
        finally:
            self._partitions.clear()  # after a failure nothing more may be committed
            self._consumer.close()

    def _translate_until(self, stopped: Callable[[], bool]) -> None:
        settled = time.monotonic()
        while not stopped():
            record = self._consumer.poll(0.2)
            self._sender.hear()
            self._standing.ask_anew()
            if record is not None:
                self._take(record)
            if self._unsettled >= SETTLE_MESSAGES or time.monotonic() - settled > SETTLE_SECONDS:
                self._settle()
                settled = time.monotonic()

    def _take(self, record: Message) -> None:
        """Take in a message: its bytes never stop the bridge, only the broker can."""
        error, offset = record.error(), record.offset()
        if error is not None and hopeless(error):
            raise BridgeError(f"the topic {self._source} cannot be read: {error.name()}")
        here = self._partitions.get(-1 if (number := record.partition()) is None else number)
        if error is not None or here is None or offset is None:
            return
        tells = here.reads(offset)
        try:
            found = translated(here.over, record.value(), place=offset)
        except Exception as fault:  # noqa: BLE001 - poison never blocks: any fault goes to the dead letters
            if tells:
                self._bury(record, poison_of(fault))
        else:
            for native, key, value in found if tells else ():
                self._sender.send(self._target, key=key, value=value)
                self.counts.written += 1
                self.counts.unknown.take(native)
        here.following = offset + 1
        self._unsettled += 1

    def _bury(self, record: Message, poison: PoisonError) -> None:
        place = (record.topic() or "", record.partition() or 0, record.offset() or 0)
        log.warning("a message went to the dead letters: %s at %s/%d/%d", poison.reason.value, *place)
        letter = dead_letter(place, poison, key=record.key(), value=record.value())
        self._sender.send(self._dead_letters, key=letter.key, value=letter.value, headers=letter.headers)
        self.counts.buried += 1

    def _settle(self) -> None:
        """Wait until the broker has all that was sent; then commit how far the partitions are."""
        self._sender.settle()
        self._unsettled = 0
        done = [(number, one) for number, one in self._partitions.items() if one.following > one.told]
        places = [TopicPartition(self._source, number, one.following, one.metadata) for number, one in done]
        if places and self._committed(places):
            for _, one in done:
                one.told = one.following

    def _committed(self, places: list[TopicPartition]) -> bool:
        """Commit; tell whether the partitions were still ours."""
        try:
            answers = self._consumer.commit(offsets=places, asynchronous=False) or []
        except KafkaException as error:
            if error.args[0].code() in _MOVED:
                return False
            raise
        errors = [one.error for one in answers if one.error is not None]
        for fault in errors:
            if fault.code() not in _MOVED:
                raise KafkaException(fault)
        return not errors

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        """Begin where what waited begins, silently as far as was told before."""
        for one in consumer.committed(places, timeout=_ANSWER_SECONDS):
            told = max(one.offset, 0)
            begin = min(int(one.metadata), told) if one.metadata and one.metadata.isdecimal() else told
            self._partitions[one.partition] = Partition(self._make(), start=begin, told=told)
            if one.offset >= 0:
                next(place for place in places if place.partition == one.partition).offset = begin
        consumer.assign(places)

    def _revoked(self, _: Consumer, places: list[TopicPartition]) -> None:
        """Finish what was begun before others go on with it."""
        if self._partitions:
            self._settle()
        self._lost(_, places)

    def _lost(self, _: Consumer, places: list[TopicPartition]) -> None:
        """Forget partitions that are others' already."""
        for one in places:
            self._partitions.pop(one.partition, None)

    def _find_topics(self) -> None:
        for name in (self._source, self._target, self._dead_letters):
            error = self._consumer.list_topics(name, timeout=_ANSWER_SECONDS).topics[name].error
            if error is not None:
                raise BridgeError(f"the topic {name} cannot be used: {error.name()}")


def translated(over: Bridge, value: bytes | None, *, place: int) -> list[tuple[Native, bytes, bytes]]:
    """Return the native messages that a vendor's bytes lead to, each with its key and its value on Kafka.

    Raises:
        PoisonError: what is wrong, without the words of the call.
    """
    try:
        message = decoded(value or b"")
    except UnreadableError as error:
        raise PoisonError(Reason.NOT_JSON, str(error)) from None
    try:
        found = over.translate(message, place=place)
    except UnreadableError as error:
        raise PoisonError(Reason.BROKEN_SCHEMA, str(error)) from None
    sent = [(one, str(one["call_id"]).encode(), orjson.dumps(one)) for one in found]
    if any(len(key) + len(encoded) > MAX_BURIED_BYTES for _, key, encoded in sent):
        raise PoisonError(Reason.TOO_LARGE, f"leads to a message of more than {MAX_BURIED_BYTES:,} bytes")
    return sent
