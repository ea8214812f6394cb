"""The agent: takes a message, keeps what is to be kept, tells what is to be told, buries what cannot be handled."""

import logging
import time
import traceback
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from faust.types import EventT
from faust.types.tuples import Message as KafkaMessage

from detector.detect import Detector
from detector.verdict import Verdict
from streams.codecs import Headers, PoisonError, Reason, decode, encode
from streams.delivery import nothing_lost
from streams.handling import Handled, handle
from streams.messages import CallForgotten, CallIdle, Message, Messages
from streams.metrics import Metrics
from streams.producing import LosslessProducer, OnDelivered
from streams.records import CallRecord, Records, Written

CLOUD_EVENT: Headers = [("content-type", b"application/cloudevents+json; charset=utf-8")]
MAX_BURIED_BYTES = 900_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The topics that the worker writes to, and what it writes by once the app is started."""

    producer: Callable[[], LosslessProducer]
    decisions: str
    scorecards: str
    rewards: str
    dead_letters: str

    async def ebb(self) -> None:
        """Wait while too much is under way: a slow broker slows the intake, and memory does not grow."""
        await self.producer().ebb()

    def tell(self, call_id: str, handled: Handled, *, on_rewarded: OnDelivered | None = None) -> None:
        """Send what a message led to. Returns when it is queued; a send that fails later ends the process.

        `on_rewarded` is called for each reward event once the broker has it.
        """
        give, key = self.producer().give, call_id.encode()
        for decision in handled.decisions:
            give(self.decisions, key=key, value=encode(decision))
        for reward in handled.rewards:
            give(
                self.rewards,
                key=reward.partitionkey.encode(),
                value=encode(reward),
                headers=CLOUD_EVENT,
                on_delivered=on_rewarded,
            )
        if handled.scorecard is not None:
            give(self.scorecards, key=key, value=encode(handled.scorecard))

    async def bury(self, message: KafkaMessage, poison: PoisonError) -> None:
        """Send a message to the dead letters and wait until the broker has it.

        A message too large to be copied is left where it stands; the headers say where.
        """
        where = (message.topic, message.partition, message.offset)
        letter = dead_letter(where, poison, key=message.key, value=message.value)
        await (await self.producer().send(self.dead_letters, letter.key, letter.value, None, None, letter.headers))


class Shell:
    """Runs the detector on the messages of a stream."""

    def __init__(self, *, detector: Detector, records: Records, outbox: Outbox, metrics: Metrics) -> None:
        self._detector = detector
        self._metrics = metrics
        self._records = records
        self._outbox = outbox

    async def consume(self, events: AsyncIterable[EventT[Any]], messages: Messages) -> None:
        """Take in message after message of a topic that may hold these, for good."""
        async for event in events:
            with nothing_lost():
                await self.take(event.message, messages)

    async def take(self, message: KafkaMessage, messages: Messages) -> None:
        """Take in one message. Whatever its bytes hold, it returns; it raises only when something cannot be sent."""
        await self._outbox.ebb()
        try:
            said = decode(message.key, message.value, messages=messages)
            before = self._before(said, message.partition)
            with self._metrics.step.time():
                handled = handle(self._detector, before, said, at=message.timestamp or time.time())
            after = self._kept(said.call_id, handled.record, before, partition=message.partition)
        except Exception as error:  # noqa: BLE001 - poison never blocks: any fault goes to the dead letters
            poison = poison_of(error)
            log.warning("a message went to the dead letters", extra=_place(message) | {"reason": poison.reason.value})
            self._metrics.buried(poison.reason)
            await self._outbox.bury(message, poison)
            return
        if after is not None:
            self._records.put(said.call_id, after)
        elif handled.record is None and before is not None:
            self._records.drop(said.call_id)
        # A verdict comes days after its turn: it tells nothing of how fast the stream is.
        timed = bool(message.timestamp) and not isinstance(said, Verdict)
        on_rewarded = partial(self._rewarded, message.timestamp) if timed else None
        self._outbox.tell(said.call_id, handled, on_rewarded=on_rewarded)
        self._metrics.handled(said, handled)

    def _before(self, said: Message, partition: int) -> CallRecord | None:
        """Return what is kept of a message's call; for a verdict that came to another partition than its call nothing.

        The record would be written into the changelog of the verdict's partition, and go with that.
        """
        if isinstance(said, Verdict):
            return self._records.in_partition(said.call_id, partition)
        return self._records.get(said.call_id)

    def _kept(
        self, call_id: str, record: CallRecord | None, before: CallRecord | None, *, partition: int
    ) -> Written | None:
        """Return what is to be kept with its bytes; None where the table holds it already, or is to hold none."""
        if record is None or record is before:
            return None
        return self._records.written(call_id, record, before, partition=partition)

    def _rewarded(self, since: float, _: object) -> None:
        self._metrics.delay.observe(max(0.0, time.time() - since))


@dataclass(frozen=True, slots=True)
class Due:
    """A message that a call's silence calls for, and the partition its call is in."""

    message: CallIdle | CallForgotten
    partition: int


def due(
    records: Records, *, now: float, idle_seconds: float, grace_seconds: float, partitions: Iterable[int]
) -> list[Due]:
    """Return what is due for calls of some partitions: to be closed when idle, to be forgotten after their grace."""
    ours = frozenset(partitions)
    found: list[Due] = []
    for call_id, seen in records.glances():
        if seen.partition not in ours:
            continue
        if seen.ended_at and now - max(seen.seen_at, seen.ended_at) > grace_seconds:
            found.append(Due(CallForgotten(call_id=call_id, seen_at=seen.seen_at), seen.partition))
        elif not seen.ended_at and now - seen.seen_at > idle_seconds:
            found.append(Due(CallIdle(call_id=call_id, seen_at=seen.seen_at), seen.partition))
    return found


def poison_of(error: Exception) -> PoisonError:
    """Return a fault as poison; of a bug only its kind and place are told, for its message may hold words."""
    if isinstance(error, PoisonError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return PoisonError(Reason.BUG, f"{type(error).__name__}{where}")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it is sent to the dead letters."""

    key: bytes | None
    value: bytes | None
    headers: Headers


def dead_letter(
    place: tuple[str, int, int], poison: PoisonError, *, key: bytes | None, value: bytes | None
) -> DeadLetter:
    """Return the dead letter of a message: without its value where that and the key are too large, or without both."""
    size = len(key or b"")
    if size + len(value or b"") <= MAX_BURIED_BYTES:
        return DeadLetter(key, value, epitaph(place, poison, copied=True))
    return DeadLetter(key if size <= MAX_BURIED_BYTES else None, b"", epitaph(place, poison, copied=False))


def epitaph(place: tuple[str, int, int], poison: PoisonError, *, copied: bool) -> Headers:
    """Return the headers of a dead letter: why, from where, when, and whether all its bytes were copied."""
    topic, partition, offset = place
    told = {
        "reason": poison.reason.value,
        "detail": poison.detail,
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "copied": "yes" if copied else "no",
    }
    return [(name, value.encode()) for name, value in told.items()]


def _place(message: KafkaMessage) -> dict[str, object]:
    call_id = (message.key or b"").decode(errors="replace")
    return {"call_id": call_id, "topic": message.topic, "partition": message.partition, "offset": message.offset}
