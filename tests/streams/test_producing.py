"""The producer: what is given is sent, a slow broker holds the giver back, what fails ends the process."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from detector.detect import Detector
from pipelines.settings import Settings
from streams import producing
from streams.agents import Outbox, Shell
from streams.codecs import encode
from streams.connection import producer_options
from streams.messages import TRANSCRIPTS, WholeCall
from streams.metrics import Metrics
from streams.producing import (
    EXIT_NOT_SENT,
    EXIT_REFUSED,
    EXIT_STOPS_TOO_SLOWLY,
    REFUSED_SECONDS,
    LosslessProducer,
)
from streams.records import Records


class SlowClient:
    """librdkafka's producer before a broker that has a message only when told to."""

    def __init__(self) -> None:
        self.queued: list[tuple[str, Any, Callable[..., None]]] = []

    def produce(
        self, topic: str, value: bytes, key: bytes, partition: int, on_delivery: Callable[..., None], *, headers: Any
    ) -> None:
        """Queue a message."""
        self.queued.append((topic, value, on_delivery))

    def poll(self, _: float) -> int:
        """Tell of nothing by itself."""
        return 0

    def acknowledge(self, count: int, error: KafkaError | None = None, *, first: int = 0) -> None:
        """Have the broker take, or refuse, some messages: the first ones unless told otherwise."""
        for topic, value, on_delivery in self.queued[first : first + count]:
            on_delivery(error, FakeRecord(topic, value))
        del self.queued[first : first + count]


class FakeRecord:
    """A message that the broker has."""

    def __init__(self, topic: str, value: bytes) -> None:
        self._topic, self._value = topic, value

    def topic(self) -> str:
        """Return where it is."""
        return self._topic

    def partition(self) -> int:
        """Return where it is."""
        return 2

    def offset(self) -> int:
        """Return where it is."""
        return 11


class FakeClock:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def producer_on(
    client: SlowClient, *, end: Callable[[int], Any] = lambda _: None, clock: Callable[[], float] = time.monotonic
) -> Any:
    """Return a producer on a client."""
    conf = SimpleNamespace(
        broker_client_id="c",
        producer_linger=0,
        producer_max_batch_size=1,
        producer_acks=-1,
        producer_max_request_size=1_000_000,
        producer_compression_type=None,
        producer_request_timeout=30,
        ssl_context=None,
        broker_credentials=None,
        producer_partitioner=None,
        producer_api_version="auto",
        producer_threaded=False,
    )
    made: Any = LosslessProducer(SimpleNamespace(app=SimpleNamespace(conf=conf)), options={}, end=end, clock=clock)
    made._client = client
    return made


async def waits(wait: Any) -> bool:
    """Tell whether something is still waited for after a while."""
    await asyncio.sleep(0.05)
    return not wait.done()


def test_flush_waits_for_what_was_given_before_it() -> None:
    """The input that messages belong to is committed next: a flush ends once the broker has them, and not before."""
    client = SlowClient()

    async def flush() -> tuple[bool, bool]:
        producer = producer_on(client)
        for number in range(3):
            producer.give("t", key=b"k", value=b"%d" % number)
        flushed = asyncio.ensure_future(producer.flush())
        client.acknowledge(2)
        after_two = await waits(flushed)
        client.acknowledge(1)
        return after_two, await waits(flushed)

    assert asyncio.run(flush()) == (True, False)


def test_flush_does_not_count_what_was_given_after_it_began() -> None:
    """What the broker has of later messages does not stand for an earlier one, in whatever order it takes them."""
    client = SlowClient()

    async def flush() -> tuple[bool, bool, int]:
        producer = producer_on(client)
        for number in range(2):
            producer.give("t", key=b"k", value=b"%d" % number)
        flushed = asyncio.ensure_future(producer.flush())
        await asyncio.sleep(0)
        for number in range(3):
            producer.give("t", key=b"k", value=b"later %d" % number)
        client.acknowledge(3, first=1)
        without_the_first = await waits(flushed)
        client.acknowledge(1)
        return without_the_first, await waits(flushed), producer.under_way

    assert asyncio.run(flush()) == (True, False, 1)


def test_worker_spreads_keys_as_every_producer_does() -> None:
    """Whoever reads by key finds a call in the same partition, whether the worker or a command wrote it."""
    shared = producer_options(Settings(_env_file=None))

    assert producer_on(SlowClient())._options["partitioner"] == shared["partitioner"] == "murmur2_random"


def test_sent_message_is_answered_with_its_place() -> None:
    """Who awaits the future of a send, as for dead letters, goes on once the broker has the message."""
    client = SlowClient()

    async def send() -> tuple[str, int, int]:
        future = await producer_on(client).send("t", b"k", b"v", None, None, None)
        client.acknowledge(1)
        found = await future
        return found.topic, found.partition, found.offset

    assert asyncio.run(send()) == ("t", 2, 11)


def test_message_the_broker_refuses_ends_the_process() -> None:
    """A message that cannot be delivered must not count as told."""
    client, codes = SlowClient(), list[int]()

    async def send() -> None:
        producer_on(client, end=codes.append).give("t", key=b"k", value=b"v")
        client.acknowledge(1, KafkaError(KafkaError._MSG_TIMED_OUT))

    asyncio.run(send())

    assert codes == [EXIT_NOT_SENT]


REFUSED = KafkaError(KafkaError._AUTHENTICATION)
TURNED_AWAY = KafkaError(KafkaError._TRANSPORT, "SSL routines::ssl/tls alert bad certificate: SSL alert number 42")
DOWN = KafkaError(KafkaError._TRANSPORT, "Connection refused")


