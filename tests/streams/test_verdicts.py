"""Verdicts in the stream: settled once, while the call's record is kept and after it is gone."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from random import Random
from typing import Any

import fakes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.call import CallState
from detector.decision import Decision
from detector.detect import Detector
from detector.judgement import VerdictKind
from detector.reward import RewardEvent, RewardType
from detector.transcript import Call
from detector.verdict import Known, Verdict
from streams.codecs import PoisonError, Reason, decode, encode
from streams.handling import Handled, handle
from streams.ledger import Ledger
from streams.messages import VERDICTS, CallEnded, CallStarted, Message, TurnsSaid
from streams.records import CallRecord, from_bytes, written
from streams.replay import play, score

MakeCalls = Callable[..., list[Call]]
REJECTED, CONFIRMED = VerdictKind.WRONG_SENSE, VerdictKind.CORRECT


def verdict(decision: Decision, kind: VerdictKind, events: tuple[RewardEvent, ...] = ()) -> Verdict:
    """Return a verdict that knows of the call what its one decision and its reward events tell."""
    header = {"call_id": decision.call_id, "agent_id": decision.agent_id}
    known = Known(header=header, decisions=(decision,), events=events)
    return fakes.verdict(decision, kind, known=known, identifier=kind.value)


def ended(detector: Detector, *texts: str) -> tuple[CallRecord, tuple[RewardEvent, ...]]:
    """Return the record of a call that is over, in which an agent says these texts, and the rewards it led to."""
    said: list[dict[str, Any]] = [{"index": 0, "speaker": "customer", "text": "hello"}]
    said += [{"index": at, "speaker": "agent", "text": text} for at, text in enumerate(texts, start=1)]
    record, rewards = None, []
    for message in (
        CallStarted(call_id="c", agent_id="a"),
        TurnsSaid.model_validate({"call_id": "c", "turns": said}),
        CallEnded(call_id="c"),
    ):
        handled = handle(detector, record, message, at=1.0)
        record = handled.record
        rewards += handled.rewards
    assert record is not None
    return record, tuple(rewards)


def _told(handled: Handled) -> list[tuple[RewardType, str]]:
    return [(one.type, one.data.decision_source) for one in handled.rewards]


def _decision(state: CallState, behaviour: str) -> Decision:
    return next(one for one in state.decisions if one.behaviour == behaviour)


@pytest.mark.parametrize(
    ("text", "behaviour", "kind", "told"),
    [
        ("sorry", "apologise", REJECTED, [(RewardType.REVERSED, "machine")]),
        ("anything", "offer_further_help", CONFIRMED, [(RewardType.GRANTED, "qa")]),
        ("sorry", "apologise", CONFIRMED, []),
    ],
)
def test_verdict_is_settled_alike_with_the_record_and_without_it(
    detector: Detector, text: str, behaviour: str, kind: VerdictKind, told: list[tuple[RewardType, str]]
) -> None:
    """A rejected award is reversed and a confirmed review granted, by the record or, days later, by what QA knew."""
    record, rewards = ended(detector, text)
    given = verdict(_decision(record.state, behaviour), kind, rewards)

    at_once, days_later = handle(detector, record, given, at=2.0), handle(detector, None, given, at=9e9)

    assert _told(at_once) == told
    assert at_once.rewards == days_later.rewards
    assert days_later.record is None


def test_verdict_delivered_again_tells_the_same(detector: Detector) -> None:
    """A verdict that comes twice, its record taken through bytes meanwhile, leads to the same events."""
    record, rewards = ended(detector, "sorry")
    given = verdict(_decision(record.state, "apologise"), REJECTED, rewards)
    first = handle(detector, record, given, at=2.0)
    assert first.record is not None
    kept = from_bytes(written(first.record, partition=0).raw)

    again = handle(detector, kept, given, at=3.0)

    assert again.rewards == first.rewards
    assert again.record is kept


def test_verdict_does_not_keep_a_call_alive(detector: Detector) -> None:
    """A call's silence goes on when it is judged: its state is forgotten when it would have been."""
    record, rewards = ended(detector, "sorry")

    handled = handle(detector, record, verdict(_decision(record.state, "apologise"), REJECTED, rewards), at=500.0)

    assert handled.record is not None
    assert handled.record.seen_at == record.seen_at


def test_verdict_on_a_retracted_decision_earns_nothing(detector: Detector) -> None:
    """Where a revision took the review back before its confirmation came, the record holds against what QA knew."""
    record, _ = ended(detector, "anything")
    given = verdict(_decision(record.state, "offer_further_help"), CONFIRMED)
    lorry = {"index": 1, "speaker": "agent", "text": "lorry", "revision": 1}
    revised = handle(detector, record, TurnsSaid.model_validate({"call_id": "c", "turns": [lorry]}), at=2.0)

    handled = handle(detector, revised.record, given, at=3.0)
    again = handle(detector, handled.record, given, at=4.0)

    assert revised.decisions[0].retracted
    assert (handled.rewards, again.rewards) == ((), ())
    assert handled.record is not None
    assert handled.record.state.credits == ()


