"""The worker on a real Apache Kafka: killed, joined, left by its broker, it loses nothing and pays nothing twice."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from detector.detect import Detector
from detector.transcript import Call
from streams import topics
from streams.letters import letters
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
