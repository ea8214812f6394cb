"""The worker seen from outside."""

from collections.abc import Callable
from typing import Any

import pytest

from detector.detect import Detector
from detector.transcript import Call
from streams.codecs import Reason
from streams.demo import Outcome, free_port
from streams.handling import handle
from streams.ledger import ledger_of
from streams.messages import WholeCall
from streams.metrics import Metrics
from streams.replay import play, score

MakeCalls = Callable[..., list[Call]]


def test_metrics_count_what_was_handled(detector: Detector, make_calls: MakeCalls) -> None:
    """Turns, decisions by behaviour and outcome, rewards, dead letters, seconds of the step, the process's memory."""
    call = make_calls(1, prefix="metrics")[0]
    message = WholeCall.model_construct(**dict(call))
    handled = handle(detector, None, message, at=1.0)
    awards = sum(one.behaviour == "apologise" for one in handled.decisions)
    metrics = Metrics()

    metrics.handled(message, handled)
    metrics.buried(Reason.BUG)
    metrics.step.observe(0.0003)
    told = metrics.registry.get_sample_value

    assert told("detector_turns_total") == 12
    assert told("detector_decisions_total", {"behaviour": "apologise", "outcome": "award"}) == awards > 0
    assert told("detector_rewards_total") == len(handled.rewards) > 0
    assert told("detector_dead_letters_total", {"reason": "bug"}) == 1
    assert told("detector_dead_letters_total", {"reason": "not_json"}) == 0
    assert told("detector_step_seconds_bucket", {"le": "0.0005"}) == 1
    assert told("detector_step_seconds_bucket", {"le": "0.0002"}) == 0
    assert told("process_resident_memory_bytes") > 0


@pytest.mark.slow
def test_worker_tells_health_readiness_and_metrics(stage: Any, detector: Detector, make_calls: MakeCalls) -> None:
    """A ready worker answers 200 on its own port on loopback, and counts what it took in."""
    calls = make_calls(3, prefix="seen")
    port = free_port()
    stage.start_worker(DETECTOR_WEB_PORT=str(port))

    assert stage.wait_for(lambda: stage.asked(port, "/readyz") == (200, "ok\n"))
    assert stage.asked(port, "/healthz") == (200, "ok\n")
    play(score(calls), stage.settings, speed=None)
    assert stage.agrees(detector, calls) == []
    assert stage.wait_for(lambda: stage.figures(port)["detector_lag_messages"] == 0)
    figures = stage.figures(port)
    assert figures["detector_turns_total"] == 36
    assert figures["detector_calls"] == 3
    assert figures["detector_ready"] == 1
    assert figures["detector_step_seconds_count"] == 3 * 14
    assert figures["detector_reward_delay_seconds_count"] == figures["detector_rewards_total"] > 0
    assert 0 < figures["detector_reward_delay_seconds_sum"] / figures["detector_rewards_total"] < 10


def test_demo_tells_what_differs_and_what_was_lost(detector: Detector, make_calls: MakeCalls) -> None:
    """The demo is content only when stream and batch agree and nothing is among the dead letters."""
    calls = make_calls(2, prefix="demo")
    batch = ledger_of(detector.detect(call) for call in calls)
    half = ledger_of(detector.detect(call) for call in calls[:1])

    assert Outcome(batch, batch, dead_letters=0, seconds=1.0).faults == []
    assert Outcome(batch, batch, dead_letters=2, seconds=1.0).faults == ["2 dead letters"]
    assert f"scorecard {calls[1].call_id} is missing" in Outcome(half, batch, dead_letters=0, seconds=1.0).faults
