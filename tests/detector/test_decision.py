"""What a score means: award, review, shadow or nothing."""

from uuid import uuid5

import pytest
from fakes import behaviour, header, playbook_of, policy, turn
from hypothesis import given
from hypothesis import strategies as st

from detector.candidate import Candidate, Evidence
from detector.decision import NAMESPACE, Decision, Outcome, decide, decision_id, outcome_of, stable_id
from detector.playbook import Behaviour, Mode, Thresholds

LIVE = behaviour()
SHADOW = behaviour(reward=policy(mode=Mode.SHADOW))
NEVER = behaviour(thresholds=Thresholds(award=1.01, review=0.5))
EVEN = behaviour(thresholds=Thresholds(award=0.5, review=0.5))
ALL = behaviour(thresholds=Thresholds(award=0, review=0))


@pytest.mark.parametrize(
    ("score", "of", "by_rule", "outcome"),
    [
        (0.9, LIVE, False, Outcome.AWARD),
        (0.8999999, LIVE, False, Outcome.REVIEW),
        (0.5, LIVE, False, Outcome.REVIEW),
        (0.4999999, LIVE, False, None),
        (0.0, LIVE, False, None),
        (1.0, LIVE, False, Outcome.AWARD),
        (0.0, LIVE, True, Outcome.REVIEW),
        (0.9, LIVE, True, Outcome.AWARD),
        (1.0, SHADOW, False, Outcome.SHADOW),
        (0.5, SHADOW, False, Outcome.SHADOW),
        (0.49, SHADOW, False, None),
        (0.1, SHADOW, True, Outcome.SHADOW),
        (1.0, NEVER, False, Outcome.REVIEW),
        (0.5, EVEN, False, Outcome.AWARD),
        (0.49, EVEN, False, None),
        (0.0, ALL, False, Outcome.AWARD),
    ],
)
def test_thresholds_count_from_their_own_value_on(
    *, score: float, of: Behaviour, by_rule: bool, outcome: Outcome | None
) -> None:
    """A score at a threshold clears it; shadow is never an award; what a rule says is never dropped."""
    assert outcome is outcome_of(score, of, by_rule=by_rule)


def _decide(
    score: float, *, of: Behaviour = LIVE, by_rule: bool = False, strained: bool = False, **update: object
) -> tuple[Decision, ...]:
    seen = Candidate(of.id, score, (Evidence(source="rule:x", start=0, end=4),), ("rule x at 0-4",), by_rule)
    return decide(
        [seen],
        header=header(**update),
        turn=turn(3, "agent", "hello", revision=2),
        playbook=playbook_of(of),
        model_version="m",
        tenant="tests",
        strained=strained,
    )


def test_a_decision_tells_everything_that_explains_it() -> None:
    """A decision has the turn, the score, the evidence, the reasons and both versions."""
    (made,) = _decide(0.95)

    assert (made.call_id, made.turn_id, made.index, made.revision, made.agent_id) == ("c", "t3", 3, 2, "a")
    assert (made.behaviour, made.outcome, made.score) == ("wish_well", Outcome.AWARD, 0.95)
    assert made.evidence == (Evidence(source="rule:x", start=0, end=4),)
    assert made.reasons == ("rule x at 0-4", "score 0.95 is at least award 0.90")
    assert (made.playbook_version, made.model_version, made.retracted) == ("1+test", "m", False)


def test_a_dropped_candidate_is_no_decision() -> None:
    """Below review nothing is said."""
    assert _decide(0.1) == ()


@pytest.mark.parametrize(
    ("score", "of", "by_rule", "told"),
    [
        (0.7, LIVE, False, "score 0.70 is between review 0.50 and award 0.90"),
        (0.2, LIVE, True, "a rule says so, the score 0.20 doubts it: below review 0.50"),
        (0.7, SHADOW, False, "score 0.70; the behaviour is in shadow: seen and reported, not rewarded"),
    ],
)
def test_the_last_reason_says_why_this_outcome(*, score: float, of: Behaviour, by_rule: bool, told: str) -> None:
    """Review and shadow are explained with the thresholds."""
    (made,) = _decide(score, of=of, by_rule=by_rule)

    assert told == made.reasons[-1]


def test_what_needs_goodwill_is_left_to_a_person_in_a_strained_call() -> None:
    """The score does not matter then; a behaviour that needs no goodwill is awarded all the same."""
    kind = LIVE.model_copy(update={"needs_goodwill": True})

    outcomes = [outcome_of(0.95, of, strained=strained) for of, strained in ((kind, True), (kind, False), (LIVE, True))]

    assert outcomes == [Outcome.REVIEW, Outcome.AWARD, Outcome.AWARD]
    (made,) = _decide(0.95, of=kind, strained=True)
    assert made.reasons[-1] == "score 0.95 is at least award 0.90, but the call is strained: is it meant?"


def test_an_award_without_an_agent_says_that_nobody_is_rewarded() -> None:
    """Where no agent id is known the award stands and tells that it pays nobody."""
    (made,) = _decide(0.95, agent_id=None)

    assert made.agent_id is None
    assert made.reasons[-1] == "no agent id: nobody to reward"


def test_the_turns_own_agent_goes_before_the_calls() -> None:
    """After a transfer the decision is of the agent who said the turn."""
    seen = Candidate("wish_well", 0.95, (), ())

    (made,) = decide(
        [seen],
        header=header(),
        turn=turn(0, "agent", "hello", agent_id="b"),
        playbook=playbook_of(LIVE),
        model_version="m",
        tenant="tests",
    )

    assert made.agent_id == "b"


def test_decision_ids_are_stable_and_told_apart() -> None:
    """The id is of tenant, call, turn and behaviour: a new id here would pay everybody twice."""
    base = {"tenant": "t", "call_id": "c", "turn_id": "c:1", "behaviour": "wish_well"}

    others = {decision_id(**base | {key: "x"}) for key in base}

    assert decision_id(**base) == "c197e951-f4a4-5de3-ad34-7e45cc4f0e01"
    assert len(others | {decision_id(**base)}) == 5


@given(st.text())
def test_a_stable_id_is_the_uuid_of_version_five(name: str) -> None:
    """Whoever knows tenant, call and behaviour finds the id with any language's library."""
    assert stable_id(name) == str(uuid5(NAMESPACE, name))
