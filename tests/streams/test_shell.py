"""The parts around the agent: delivery, replay's order, topics, logs, the board of tail."""

import logging
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from aiokafka.partitioner import DefaultPartitioner

from detector.detect import Detector
from detector.reward import RewardType
from detector.transcript import Call, call_of
from pipelines.settings import Settings
from streams import app as factory
from streams.agents import MAX_BURIED_BYTES, dead_letter, poison_of
from streams.codecs import PoisonError, Reason
from streams.connection import UnreachableBrokerError, client_options, credentials
from streams.delivery import LosslessTransport, nothing_lost
from streams.embedded import PARTITIONS
from streams.logs import JsonFormatter
from streams.messages import CallEnded, CallStarted, TurnsSaid
from streams.metrics import Metrics
from streams.producing import EXIT_NOT_SENT, LosslessProducer
from streams.replay import play, score
from streams.tail import Board
from streams.topics import names, new_topic, plan

SETTINGS = Settings(_env_file=None)


def test_exception_while_telling_ends_the_process() -> None:
    """An exception must not leave the agent: its message would count as handled."""
    codes: list[int] = []

    with nothing_lost(end=codes.append):
        raise TimeoutError

    assert codes == [EXIT_NOT_SENT]


def test_app_is_made_safe(detector: Detector) -> None:
    """The app has the consumer, the producer and the settings that lose nothing."""
    app = factory.make_app(SETTINGS, detector, metrics=Metrics())

    assert isinstance(app.transport, LosslessTransport)
    assert isinstance(app.producer, LosslessProducer)
    assert app.producer_transport is app.transport
    assert app.conf.stream_wait_empty is True
    assert app.conf.topic_allow_declare is False
    assert app.conf.web_enabled is False
    assert app.tables["calls"].changelog_topic.get_topic_name() in names(SETTINGS)


def test_bug_is_told_by_kind_and_place_only() -> None:
    """The message of an unforeseen exception may hold words of a call: it is not told."""
    try:
        raise RuntimeError("my card is 1234")  # noqa: TRY301 - the place is told too
    except RuntimeError as error:
        poison = poison_of(error)

    assert poison.reason is Reason.BUG
    assert poison.detail.startswith("RuntimeError in test_bug_is_told")
    assert "1234" not in str(poison)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [(10, 90, (10, 90)), (60, 60, (60, 0)), (110, 10, (0, 0))],
    ids=["both fit", "too large together", "key too large"],
)
def test_dead_letter_is_never_larger_than_kafka_takes(key: int, value: int, kept: tuple[int, int]) -> None:
    """Key and value are copied where they fit together; else the value stays where it stands, and a long key too."""
    share = MAX_BURIED_BYTES // 100
    poison = PoisonError(Reason.WRONG_KEY, "the key is wrong")

    letter = dead_letter(("transcripts", 1, 7), poison, key=b"k" * key * share, value=b"v" * value * share)

    assert (len(letter.key or b""), len(letter.value or b"")) == (kept[0] * share, kept[1] * share)
    assert dict(letter.headers)["copied"] == (b"yes" if kept == (key, value) else b"no")


def two_calls() -> list[Call]:
    """Return a call with times and one without, the second begun ten seconds after the first."""
    timed = [
        {"speaker": "agent", "text": "hello", "end_ms": 15_000},
        {"speaker": "customer", "text": "hi", "end_ms": 9_000},
    ]
    return [
        call_of({"call_id": "timed", "turns": timed}),
        call_of({"call_id": "paced", "turns": [{"speaker": "agent", "text": "one two three four five"}]}),
    ]


def test_calls_are_interleaved_at_their_own_times() -> None:
    """Turns come when they have been said, in the order of their indexes; calls overlap."""
    cues = [(round(cue.at, 1), cue.message.call_id, type(cue.message)) for cue in score(two_calls())]

    assert cues == [
        (0.0, "timed", CallStarted),
        (10.0, "paced", CallStarted),
        (12.7, "paced", TurnsSaid),
        (13.4, "paced", CallEnded),
        (15.0, "timed", TurnsSaid),
        (15.0, "timed", TurnsSaid),
        (15.7, "timed", CallEnded),
    ]


