"""From the topics into the review app's store, and its verdicts out, through a real Kafka protocol."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, Message, Producer, TopicPartition
from fakes import word_detector, word_playbook
from store_calls import a_call

from detector.judgement import VerdictKind
from detector.transcript import Call
from detector.verdict import Verdict
from pipelines.settings import Settings
from pipelines.store import Store, StoreError, open_store
from pipelines.store.faults import UnknownItemError
from pipelines.store.judging import Bench, judge
from pipelines.store.reading import ReviewedCall, whole_call
from streams import connection
from streams.codecs import encode
from streams.connection import UnreachableBrokerError, client_options
from streams.embedded import EmbeddedBroker
from streams.messages import WholeCall
from streams.review_bridge import ReviewBridge, ReviewBridgeError

BEFORE_TIME = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
"""In UTC, which the store keeps, this is before the first year."""
SECRET = "swordfish"


class ReadingConsumer:
    """A consumer that is given what it reads, and counts commits."""

    def __init__(self, *messages: Message) -> None:
        self._messages, self.commits = messages, 0

    def consume(self, number: int, *, timeout: float) -> list[Message]:
        """Return everything."""
        return list(self._messages)

    def commit(self, *, asynchronous: bool) -> None:
        """Count."""
        self.commits += 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = open_store(str(tmp_path / "store.db"))
    yield made
    made.close()


@pytest.fixture
def bridge(store: Store) -> ReviewBridge:
    """A bridge that has not begun, from a broker that does not exist."""
    return _bridge(Settings(_env_file=None, brokers="127.0.0.1:1"), store)


def test_store_is_filled_and_verdicts_are_sent(store: Store) -> None:
    """A call, its decisions and rewards told twice are in the store once; a verdict reaches its topic once."""
    call = a_call("c")
    with EmbeddedBroker() as broker:
        settings = broker.settings(Settings(_env_file=None))
        for _ in range(2):
            _tell(settings)
        bridge, over = _bridge(settings, store), list[bool]()
        thread = Thread(target=bridge.run, args=(lambda: bool(over),), kwargs={"undo_seconds": 0.0})
        thread.start()
        try:
            found = _filled(store)
            with store.writing() as connection:
                bench = Bench(word_playbook(), "tests")
                first = found.decisions[0].decision_id
                judge(connection, first, kind=VerdictKind.WRONG_SENSE, note="", reviewer="q", bench=bench)
            sent = _first_verdict(settings)
        finally:
            over.append(True)
            thread.join(timeout=20)

    assert word_detector().detect(call).decisions == found.decisions
    assert (first, VerdictKind.WRONG_SENSE) == (sent.decision_id, sent.kind)
    assert 1 == bridge.counts.sent


def test_what_cannot_be_read_is_passed_over(
    bridge: ReviewBridge, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """One message that breaks the contract, or that is none, stops nothing; its place is told, its words are not."""
    outside_time = a_call("b", customer_name=SECRET).model_copy(update={"started_at": BEFORE_TIME})
    told = [a_call("a"), outside_time, a_call("c")]
    poison = Message(topic="transcripts", partition=2, offset=5, key=b"d", value=SECRET.encode())
    consumer: Any = ReadingConsumer(*map(_message, told), poison)

    with caplog.at_level(logging.WARNING):
        bridge._fill(consumer)

    assert (bridge.counts.taken, bridge.counts.unreadable, consumer.commits) == (2, 2, 1)
    assert [_is_there(store, one.call_id) for one in told] == [True, False, True]
    assert "broken_schema at transcripts/0/7" in caplog.text
    assert "not_json at transcripts/2/5" in caplog.text
    assert SECRET not in caplog.text


def test_turns_of_a_chat_are_taken(bridge: ReviewBridge, store: Store) -> None:
    """Turns may be placed by milliseconds since 1970; an index beyond 64 bits is unreadable, not the end."""
    call = a_call("chat")
    placed = tuple(turn.model_copy(update={"index": 1_772_442_845_000 + turn.index}) for turn in call.turns)
    beyond = call.turns[0].model_copy(update={"index": 10**19})

    bridge.take(
        [
            _message(call.model_copy(update={"turns": placed})),
            _message(a_call("beyond").model_copy(update={"turns": (beyond,)})),
        ]
    )

    assert (bridge.counts.taken, bridge.counts.unreadable) == (1, 1)
    with store.reading() as connection:
        assert [turn.text for turn in placed] == [turn.words for turn in whole_call(connection, "chat").turns]


@pytest.mark.parametrize("code", ["TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "UNKNOWN_TOPIC_OR_PART"])
def test_topics_that_cannot_be_read_end_the_bridge(bridge: ReviewBridge, code: str) -> None:
    """What the broker will say again and again ends the bridge with its name; nothing is committed."""
    consumer: Any = ReadingConsumer(_message(a_call("c")), _news(getattr(KafkaError, code)))

    with pytest.raises(ReviewBridgeError, match=code):
        bridge._fill(consumer)
    assert consumer.commits == 0


def test_error_that_passes_is_the_clients_to_mend(bridge: ReviewBridge, store: Store) -> None:
    """News of a broken connection is left to the client, which makes a new one; messages beside it are taken."""
    consumer: Any = ReadingConsumer(_news(KafkaError._TRANSPORT), _message(a_call("c")))

    bridge._fill(consumer)

    assert _is_there(store, "c")


def test_wrong_address_is_told(bridge: ReviewBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers the bridge ends and says what to check; it waits for nothing in silence."""
    monkeypatch.setattr(connection, "_PATIENCE", (0.2,))

    with pytest.raises(UnreachableBrokerError, match="check DETECTOR_BROKERS"):
        bridge.run(lambda: False)


