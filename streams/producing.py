"""Faust's producer on librdkafka: in C, beside the event loop, and never more under way than it is told to hold."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

from confluent_kafka import KafkaError, Message
from confluent_kafka import Producer as Client
from faust.transport.producer import Producer
from faust.types import FutureMessage
from faust.types.core import HeadersArg
from faust.types.tuples import TP, RecordMetadata
from mode import Service

from streams.codecs import Headers
from streams.connection import PRODUCING, refusal

EXIT_REFUSED, EXIT_STOPS_TOO_SLOWLY, EXIT_NOT_SENT = 2, 70, 71
REFUSED_SECONDS = 10.0
"""A refusal may be that of a broker which is just going or coming; one that goes on for so long is meant."""
SAME_REFUSAL_SECONDS = 30.0
"""A client that is refused is back within ten seconds: one that was not refused for so long was let in meanwhile."""
POLL_SECONDS = 0.005
MOST_UNDER_WAY = 5_000
MOST_BYTES_UNDER_WAY = 64 * 1024 * 1024
OPTIONS: Mapping[str, Any] = {
    **PRODUCING,
    "linger.ms": 50,  # librdkafka asks for each partition by itself: with many, fewer and fuller requests
    "message.timeout.ms": 30_000,
    "queue.buffering.max.messages": 1_000_000,  # `ebb` holds the worker back long before
    "queue.buffering.max.kbytes": 1_000_000,
}

log = logging.getLogger(__name__)
End: TypeAlias = Callable[[int], Any]
OnDelivered: TypeAlias = Callable[[Message], None]


def give_up(error: object, *, end: End = os._exit) -> None:
    """End the process at once because something could not be sent; nothing is committed after it."""
    told = error.name() if isinstance(error, KafkaError) else type(error).__name__
    log.critical("a send failed: the process ends and the messages will come again", extra={"error": told})
    _leave(EXIT_NOT_SENT, end)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to do about a broker that refuses us, since when it does, and when it did last, by the monotonic clock."""

    told: str
    since: float
    last: float

    def goes_on(self, now: float) -> bool:
        """Tell whether a refusal now would be the same."""
        return now - self.last <= SAME_REFUSAL_SECONDS

    def leave(self, end: End) -> None:
        """End the process at once, saying why."""
        log.critical("%s; the process ends, and nothing is lost", self.told)
        _leave(EXIT_REFUSED, end)


def _leave(code: int, end: End) -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()
    end(code)