def test_later_award_is_told_after_a_verdict_on_a_retracted_decision(detector: Detector) -> None:
    """What a retracted decision did not earn is free to be earned: its event's id was not spent."""
    record, _ = ended(detector, "anything")
    given = verdict(_decision(record.state, "offer_further_help"), CONFIRMED)
    lorry, anything = (
        TurnsSaid.model_validate(
            {"call_id": "c", "turns": [{"index": 1, "speaker": "agent", "text": text, "revision": at}]}
        )
        for at, text in enumerate(("lorry", "anything"), start=1)
    )

    told = []
    for message in (lorry, given, anything):
        handled = handle(detector, record, message, at=2.0)
        assert handled.record is not None
        record, told = handled.record, [*told, _told(handled)]

    assert told == [[], [], [(RewardType.GRANTED, "qa")]]
    assert [one.standing for one in record.state.credits] == [True]


def test_verdict_that_counts_on_one_in_vain_is_settled_by_the_record(detector: Detector) -> None:
    """What QA took an earlier verdict to have earned, on a decision retracted meanwhile, does not hold the slot."""
    record, _ = ended(detector, "anything", "anything")
    first, second = (one for one in record.state.decisions if one.behaviour == "offer_further_help")
    in_vain = verdict(first, CONFIRMED)
    taken_for_granted = handle(detector, None, in_vain, at=1.0).rewards
    lorry = {"index": 1, "speaker": "agent", "text": "lorry", "revision": 1}
    revised = handle(detector, record, TurnsSaid.model_validate({"call_id": "c", "turns": [lorry]}), at=2.0)
    judged = handle(detector, revised.record, in_vain, at=3.0)

    handled = handle(detector, judged.record, verdict(second, CONFIRMED, taken_for_granted), at=4.0)

    assert len(taken_for_granted) == 1
    assert [(one.data.decision_id, one.data.slot) for one in handled.rewards] == [(second.decision_id, 1)]


def test_verdict_on_a_call_opened_anew_is_settled_by_what_qa_knew(detector: Detector) -> None:
    """A turn put back after the call was forgotten stands alone, without its grant: rejecting the award reverses it."""
    record, rewards = ended(detector, "sorry")
    given = verdict(_decision(record.state, "apologise"), REJECTED, rewards)
    alone = handle(detector, None, TurnsSaid(call_id="c", turns=record.state.turns[1:]), at=9e8)

    handled = handle(detector, alone.record, given, at=9e9)

    assert alone.rewards == ()
    assert [one.causationid for one in handled.rewards] == [rewards[0].id]
    assert handled.record is alone.record


def test_review_confirmed_on_a_call_begun_anew_is_paid(detector: Detector) -> None:
    """A record that never told of the decision did not retract it either: what QA knew counts."""
    record, _ = ended(detector, "anything")
    given = verdict(_decision(record.state, "offer_further_help"), CONFIRMED)
    late = {"index": 1, "speaker": "agent", "text": "lorry", "revision": 1}
    anew = handle(detector, None, TurnsSaid.model_validate({"call_id": "c", "turns": [late]}), at=9e8)

    assert _told(handle(detector, anew.record, given, at=9e9)) == [(RewardType.GRANTED, "qa")]


def test_verdict_after_one_that_the_record_has_not_settled_is_settled_by_what_qa_knew(detector: Detector) -> None:
    """A call put back whole knows nothing of the review confirmed before: rejecting it takes the reward back."""
    record, _ = ended(detector, "anything")
    decision = _decision(record.state, "offer_further_help")
    confirmed = verdict(decision, CONFIRMED)
    paid = handle(detector, record, confirmed, at=2.0).rewards
    anew, _ = ended(detector, "anything")
    known = Known(header=anew.state.header, decisions=(decision,), judgements=(confirmed.judgement,), events=paid)

    handled = handle(detector, anew, fakes.verdict(decision, REJECTED, known=known, identifier="later"), at=9e9)

    assert [(one.type, one.causationid) for one in handled.rewards] == [(RewardType.REVERSED, paid[0].id)]


CHOSEN = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([REJECTED, CONFIRMED])), min_size=2, max_size=5)
WORDS = st.lists(st.sampled_from(["wish", "maybe", "wish maybe", "sorry"]), min_size=1, max_size=4)


