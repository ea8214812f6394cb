"""The soak: its disorder is real and repeatable, its reconciliation finds what is wrong, and the stream passes it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.detect import Detector
from detector.transcript import Call
from streams.disorder import Delivery, delivery, interleaved, varied
from streams.handling import handle
from streams.ledger import Ledger, ledger_of
from streams.messages import CallEnded, CallStarted, TurnsSaid
from streams.soak import Plan, reconciled, soak

MakeCalls = Callable[..., list[Call]]


def streamed(detector: Detector, given_deliveries: list[Delivery]) -> Ledger:
    """Return what the pure handling of the deliveries' messages tells."""
    records: dict[str, Any] = {}
    ledger = Ledger()
    for cue in interleaved(given_deliveries, rate=1.0, seed=3):
        handled = handle(detector, records.get(cue.message.call_id), cue.message, at=cue.at)
        records[cue.message.call_id] = handled.record
        for value in (*handled.decisions, *handled.rewards, handled.scorecard):
            if value is not None:
                ledger.take(value)
    return ledger


@given(seed=st.integers(0, 10_000))
def test_disorder_changes_nothing_that_stands(detector: Detector, make_calls: MakeCalls, seed: int) -> None:
    """However calls are delivered, what stands in the end is what batch finds in them."""
    deliveries = [delivery(call, seed=seed) for call in make_calls(3, prefix="soak", seed=seed)]

    batch = ledger_of(detector.detect(one.call) for one in deliveries)

    assert [one for one in reconciled(batch, streamed(detector, deliveries)) if not one.agrees] == []


def test_disorder_has_every_kind_in_it(make_calls: MakeCalls) -> None:
    """Among a hundred calls there are turns twice, late, after the end, in part and revised, and late headers."""
    deliveries = [delivery(call, seed=1) for call in make_calls(100, prefix="soak")]
    found = set()
    for one in deliveries:
        said = [message.turns[0] for message in one.messages if isinstance(message, TurnsSaid)]
        indices = [turn.index for turn in said if turn.is_final]
        end = next(at for at, message in enumerate(one.messages) if isinstance(message, CallEnded))
        found |= {"twice"} if len(set(one.messages)) < len(one.messages) else set()
        found |= {"late"} if indices != sorted(indices) else set()
        found |= {"after the end"} if any(isinstance(message, TurnsSaid) for message in one.messages[end:]) else set()
        found |= {"in part"} if any(not turn.is_final for turn in said) else set()
        found |= {"revised"} if any(turn.revision for turn in said) else set()
        found |= set() if isinstance(one.messages[0], CallStarted) else {"late header"}

    assert found == {"twice", "late", "after the end", "in part", "revised", "late header"}


def test_same_seed_brings_the_same(make_calls: MakeCalls) -> None:
    """A soak can be run again as it was."""
    samples = make_calls(3, prefix="sample")

    def cues(seed: int) -> list[Any]:
        calls = varied(samples, 20, turns=5, seed=seed)
        return list(interleaved((delivery(call, seed=seed) for call in calls), rate=10, seed=seed))

    assert cues(5) == cues(5)
    assert cues(5) != cues(6)


def test_reconciliation_finds_what_is_lost_and_what_is_extra(detector: Detector, make_calls: MakeCalls) -> None:
    """A call that the stream did not tell is missing, one that batch does not know is extra."""
    known, other = make_calls(2, prefix="soak")
    batch, stream = ledger_of([detector.detect(known)]), ledger_of([detector.detect(other)])

    found = {one.name: (one.missing, one.extra) for one in reconciled(batch, stream)}

    assert found["scorecards"] == (1, 1)
    assert found["decisions"] == (len(batch.decisions), len(stream.decisions))
    assert found["rewards"] == (len(batch.rewards), len(stream.rewards))
    assert all(one.agrees for one in reconciled(batch, batch))


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_through_kills_and_rebalances(real: Any, detector: Detector, make_calls: MakeCalls) -> None:
    """Five kills amid three hundred calls in disorder, workers coming and going: the stream tells what batch tells."""
    report = soak(
        make_calls(12, prefix="sample"),
        Plan(),
        settings=real.settings,
        detector=detector,
        command=real.worker_command,
    )

    assert [one for one in report.kinds if not one.agrees] == []
    assert report.kills == 5
    assert report.leave_codes
    assert report.agrees
