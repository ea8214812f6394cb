"""Verdicts: what a person says of a decision is settled once, at once or long after the call is forgotten."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from fakes import NOON, call, turn, verdict, word_detector
from hypothesis import given
from hypothesis import strategies as st

from detector.call import CallState
from detector.decision import CallOutcome, Decision
from detector.detect import Step
from detector.judgement import VerdictKind
from detector.reward import RewardEvent, RewardType, reversal_id
from detector.settlement import judged_from_memory
from detector.verdict import Known, Verdict, credits_of

DETECTOR = word_detector()
CORRECT, WRONG = VerdictKind.CORRECT, VerdictKind.WRONG_SENSE


def _heard(*texts: str, customer: bool = True, **header: Any) -> tuple[CallState, list[RewardEvent]]:
    """Return the state after a call of these agent turns, and the reward events it led to."""
    said = call(*[("customer", "hello")] * customer, *(("agent", text) for text in texts), **header)
    state, events = DETECTOR.open(said.header), []
    for one in said.turns:
        step = DETECTOR.step(state, one)
        state = step.state
        events += step.rewards
    return state, events


def _verdict(
    decision: Decision, kind: VerdictKind, *, known: Known | None = None, after: int = 0, name: str = "v"
) -> Verdict:
    return verdict(decision, kind, known=known, identifier=f"{name}-{after}", decided_at=NOON + timedelta(hours=after))


def _known(state: CallState, events: list[RewardEvent]) -> Known:
    return Known(
        header=state.header,
        decisions=state.decisions,
        judgements=tuple(state.judgements.values()),
        events=events,
        customer_heard=state.memory.customer_heard,
        starts={one.turn_id: one.start_ms or 0 for one in state.turns},
    )


def _told(events: tuple[RewardEvent, ...]) -> list[tuple[str, str, int, str]]:
    return [
        (one.type.value.split(".")[1], one.data.behaviour, one.data.slot, one.data.decision_source) for one in events
    ]


def _judged(state: CallState, *verdicts: Verdict) -> Step:
    step = Step(state)
    for one in verdicts:
        step = DETECTOR.judge(step.state, one)
    return step


def test_rejected_award_is_taken_back() -> None:
    """A rejected award's grant is reversed, under the one id that a reversal of it can have."""
    state, (grant,) = _heard("wish")

    step = _judged(state, _verdict(state.decisions[0], WRONG))

    assert _told(step.rewards) == [("reversed", "wish_well", 1, "machine")]
    assert step.rewards[0].id == reversal_id(grant.id)


def test_confirmed_review_is_granted_by_a_person() -> None:
    """A review that QA confirms is paid, and the event tells that a person decided."""
    state, events = _heard("maybe")

    step = _judged(state, _verdict(state.decisions[0], CORRECT))

    assert events == []
    assert _told(step.rewards) == [("granted", "wish_well", 1, "qa")]


@pytest.mark.parametrize(
    ("word", "kind"),
    [("wish", CORRECT), ("wish", VerdictKind.MISSED), ("maybe", WRONG), ("maybe", VerdictKind.MISSED)],
)
def test_other_verdicts_pay_nothing(word: str, kind: VerdictKind) -> None:
    """A confirmed award, a rejected review and a missed act change no reward."""
    state, _ = _heard(word)

    assert _judged(state, _verdict(state.decisions[0], kind)).rewards == ()


def test_next_award_takes_the_slot_of_a_rejected_one() -> None:
    """Where the cap of two had left a third act unpaid, rejecting the first takes it back and pays the third."""
    state, _ = _heard("wish", "wish", "wish")

    step = _judged(state, _verdict(state.decisions[0], WRONG))

    assert [one.type for one in step.rewards] == [RewardType.REVERSED, RewardType.GRANTED]
    assert [one.data.decision_id for one in step.rewards] == [state.decisions[at].decision_id for at in (0, 2)]


def test_verdict_holds_through_the_turns_that_follow() -> None:
    """A rejected award is not paid again when the call goes on, nor when a turn comes late."""
    state, _ = _heard("wish")
    judged = _judged(state, _verdict(state.decisions[0], WRONG)).state

    for said in (turn(3, "agent", "sorry"), turn(2, "agent", "hello"), turn(4, "customer", "too")):
        judged = DETECTOR.step(judged, said).state

    assert _standing(judged) == {(one.decision_id, "apologise") for one in judged.decisions[1:]}


def test_scorecard_heeds_verdicts() -> None:
    """A rejected award is not done, a confirmed review is; the scorecard of an ended call is told anew."""
    state, _ = _heard("maybe")
    ended = DETECTOR.end(state)

    step = _judged(ended.state, _verdict(state.decisions[0], CORRECT))

    assert ended.scorecard is not None
    assert step.scorecard is not None
    assert ended.scorecard.outcomes["wish_well"] is CallOutcome.ABSTAINED
    assert step.scorecard.outcomes["wish_well"] is CallOutcome.DONE


def test_agent_alone_on_the_line_is_paid_for_what_a_person_confirms_only() -> None:
    """Where no customer was heard nothing is paid by the machine; what QA confirms is."""
    state, events = _heard("wish", customer=False)

    step = _judged(state, _verdict(state.decisions[0], CORRECT))

    assert events == []
    assert _told(step.rewards) == [("granted", "wish_well", 1, "qa")]


VERDICTS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(VerdictKind), st.integers(0, 5)), max_size=6, unique_by=lambda v: v[2]
)
WORDS = st.lists(st.sampled_from(["wish", "maybe", "hello", "sorry"]), min_size=4, max_size=4)


