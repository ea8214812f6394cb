"""From the topics into the review app's store, and its verdicts out, through a real Kafka protocol."""

from pathlib import Path
from threading import Thread
from time import monotonic, sleep

from confluent_kafka import Consumer, Producer
from fakes import word_detector, word_playbook
from store_calls import a_call

from detector.judgement import VerdictKind
from detector.verdict import Verdict
from pipelines.settings import Settings
from pipelines.store import Store, open_store
from pipelines.store.faults import UnknownItemError
from pipelines.store.judging import Bench, judge
from pipelines.store.reading import ReviewedCall, whole_call
from streams.codecs import encode
from streams.connection import client_options
from streams.embedded import EmbeddedBroker
from streams.messages import WholeCall
from streams.review_bridge import ReviewBridge


def test_store_is_filled_and_verdicts_are_sent(tmp_path: Path) -> None:
    """A call, its decisions and rewards told twice are in the store once; a verdict reaches its topic once."""
    call, store = a_call("c"), open_store(str(tmp_path / "store.db"))
    with EmbeddedBroker() as broker:
        settings = broker.settings(Settings(_env_file=None))
        for _ in range(2):
            _tell(settings)
        bridge, over = ReviewBridge(settings, store=store, playbook=word_playbook()), list[bool]()
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
    store.close()

    assert word_detector().detect(call).decisions == found.decisions
    assert (first, VerdictKind.WRONG_SENSE) == (sent.decision_id, sent.kind)
    assert 1 == bridge.counts.sent


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