@settings(max_examples=200)
@given(words=WORDS, chosen=CHOSEN, customer=st.booleans(), chance=st.randoms())
def test_verdicts_in_any_order_lead_to_what_they_lead_to_in_turn(
    *, words: list[str], chosen: list[tuple[int, VerdictKind]], customer: bool, chance: Random
) -> None:
    """Each counts on those before it; overtaken, some of them twice, they leave the same events, credits and card."""
    detector = fakes.word_detector()
    speakers = ["customer" if customer else "agent", *("agent" for _ in words)]
    said = (fakes.turn(at, *one) for at, one in enumerate(zip(speakers, ["hello", *words], strict=True)))
    opened = [CallStarted(call_id="c", agent_id="a"), TurnsSaid(call_id="c", turns=said), CallEnded(call_id="c")]
    record, ledger = _after(detector, None, opened, Ledger())
    in_turn = _in_turn(detector, record.state, chosen, [*ledger.grants.values()])
    shuffled = [*in_turn, *in_turn[::2]]
    chance.shuffle(shuffled)
    late = TurnsSaid(call_id="c", turns=[fakes.turn(9, "agent", "wish")])

    (kept, expected), (mixed, told) = (
        _after(detector, record, [*opened, *verdicts, late], Ledger()) for verdicts in (in_turn, shuffled)
    )

    assert mixed.state.judgements == kept.state.judgements
    assert {one.event.id for one in mixed.state.credits if one.standing} == told.rewards.keys()
    assert told.grants == expected.grants
    assert told.reversed == expected.reversed
    assert told.scorecards == expected.scorecards


def _in_turn(
    detector: Detector, state: CallState, chosen: Iterable[tuple[int, VerdictKind]], events: list[RewardEvent]
) -> list[Verdict]:
    """Return verdicts as QA gives them: each knows what those before it on the agent's behaviour lead to."""
    made: list[Verdict] = []
    for after, (place, kind) in enumerate(chosen):
        if place >= len(state.decisions):
            continue
        decision = state.decisions[place]
        theirs = {one.decision_id: one for one in state.decisions if one.behaviour == decision.behaviour}
        known = Known(
            header=state.header,
            decisions=theirs.values(),
            judgements=[one for one in state.judgements.values() if one.decision_id in theirs],
            events=[one for one in events if one.data.behaviour == decision.behaviour],
        )
        at = fakes.NOON + timedelta(minutes=after)
        made.append(fakes.verdict(decision, kind, known=known, identifier=str(after), decided_at=at))
        step = detector.judge(state, made[-1])
        state, events = step.state, [*events, *step.rewards]
    return made


def _after(
    detector: Detector, record: CallRecord | None, messages: Iterable[Message], ledger: Ledger
) -> tuple[CallRecord, Ledger]:
    """Return the record after messages, taken through its bytes each time, and what was told put together."""
    for message in messages:
        handled = handle(detector, record, message, at=1.0)
        assert handled.record is not None
        record = from_bytes(written(handled.record, partition=0).raw)
        for value in (*handled.decisions, *handled.rewards, *filter(None, [handled.scorecard])):
            ledger.take(value)
    assert record is not None
    return record, ledger


def test_verdict_that_overtook_another_is_not_taken_into_a_call_begun_anew(detector: Detector) -> None:
    """A record that knows one turn of the call takes back no reward for the others."""
    record, _ = ended(detector, "anything", "anything")
    judged, other = (one for one in record.state.decisions if one.behaviour == "offer_further_help")
    confirmed = verdict(other, CONFIRMED)
    known = Known(
        header=record.state.header,
        decisions=(judged, other),
        judgements=(confirmed.judgement,),
        events=handle(detector, record, confirmed, at=2.0).rewards,
    )
    alone = handle(detector, None, TurnsSaid(call_id="c", turns=record.state.turns[:2]), at=9e8).record

    handled = handle(detector, alone, fakes.verdict(judged, REJECTED, known=known), at=9e9)

    assert len(known.events) == 1
    assert (handled.rewards, handled.record) == ((), alone)


def test_verdict_is_not_taken_from_the_transcripts(detector: Detector) -> None:
    """Whoever may write transcripts may not judge: a verdict among them is poison."""
    record, rewards = ended(detector, "sorry")
    raw = encode(verdict(_decision(record.state, "apologise"), REJECTED, rewards))

    with pytest.raises(PoisonError) as refused:
        decode(b"c", raw)

    assert refused.value.reason is Reason.UNKNOWN_TYPE
    assert decode(b"c", raw, messages=VERDICTS).call_id == "c"


@pytest.mark.slow
def test_worker_settles_verdicts(running: Any, detector: Detector, make_calls: MakeCalls) -> None:
    """Verdicts on the topic become reward events once each, though each is delivered twice."""
    calls = make_calls(5, prefix="judged")
    play(score(calls), running.settings, speed=None)
    assert running.agrees(detector, calls) == []
    before = running.told("judged-")
    granted = next(iter(before.rewards.values()))
    award = before.decisions[granted.data.decision_id]
    review = next(one for one in before.decisions.values() if one.outcome == "review")

    for one in 2 * [verdict(award, REJECTED, (granted,)), verdict(review, CONFIRMED)]:
        running.send(one.call_id, encode(one), topic=running.settings.topic_verdicts)

    assert running.wait_for(lambda: granted.id in running.told("judged-").reversed)
    assert running.wait_for(lambda: review.decision_id in _paid(running.told("judged-").rewards))
    standing = running.told("judged-").rewards
    assert award.decision_id not in _paid(standing)
    assert len(_paid(standing)) == len(standing)


def _paid(rewards: dict[str, RewardEvent]) -> set[str]:
    return {one.data.decision_id for one in rewards.values()}