class LosslessProducer(Producer):
    """Sends what Faust and the shell give it. A send that fails ends the process: Faust would commit over it.

    So does a broker that refuses the login or the certificate while the worker runs: Faust would try on for ever.
    What is given is queued at once. Whoever gives much awaits `ebb` first: then a slow broker slows the intake down.
    """

    def __init__(
        self,
        *args: Any,
        options: Mapping[str, Any],
        end: End = os._exit,
        clock: Callable[[], float] = time.monotonic,
        **others: Any,
    ) -> None:
        super().__init__(*args, **others)
        self._options = {**OPTIONS, "message.max.bytes": self.max_request_size, **options}
        self._end, self._clock = end, clock
        self._client: Client | None = None
        self._given = self._bytes = 0
        self._open: dict[int, int] = {}  # the numbers, rising, and sizes of what the broker does not have yet
        self._refusal: Refusal | None = None

    async def on_start(self) -> None:
        """Connect."""
        self._client = Client(self._options | {"error_cb": self.refused})

    async def on_stop(self) -> None:
        """Wait until the broker has everything."""
        if self._client is not None:
            await self.flush()

    @Service.task
    async def _serve(self) -> None:
        while not self._stopped.is_set():  # a worker that crashed still hears why while it stops
            await self._hear()

    @property
    def client(self) -> Client:
        """The client, once started."""
        if self._client is None:
            raise RuntimeError("the producer is not started")
        return self._client

    @property
    def under_way(self) -> int:
        """How many messages were given that the broker does not have yet."""
        return len(self._open)

    def give(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Headers | None = None,
        on_delivered: OnDelivered | None = None,
    ) -> None:
        """Queue a message; `on_delivered` is called once the broker has it."""
        number, size = self._given, len(value or b"")
        self.client.produce(
            topic,
            value,
            key,
            -1 if partition is None else partition,
            partial(self._told, number, on_delivered),
            headers=cast("list[tuple[str, str | bytes | None]] | None", headers),
        )
        self._given += 1
        self._open[number] = size
        self._bytes += size

    async def ebb(self) -> None:
        """Wait until less is under way than may be."""
        while self.under_way >= MOST_UNDER_WAY or self._bytes >= MOST_BYTES_UNDER_WAY:
            await self._hear()

    async def flush(self) -> None:
        """Wait until the broker has what was given so far, whatever it has of what is given meanwhile."""
        given = self._given
        while next(iter(self._open), given) < given:
            await self._hear()

    def send_soon(self, fut: FutureMessage) -> None:
        """Queue a record of a table's changelog; its future and its callback hear of it."""
        record = fut.message
        topic = record.channel.get_topic_name()
        self.give(
            topic, key=record.key, value=record.value, partition=record.partition, on_delivered=partial(_fulfil, fut)
        )

    async def send(  # noqa: PLR0917 - Faust's own signature
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,  # noqa: ARG002 - the client sets it
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,  # noqa: ARG002 - there are no transactions
    ) -> Awaitable[RecordMetadata]:
        """Queue a message; the future returned has its place once the broker has it."""
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.give(
            topic,
            key=key,
            value=value,
            partition=partition,
            headers=list(dict(headers or {}).items()),
            on_delivered=lambda record: future.set_result(place(record)),
        )
        return future

    def supports_headers(self) -> bool:
        """Kafka has had them since 0.11."""
        return True

    def refused(self, error: KafkaError) -> None:
        """Take in an error of the connection: end the process where the broker goes on refusing us."""
        told, now = refusal(error), self._clock()
        if told is None:
            return
        before = self._refusal_at(now)
        self._refusal = Refusal(told, since=now if before is None else before.since, last=now)
        if now - self._refusal.since >= REFUSED_SECONDS:
            self._refusal.leave(self._end)

    def stop_short(self) -> None:
        """End the process at once because stopping takes too long: over the refusal behind it, if there is one."""
        if not self._left_over_a_refusal():
            log.critical("stopping takes too long: the process ends, and what was not committed will come again")
            _leave(EXIT_STOPS_TOO_SLOWLY, self._end)

    def _left_over_a_refusal(self) -> bool:
        """End the process where the broker goes on refusing us; tell whether it did."""
        refused = self._refusal_at(self._clock())
        if refused is not None:
            refused.leave(self._end)
        return refused is not None

    def _refusal_at(self, now: float) -> Refusal | None:
        """Return the refusal that goes on at a time, if one does."""
        return self._refusal if self._refusal is not None and self._refusal.goes_on(now) else None

    async def _hear(self) -> None:
        """Take in what the broker has told of what is under way, and let others run for a moment."""
        self.client.poll(0)
        await asyncio.sleep(POLL_SECONDS)

    def _told(self, number: int, on_delivered: OnDelivered | None, error: KafkaError | None, record: Message) -> None:
        if error is not None:
            if not self._left_over_a_refusal():
                give_up(error, end=self._end)
            return
        self._refusal = None
        self._bytes -= self._open.pop(number)
        if on_delivered is not None:
            on_delivered(record)


def place(record: Message) -> RecordMetadata:
    """Return where the broker has put a message."""
    where = TP(record.topic() or "", record.partition() or 0)
    return RecordMetadata(where.topic, where.partition, where, record.offset() or 0)


def _fulfil(fut: FutureMessage, record: Message) -> None:
    fut.set_result(place(record))
    if fut.message.callback:
        fut.message.callback(fut)