@given(words=WORDS, chosen=VERDICTS, customer=st.booleans())
def test_forgotten_call_is_settled_as_a_remembered_one(
    *, words: list[str], chosen: list[tuple[int, VerdictKind, int]], customer: bool
) -> None:
    """Days later, from what QA knew, each verdict leads to the very events it would have led to at once."""
    state, events = _heard(*words, customer=customer)
    for at, kind, after in chosen:
        if at >= len(state.decisions):
            continue
        verdict = _verdict(state.decisions[at], kind, known=_known(state, events), after=after)

        step = DETECTOR.judge(state, verdict)

        assert step.rewards == judged_from_memory(verdict, playbook=DETECTOR.playbook, tenant=DETECTOR.tenant)
        state, events = step.state, [*events, *step.rewards]


def test_forgotten_call_in_which_no_customer_was_heard_after_all_is_settled_so() -> None:
    """The machine paid, then the customer's turn turned out to be the agent's: a confirmed review brings no more."""
    state, events = _heard("wish", "maybe")
    corrected = DETECTOR.step(state, call(("agent", "hello")).turns[0].model_copy(update={"revision": 1}))
    given = _verdict(state.decisions[1], CORRECT, known=_known(corrected.state, [*events, *corrected.rewards]))

    step = DETECTOR.judge(corrected.state, given)

    assert [("reversed", "wish_well", 1, "machine")] == _told(corrected.rewards)
    assert [("granted", "wish_well", 1, "qa")] == _told(step.rewards)
    assert step.rewards == judged_from_memory(given, playbook=DETECTOR.playbook, tenant=DETECTOR.tenant)


def test_forgotten_call_in_which_a_person_paid_first_pays_what_the_machine_found() -> None:
    """Where all slots went to what a person confirmed, an award gets the slot of one that is rejected later."""
    state, events = _heard("maybe", "maybe")
    for at in (0, 1):
        step = DETECTOR.judge(state, _verdict(state.decisions[at], CORRECT, after=at))
        state, events = step.state, [*events, *step.rewards]
    awarded = DETECTOR.step(state, turn(3, "agent", "wish"))
    given = _verdict(state.decisions[0], WRONG, known=_known(awarded.state, events), after=3)

    step = DETECTOR.judge(awarded.state, given)

    assert () == awarded.rewards
    assert [("reversed", "wish_well", 1, "qa"), ("granted", "wish_well", 1, "machine")] == _told(step.rewards)
    assert step.rewards == judged_from_memory(given, playbook=DETECTOR.playbook, tenant=DETECTOR.tenant)


@pytest.mark.parametrize(("told", "paid"), [(None, 2), (True, 2), (False, 1)])
def test_what_qa_says_of_the_customer_counts_for_more_than_what_was_granted(*, told: bool | None, paid: int) -> None:
    """Of a verdict that does not tell whether a customer was heard, as earlier ones did not, the grants tell."""
    state, _ = _heard("wish", "maybe")
    before, events = _heard("wish")
    reversal = DETECTOR.judge(before, _verdict(before.decisions[0], WRONG)).rewards
    known = Known(header=state.header, decisions=state.decisions, events=(*events, *reversal), customer_heard=told)

    given = _verdict(state.decisions[1], CORRECT, known=Known.model_validate_json(known.model_dump_json()))

    assert paid == len(judged_from_memory(given, playbook=DETECTOR.playbook, tenant=DETECTOR.tenant))


@pytest.mark.parametrize(("starts", "seconds"), [({"c:1": 60_000}, 60), ({"c:1": 0}, 0), ({}, None)])
def test_grant_of_a_forgotten_call_tells_the_time_of_a_turn_that_qa_knows(
    starts: dict[str, int], seconds: int | None
) -> None:
    """Of a turn whose beginning nobody knows no time is told; the call's start is not it."""
    state, events = _heard("maybe", started_at=NOON)
    known = _known(state, events).model_copy(update={"starts": starts})
    given = _verdict(state.decisions[0], CORRECT, known=known)

    (event,) = judged_from_memory(given, playbook=DETECTOR.playbook, tenant=DETECTOR.tenant)

    expected = None if seconds is None else NOON + timedelta(seconds=seconds)
    assert 2 * (expected,) == (event.time, event.data.turn_time)


@given(WORDS, VERDICTS, st.randoms())
def test_order_and_repetition_do_not_matter(
    words: list[str], chosen: list[tuple[int, VerdictKind, int]], chance: Random
) -> None:
    """Verdicts in any order, some twice, end where the last word on each decision says; nothing is paid twice."""
    state, _ = _heard(*words)
    verdicts = [
        _verdict(state.decisions[at], kind, after=after) for at, kind, after in chosen if at < len(state.decisions)
    ]
    shuffled = [*verdicts, *verdicts]
    chance.shuffle(shuffled)

    for one in shuffled:
        state = DETECTOR.judge(state, one).state

    in_order = _judged(_heard(*words)[0], *sorted(verdicts, key=lambda one: one.decided_at)).state
    assert _standing(state) == _standing(in_order)


def _standing(state: CallState) -> set[tuple[str, str]]:
    return {(one.event.data.decision_id, one.event.data.behaviour) for one in state.credits if one.standing}


def test_credits_are_rebuilt_from_events_told_twice() -> None:
    """The credits of a call are what its reward events say, generations included, however often they were told."""
    state, events = _heard("wish")
    decision = state.decisions[0]
    for kind, after in ((WRONG, 1), (CORRECT, 2)):
        step = DETECTOR.judge(state, _verdict(decision, kind, after=after))
        state, events = step.state, [*events, *step.rewards]

    assert credits_of([*events, *events]) == state.credits
    assert [one.generation for one in state.credits] == [1]
