"""The worker on a real Apache Kafka: killed, joined, left by its broker, it loses nothing and pays nothing twice."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient, ConfigResource
from confluent_kafka.cimpl import NewTopic

from detector.detect import Detector
from detector.transcript import Call
from streams import topics
from streams.demo import free_port
from streams.letters import letters
from streams.producing import MOST_UNDER_WAY
from streams.replay import play, score

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]
MakeCalls = Callable[..., list[Call]]


def test_topics_are_made_and_checked(real: Any) -> None:
    """The worker refuses to start and lists what is missing; the command makes it; made again, nothing changes."""
    refused = real.start_worker(real=True)
    code = refused.wait(timeout=60)
    made = topics.create(real.settings, replicas=1)

    assert code == 2
    assert f"{real.settings.topic_transcripts}: missing" in real.logs()
    assert set(made.values()) == {"made"}
    assert topics.faults(real.settings) == []
    assert set(topics.create(real.settings, replicas=1).values()) == {"was there"}


def test_topics_are_as_planned_on_the_broker(real: Any) -> None:
    """Partitions, retention and compaction on the broker are those of the plan."""
    topics.create(real.settings, replicas=1)
    admin = AdminClient({"bootstrap.servers": real.settings.brokers})
    there = admin.list_topics(timeout=10).topics
    asked = [ConfigResource(ConfigResource.Type.TOPIC, one.name) for one in topics.plan(real.settings)]
    told = {one.name: answer.result() for one, answer in admin.describe_configs(asked).items()}

    for one in topics.plan(real.settings):
        assert len(there[one.name].partitions) == one.partitions
        assert {name: told[one.name][name].value for name in one.config} == dict(one.config)


@pytest.mark.parametrize("kind", ["transcripts", "verdicts", "changelog"])
def test_partitions_that_do_not_fit_are_refused(real: Any, kind: str) -> None:
    """The input topics and the state go by the same partitions; the worker starts on nothing else, and says what."""
    settings = real.settings
    odd = topics.changelog(settings) if kind == "changelog" else getattr(settings, f"topic_{kind}")
    wanted = [NewTopic(name, num_partitions=3 if name == odd else 4) for name in topics.names(settings)]
    admin = AdminClient({"bootstrap.servers": settings.brokers})
    for made in admin.create_topics(wanted).values():
        made.result()

    worker = real.start_worker(real=True)

    assert worker.wait(timeout=60) == 2
    assert f"{odd}: has 3 partitions, the settings say 4" in real.logs()


def test_broker_that_goes_and_comes_back_loses_nothing(real: Any, detector: Detector, make_calls: MakeCalls) -> None:
    """A worker outlives its broker's restart, or ends and is started again by whoever keeps it; nothing is lost."""
    if not hasattr(real.broker, "stop"):
        pytest.skip("the broker is not ours to stop")
    topics.create(real.settings, replicas=1)
    calls = make_calls(200, prefix="back")
    worker = real.start_worker()
    play(score(calls), real.settings, speed=None)
    assert real.wait_for(lambda: len(real.read(real.settings.topic_decisions)) > 50)

    real.broker.stop(kill=True)
    time.sleep(2)
    real.broker.start()
    if not real.wait_for(lambda: worker.poll() is not None, seconds=5):
        worker.terminate()
        worker.wait(timeout=12)
    real.start_worker()

    assert real.agrees(detector, calls, seconds=90) == []


def test_frozen_broker_holds_the_intake_back_and_loses_nothing(
    real: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """A broker held still: no more is taken in than may be under way, memory stands; then all arrives, each once."""
    if not hasattr(real.broker, "freeze"):
        pytest.skip("the broker is not ours to freeze")
    topics.create(real.settings, replicas=1)
    calls = make_calls(2_000, prefix="frozen")
    play(score(calls, whole_calls=True), real.settings, speed=None)
    port = free_port()
    worker = real.start_worker(DETECTOR_WEB_PORT=str(port), DETECTOR_SESSION_SECONDS="30")
    assert real.wait_for(lambda: real.figures(port)["detector_turns_total"] > 0)

    real.broker.freeze()
    try:
        held = real.wait_for(lambda: real.figures(port)["detector_under_way_messages"] >= MOST_UNDER_WAY, seconds=15)
        at_the_bound = real.figures(port)
        time.sleep(4)
        later = real.figures(port)
    finally:
        real.broker.thaw()

    assert held
    assert later["detector_turns_total"] - at_the_bound["detector_turns_total"] <= 12  # the one call that filled it
    assert later["detector_turns_total"] < 12 * len(calls) / 2
    assert MOST_UNDER_WAY <= later["detector_under_way_messages"] < MOST_UNDER_WAY + 100
    grown = later["process_resident_memory_bytes"] - at_the_bound["process_resident_memory_bytes"]
    assert grown < 8 * 1024 * 1024
    assert real.agrees(detector, calls, seconds=60) == []
    assert worker.poll() is None
    assert len(real.read(real.settings.topic_scorecards)) == len(calls)


def test_ten_megabytes_of_rubbish_do_not_stop_the_stream(real: Any, detector: Detector, make_calls: MakeCalls) -> None:
    """A message too large to be copied is buried by its place; its bytes are read from there."""
    topics.create(real.settings, replicas=1)
    real.start_worker()
    real.send("huge-0", b"x" * 10_000_000)
    calls = make_calls(1, prefix="huge")
    play(score(calls), real.settings, speed=None)

    assert real.agrees(detector, calls) == []
    found = list(letters(real.settings))
    assert [(one.reason, len(one.value or b"")) for one in found] == [("too_large", 10_000_000)]


def test_worker_told_to_stop_amid_a_rebalance_leaves_in_time(
    real: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """SIGTERM while another worker joins: it leaves with code 0 within ten seconds; the other one goes on."""
    topics.create(real.settings, replicas=1)
    calls = make_calls(300, prefix="leave")
    first = real.start_worker()
    play(score(calls), real.settings, speed=None)
    assert real.wait_for(lambda: len(real.read(real.settings.topic_decisions)) > 20)

    real.start_worker()
    admin, group = AdminClient({"bootstrap.servers": real.settings.brokers}), real.settings.group
    while admin.describe_consumer_groups([group])[group].result().state is ConsumerGroupState.STABLE:
        assert first.poll() is None
    began = time.monotonic()
    first.terminate()

    assert first.wait(timeout=12) == 0
    assert time.monotonic() - began < 10
    assert real.agrees(detector, calls, seconds=90) == []


def test_each_call_is_kept_by_the_worker_that_has_its_partition(
    real: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """Calls whose partitions go to a second worker leave the first one's memory, and are back once that one is gone."""
    topics.create(real.settings, replicas=1)
    calls, ports = make_calls(40, prefix="moved"), [free_port(), free_port()]
    real.start_worker(DETECTOR_WEB_PORT=str(ports[0]))
    play(score(calls), real.settings, speed=None)
    assert real.agrees(detector, calls) == []
    assert real.figures(ports[0])["detector_calls"] == len(calls)

    def kept() -> list[float]:
        return [real.figures(one)["detector_calls"] for one in ports]

    second = real.start_worker(DETECTOR_WEB_PORT=str(ports[1]))
    shared = real.wait_for(lambda: all(kept()) and sum(kept()) == len(calls), seconds=60)
    second.terminate()
    second.wait(timeout=12)

    assert shared
    assert real.wait_for(lambda: kept() == [len(calls), 0], seconds=60)