def test_nobody_waits_long_for_an_empty_centre() -> None:
    """Calls that are days apart are played a minute apart at the most."""
    calls = [call_of({"call_id": day, "started_at": f"2026-03-{day}T09:00:00Z"}) for day in ("02", "05")]

    cues = list(score(calls))

    assert [cue.at for cue in cues if isinstance(cue.message, CallStarted)] == [0.0, 60.0]


@pytest.mark.slow
def test_replay_puts_calls_where_the_clients_of_java_do(stage: Any, make_calls: Callable[..., list[Call]]) -> None:
    """A call's partition is that of Java's partitioner: its verdicts meet its transcripts, whoever wrote these."""
    play(score(make_calls(20, prefix="java")), stage.settings, speed=None)

    records = stage.read(stage.settings.topic_transcripts)

    assert len({one.partition() for one in records}) > 1
    assert all(one.partition() == java_partition(one.key(), partitions=PARTITIONS) for one in records)


def java_partition(key: bytes, *, partitions: int) -> int:
    """Return the partition that Java's default partitioner gives a key, by aiokafka's own making of it."""
    every = list(range(partitions))
    return DefaultPartitioner()(key, every, every)


@pytest.mark.slow
def test_replay_keeps_its_speed(stage: Any) -> None:
    """At twenty times the speed the pauses are a twentieth."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    sent = play(score(two_calls()), stage.settings, speed=20, clock=lambda: now[0], sleep=sleep)

    assert sent == 7
    assert now[0] == pytest.approx(15.7 / 20)


def test_state_and_calls_have_the_same_partitions() -> None:
    """The changelog is compacted and partitioned as the transcripts are; rewards go by agent."""
    topics = {one.name: one for one in plan(SETTINGS)}

    assert topics["behaviour-detector-calls-changelog"].partitions == topics["transcripts"].partitions
    assert topics["behaviour-detector-calls-changelog"].config["cleanup.policy"] == "compact"
    assert topics["reward-events"].key == "agent_id"


@pytest.mark.parametrize(("replicas", "needed"), [(1, None), (2, None), (3, "2")])
def test_what_is_taken_outlives_a_broker(replicas: int, needed: str | None) -> None:
    """Of three copies two must be written; with fewer a broker that is away would stop the stream."""
    assert {new_topic(one, replicas=replicas).config.get("min.insync.replicas") for one in plan(SETTINGS)} == {needed}


def test_password_is_never_sent_without_being_asked_for() -> None:
    """SASL over TLS brings its context; SASL without a login is a clear error."""
    login = {"sasl_username": "u", "sasl_password": "p", "security": "SASL_SSL"}
    safe = Settings(_env_file=None, **login)

    made = credentials(safe)

    assert made is not None
    assert made.protocol.value == "SASL_SSL"
    assert client_options(safe)["security.protocol"] == "SASL_SSL"
    with pytest.raises(UnreachableBrokerError, match="DETECTOR_SASL_PASSWORD"):
        credentials(Settings(_env_file=None, security="SASL_SSL"))


def test_log_lines_are_json_without_the_words_of_exceptions() -> None:
    """Of an exception the log tells kind and place; what the caller added stands beside the message."""
    try:
        raise ValueError("my card is 1234")  # noqa: TRY301 - a traceback is needed
    except ValueError as error:
        caught = (type(error), error, error.__traceback__)
    record = logging.LogRecord("streams", logging.ERROR, "file", 1, "it %s", ("failed",), caught)
    record.call_id = "c-1"

    line = orjson.loads(JsonFormatter().format(record))

    assert (line["message"], line["call_id"], line["error"]) == ("it failed", "c-1", "ValueError")
    assert "1234" not in str(line)


def test_board_counts_each_event_once_and_takes_reversals_off(
    detector: Detector, make_calls: Callable[..., list[Call]]
) -> None:
    """A duplicate adds nothing; the points are those of the grants that stand."""
    granted = detector.detect(make_calls(1, prefix="board")[0]).rewards[0]
    back = granted.model_copy(update={"id": "other", "type": RewardType.REVERSED, "causationid": granted.id})
    board = Board()

    added = [board.add(one) for one in (granted, granted, back)]

    assert added == [True, False, True]
    assert board.points == 0
    assert board.table().row_count == 2