@pytest.mark.parametrize(
    ("errors", "seconds", "codes"),
    [
        ([REFUSED, REFUSED], 0.0, [EXIT_REFUSED]),
        ([TURNED_AWAY, TURNED_AWAY], 0.0, [EXIT_REFUSED]),
        ([REFUSED, REFUSED], 60.0, []),
        ([DOWN, DOWN], 0.0, []),
    ],
    ids=["login", "certificate", "for a moment", "no refusal"],
)
def test_refusal_that_goes_on_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, errors: list[KafkaError], seconds: float, codes: list[int]
) -> None:
    """A login or certificate that the broker goes on refusing ends the process; a broker that is down does not."""
    monkeypatch.setattr(producing, "REFUSED_SECONDS", seconds)
    ended: list[int] = []
    producer = producer_on(SlowClient(), end=ended.append)

    for error in errors:
        producer.refused(error)

    assert ended[:1] == codes


def test_message_unsent_while_we_are_refused_ends_the_process_as_a_refusal() -> None:
    """Whoever reads why the worker ended is told of the login, not of the message that waited for it."""
    client, ended = SlowClient(), list[int]()
    producer = producer_on(client, end=ended.append)
    producer.give("t", key=b"k", value=b"v")
    producer.refused(REFUSED)

    client.acknowledge(1, KafkaError(KafkaError._MSG_TIMED_OUT))

    assert ended == [EXIT_REFUSED]


def test_refusal_before_a_delivery_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the broker took since a refusal says that we are let in; time is counted anew from the next one."""
    monkeypatch.setattr(producing, "REFUSED_SECONDS", 0.05)
    client, ended = SlowClient(), list[int]()
    producer = producer_on(client, end=ended.append)
    producer.refused(REFUSED)
    time.sleep(0.1)

    producer.give("t", key=b"k", value=b"v")
    client.acknowledge(1)
    producer.refused(REFUSED)

    assert ended == []


def test_refusals_far_apart_are_not_one_that_goes_on() -> None:
    """A worker with nothing to send is refused for a moment, and again hours later: it was let in meanwhile."""
    clock, ended = FakeClock(), list[int]()
    producer = producer_on(SlowClient(), end=ended.append, clock=clock)

    producer.refused(REFUSED)
    clock.now = 7_200.0
    producer.refused(REFUSED)
    far_apart = list(ended)
    clock.now += REFUSED_SECONDS
    producer.refused(REFUSED)

    assert (far_apart, ended) == ([], [EXIT_REFUSED])


def test_message_unsent_long_after_a_refusal_is_told_as_unsent() -> None:
    """A refusal hours ago is not why a message was not delivered: the broker is the place to look, not the login."""
    client, clock, ended = SlowClient(), FakeClock(), list[int]()
    producer = producer_on(client, end=ended.append, clock=clock)
    producer.refused(REFUSED)
    clock.now = 7_200.0
    producer.give("t", key=b"k", value=b"v")

    client.acknowledge(1, KafkaError(KafkaError._MSG_TIMED_OUT))

    assert ended == [EXIT_NOT_SENT]


@pytest.mark.parametrize(("refused", "code"), [(True, EXIT_REFUSED), (False, EXIT_STOPS_TOO_SLOWLY)])
def test_stopping_that_takes_too_long_ends_the_process(refused: bool, code: int) -> None:  # noqa: FBT001 - a case
    """Whoever reads why the worker ended is told of the login where that is what stopping waited for."""
    ended = list[int]()
    producer = producer_on(SlowClient(), end=ended.append)
    if refused:
        producer.refused(REFUSED)

    producer.stop_short()

    assert ended == [code]


@pytest.mark.parametrize(("most", "size"), [("MOST_UNDER_WAY", 10), ("MOST_BYTES_UNDER_WAY", 10_000)])
def test_slow_broker_slows_the_intake(
    detector: Detector, monkeypatch: pytest.MonkeyPatch, make_calls: Callable[..., Any], most: str, size: int
) -> None:
    """With a broker that acknowledges nothing the agent stops at the bound, by messages or bytes; then goes on."""
    monkeypatch.setattr(producing, most, size)
    client, table = SlowClient(), dict[bytes, bytes]()
    calls = make_calls(200, prefix="slow")

    async def feed() -> tuple[int, int, int]:
        producer = producer_on(client)
        topics = Settings(_env_file=None)
        outbox = Outbox(
            producer=lambda: producer, decisions=topics.topic_decisions, scorecards=topics.topic_scorecards,
            rewards=topics.topic_rewards, dead_letters=topics.topic_dead_letters,
        )  # fmt: skip
        shell = Shell(detector=detector, records=Records(table), outbox=outbox, metrics=Metrics())
        taken = asyncio.ensure_future(_take_all(shell, calls))
        held = await waits(taken), len(table)
        while not taken.done():
            client.acknowledge(len(client.queued))
            await asyncio.sleep(0.01)
        return held[0], held[1], len(table)

    waited, before, after = asyncio.run(feed())

    assert waited
    assert 0 < before < 100
    assert after == 200


async def _take_all(shell: Shell, calls: Any) -> None:
    for call in calls:
        raw = encode(WholeCall.model_validate(call.model_dump()))
        message: Any = SimpleNamespace(
            key=call.call_id.encode(), value=raw, timestamp=0.0, topic="transcripts", partition=0, offset=0
        )
        await shell.take(message, TRANSCRIPTS)