def test_missing_topics_are_told(store: Store) -> None:
    """Without its topics the bridge does not begin: it names them and the command that makes them."""
    with EmbeddedBroker() as broker:
        settings = Settings(_env_file=None, brokers=broker.address)
        broker.make([settings.topic_transcripts, settings.topic_decisions, settings.topic_scorecards])

        with pytest.raises(ReviewBridgeError, match="hidden from us: reward-events, verdicts; make them"):
            _bridge(settings, store).run(lambda: False)


def test_refusal_while_it_runs_is_asked_about(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bridge that is refused while it runs asks once more: it goes on if it is let in, else it ends and says why."""
    asked: list[Settings] = []

    def refuse_again(settings: Settings) -> None:
        asked.append(settings)
        if len(asked) == 2:
            raise UnreachableBrokerError("the broker refuses the login")

    with EmbeddedBroker() as broker:
        over = _bridge(broker.settings(Settings(_env_file=None)), store)

        def refused_in_each_round() -> bool:
            monkeypatch.setattr("streams.connection.cluster", refuse_again)
            over._standing.hear_of(KafkaError(KafkaError._AUTHENTICATION))
            return False

        with pytest.raises(UnreachableBrokerError, match="refuses the login"):
            over.run(refused_in_each_round)

    assert len(asked) == 2
    assert "check DETECTOR_SASL_USERNAME" in caplog.text


def test_store_that_fails_is_told_and_nothing_is_committed(store: Store) -> None:
    """A store that fails ends the bridge clearly, and what came meanwhile comes again to the next one."""
    with store.writing() as cut:
        cut.exec_driver_sql("DROP TABLE calls")
    with EmbeddedBroker() as broker:
        settings = broker.settings(Settings(_env_file=None))
        _tell(settings)

        with pytest.raises(StoreError, match="OperationalError"):
            _bridge(settings, store).run(lambda: False)

        assert _committed(settings) == {OFFSET_INVALID}


def _bridge(settings: Settings, store: Store) -> ReviewBridge:
    return ReviewBridge(settings, store=store, playbook=word_playbook())


def _committed(settings: Settings) -> set[int]:
    """Return how far the bridge's group is in the transcripts, over all partitions."""
    consumer = Consumer(client_options(settings) | {"group.id": f"{settings.group}-review"})
    places = [TopicPartition(settings.topic_transcripts, number) for number in range(settings.partitions)]
    try:
        return {one.offset for one in consumer.committed(places, timeout=10)}
    finally:
        consumer.close()


def _message(call: Call) -> Message:
    value = encode(WholeCall.model_construct(**dict(call)))
    return Message(topic="transcripts", partition=0, offset=7, key=call.call_id.encode(), value=value)


def _news(code: int) -> Message:
    """Return what a consumer gives where there is an error and no message."""
    return Message(topic="transcripts", error=KafkaError(code))


def _is_there(store: Store, call_id: str) -> bool:
    try:
        with store.reading() as connection:
            whole_call(connection, call_id)
    except UnknownItemError:
        return False
    return True


def _tell(settings: Settings) -> None:
    call = a_call("c")
    told, producer = word_detector().detect(call), Producer(client_options(settings))
    producer.produce(settings.topic_transcripts, key=b"c", value=encode(WholeCall(**call.model_dump())))
    for topic, values in (
        (settings.topic_decisions, told.decisions),
        (settings.topic_rewards, told.rewards),
        (settings.topic_scorecards, (told.scorecard,)),
    ):
        for value in values:
            producer.produce(topic, key=b"c", value=encode(value))
    producer.flush(10)


def _filled(store: Store) -> ReviewedCall:
    deadline, expected = monotonic() + 60, len(word_detector().detect(a_call("c")).decisions)
    while monotonic() < deadline:
        try:
            with store.reading() as connection:
                found = whole_call(connection, "c")
            if len(found.decisions) == expected and found.scorecard is not None:
                return found
        except UnknownItemError:
            pass
        sleep(0.1)
    raise AssertionError("the store was not filled in time")


def _first_verdict(settings: Settings) -> Verdict:
    consumer = Consumer(client_options(settings) | {"group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe([settings.topic_verdicts])
    try:
        record = consumer.poll(60)
        assert record is not None
        assert record.error() is None
        return Verdict.model_validate_json(record.value() or b"")
    finally:
        consumer.close()
