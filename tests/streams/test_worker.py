"""The worker as a process, over the embedded broker: nothing lost, nothing told twice under two names."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detector.decision import Scorecard
from detector.detect import Detector
from detector.transcript import Call
from pipelines.readers import reader
from streams.replay import play, score

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
MakeCalls = Callable[..., list[Call]]
SAMPLES = Path(__file__).parents[2] / "samples" / "calls.jsonl"


@pytest.mark.parametrize(
    ("prefix", "how"),
    [("one", {}), ("five", {"turns_per_message": 5}), ("whole", {"whole_calls": True})],
    ids=["a turn a message", "five turns a message", "whole calls"],
)
def test_stream_equals_batch(
    running: Any, detector: Detector, make_calls: MakeCalls, prefix: str, how: dict[str, Any]
) -> None:
    """However turns are packed into messages, the stream tells what batch tells of the same calls."""
    calls = make_calls(30, prefix=prefix)

    play(score(calls, **how), running.settings, speed=None)

    assert running.agrees(detector, calls) == []


def test_redelivered_messages_tell_the_same_facts_again(
    running: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """A call delivered twice gives the same ids twice, and adds nothing."""
    calls = make_calls(5, prefix="again")
    play(score(calls), running.settings, speed=None)
    assert running.agrees(detector, calls) == []
    once = running.told("again-").told

    play(score(calls), running.settings, speed=None)

    assert running.wait_for(lambda: running.told("again-").told >= 2 * once)
    assert running.agrees(detector, calls) == []


def test_poison_is_buried_with_its_reason_and_the_next_message_is_handled(
    running: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """Bad bytes, a broken schema, a wrong key, a bug in scoring: each is a dead letter with reason and place."""
    topic = running.settings.topic_transcripts
    running.send("poison-0", b"\xff\x00 not json")
    running.send("poison-0", None)
    running.send(
        "poison-0", {"type": "turns", "call_id": "poison-0", "turns": [{"speaker": "agent", "text": "secret"}]}
    )
    running.send("poison-0", {"type": "call.started", "call_id": "poison-0", "schema_version": 9})
    running.send("poison-0", {"type": "telegram", "call_id": "poison-0"})
    running.send("other", {"type": "call.started", "call_id": "poison-0"})
    running.send(
        "poison-0",
        {"type": "turns", "call_id": "poison-0", "turns": [{"index": 0, "speaker": "agent", "text": "secret bug"}]},
    )
    calls = make_calls(1, prefix="poison")
    play(score(calls), running.settings, speed=None)

    assert running.agrees(detector, calls) == []
    letters = running.read(running.settings.topic_dead_letters)
    headers = [dict(letter.headers()) for letter in letters]
    reasons = sorted(one["reason"].decode() for one in headers)
    assert reasons == [
        "broken_schema", "bug", "not_json", "not_json", "unknown_schema_version", "unknown_type", "wrong_key",
    ]  # fmt: skip
    assert {one["topic"].decode() for one in headers} == {topic}
    assert all(one["partition"].isdigit() and one["offset"].isdigit() and one["time"] for one in headers)
    assert b"\xff\x00 not json" in {letter.value() for letter in letters}
    assert b"secret" not in b"".join(value for one in headers for value in one.values())
    assert "secret" not in running.logs()
    assert '"call_id":"poison-0"' in running.logs()


def test_message_too_large_to_copy_is_buried_by_its_place(
    running: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """A message of three megabytes does not stop the worker; its dead letter tells where the bytes stand."""
    running.send("huge-0", b"x" * 3_000_000)
    calls = make_calls(1, prefix="huge")
    play(score(calls), running.settings, speed=None)

    assert running.agrees(detector, calls) == []
    headers = [dict(one.headers()) for one in running.read(running.settings.topic_dead_letters)]
    assert [one["copied"] for one in headers if one["copied"] == b"no"] == [b"no"]


def test_samples_stream_as_in_batch(stage: Any) -> None:
    """The shipped detector tells the same of the sample calls in the stream as in batch."""
    assemble = pytest.importorskip("pipelines.assemble")
    if not SAMPLES.is_file() or not (stage.settings.model / "model.json").is_file():
        pytest.skip("no samples or no model")
    calls = [one for one in reader("native", SAMPLES)(SAMPLES) if isinstance(one, Call)]
    stage.start_worker(real=True)
    play(score(calls), stage.settings, speed=None)

    assert stage.agrees(assemble.detector(stage.settings), calls, seconds=80) == []
    assert len(calls) == 12


def test_sigterm_ends_the_worker_in_time_and_loses_nothing(
    stage: Any, detector: Detector, make_calls: MakeCalls
) -> None:
    """A worker told to stop amid its work leaves with code 0 within ten seconds; the next one goes on."""
    calls = make_calls(150, prefix="term")
    first = stage.start_worker()
    play(score(calls), stage.settings, speed=None)
    assert stage.wait_for(lambda: bool(stage.read(stage.settings.topic_decisions)))

    began = time.monotonic()
    first.send_signal(signal.SIGTERM)
    code = first.wait(timeout=15)
    took = time.monotonic() - began
    stage.start_worker()

    assert code == 0
    assert took < 10
    assert stage.agrees(detector, calls) == []


def test_killed_worker_loses_nothing(stage: Any, detector: Detector, make_calls: MakeCalls) -> None:
    """After kill -9 amid the work, again and again, the next worker's facts and the dead one's make the whole."""
    calls = make_calls(150, prefix="kill")
    first = stage.start_worker()
    play(score(calls), stage.settings, speed=None)
    assert stage.wait_for(lambda: len(stage.read(stage.settings.topic_decisions)) > 50)
    first.kill()
    first.wait()
    second = stage.start_worker()
    held = len(stage.read(stage.settings.topic_decisions))
    stage.wait_for(lambda: len(stage.read(stage.settings.topic_decisions)) > held, seconds=20)
    second.kill()
    second.wait()

    stage.start_worker()

    assert stage.agrees(detector, calls, seconds=60) == []


def test_silent_call_is_closed_and_ended_ones_are_forgotten(short_lived: Any) -> None:
    """A call that never ends gets its scorecard after its idle time; then its state goes."""
    settings = short_lived.settings
    turn = {"index": 0, "speaker": "agent", "text": "hello sorry"}
    short_lived.send("idle-0", {"type": "turns", "call_id": "idle-0", "turns": [turn]})

    assert short_lived.wait_for(lambda: bool(short_lived.read(settings.topic_scorecards)), seconds=30)
    scorecard = Scorecard.model_validate_json(short_lived.read(settings.topic_scorecards)[0].value())
    changelog = f"{settings.group}-calls-changelog"
    assert short_lived.wait_for(lambda: short_lived.read(changelog)[-1].value() is None, seconds=20)
    assert scorecard.call_id == "idle-0"
    assert scorecard.outcomes["apologise"] == "done"
