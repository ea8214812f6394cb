"""Reward events: stable ids, caps and slots, reversals and grants after them; nobody is paid twice or for nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fakes import behaviour, decision, header, playbook_of, policy, turn

from detector.decision import Decision, Outcome
from detector.judgement import NOTHING_JUDGED, Judgement, Judgements, VerdictKind
from detector.playbook import Playbook
from detector.reward import Credit, RewardEvent, RewardType, reversal_id, reward_id, settle, turn_time
from detector.transcript import CallHeader, Turn

TURNS = tuple(turn(at, "agent", "all the best", start_ms=at * 1000) for at in range(5))
TWICE = playbook_of(behaviour("wish_well", reward=policy(points=5, cap=2)), behaviour("apologise"))
STARTED = datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)


def _settle(
    credited: tuple[Credit, ...],
    *decisions: Decision,
    playbook: Playbook = TWICE,
    of: CallHeader | None = None,
    judgements: Judgements = NOTHING_JUDGED,
) -> tuple[tuple[Credit, ...], tuple[RewardEvent, ...]]:
    return settle(
        credited,
        decisions,
        header=of or header(team="blue"),
        turns=TURNS,
        playbook=playbook,
        tenant="tests",
        judgements=judgements,
    )


def _judged(decision: Decision, kind: VerdictKind) -> Judgements:
    judgement = Judgement(verdict_id="v", decision_id=decision.decision_id, kind=kind, decided_at=STARTED)
    return {decision.decision_id: judgement}


def _told(events: tuple[RewardEvent, ...]) -> list[tuple[str, str, int]]:
    return [(one.type.value.split(".")[1], one.data.behaviour, one.data.slot) for one in events]


def test_an_award_is_granted_with_all_its_data() -> None:
    """A grant is a CloudEvent to the agent, with points, slot, moment and versions, and no words of the call."""
    of = header(team="blue", started_at=STARTED)

    _, (event,) = _settle((), decision(TURNS[2]), of=of)

    assert (event.specversion, event.type, event.subject) == ("1.0", RewardType.GRANTED, "a")
    assert (event.partitionkey, event.source, event.causationid) == ("a", "/tests/behaviour-detector", None)
    assert event.time == STARTED + timedelta(seconds=2)
    assert (event.data.points, event.data.slot, event.data.team, event.data.turn_id) == (5, 1, "blue", "t2")
    assert (event.data.confidence, event.data.decision_source) == (0.97, "machine")
    assert event.data.decision_id == decision(TURNS[2]).decision_id
    assert "all the best" not in event.model_dump_json()


def test_grant_ids_are_stable() -> None:
    """A grant's id is of tenant, call, agent, behaviour and slot, the same for ever: a new one would pay twice."""
    _, (event,) = _settle((), decision(TURNS[2]))

    assert event.id == reward_id(tenant="tests", call_id="c", agent_id="a", behaviour="wish_well", slot=1)
    assert event.id == "00bdc65f-f2ad-518f-9984-7fa52bca8eda"
    assert UUID(event.id).version == 5


@pytest.mark.parametrize(
    "update",
    [
        {"turn_id": "t9", "index": 9},
        {"score": 0.91},
        {"playbook_version": "2+x", "model_version": "3+y"},
        {"evidence": (), "reasons": ("other",)},
        {"revision": 4},
    ],
)
def test_grant_ids_are_not_of_text_turns_or_versions(update: dict[str, Any]) -> None:
    """A transcript cut otherwise, an edited text or an upgrade leads to the same id."""
    _, (first,) = _settle((), decision(TURNS[2]))
    _, (second,) = _settle((), decision(TURNS[2], **update))

    assert first.id == second.id


def test_grant_ids_tell_tenant_call_agent_behaviour_slot_and_generation_apart() -> None:
    """What is paid for another thing has another id."""
    base: dict[str, Any] = {"tenant": "t", "call_id": "c", "agent_id": "a", "behaviour": "b"}
    ids = {reward_id(**base, slot=1), reward_id(**base, slot=2), reward_id(**base, slot=1, generation=1)}
    ids |= {reward_id(**base | {key: "x"}, slot=1) for key in base}

    assert len(ids) == 7


def test_occurrences_are_credited_up_to_the_cap() -> None:
    """Each award takes the next slot; beyond the cap nothing is granted."""
    _, events = _settle((), *(decision(at) for at in TURNS[:4]), decision(TURNS[0], "apologise"))

    assert _told(events) == [("granted", "wish_well", 1), ("granted", "wish_well", 2), ("granted", "apologise", 1)]
    assert [one.data.turn_id for one in events] == ["t0", "t1", "t0"]


def test_each_agent_has_slots_of_their_own() -> None:
    """After a transfer the second agent is credited from the first slot on."""
    _, events = _settle((), decision(TURNS[0]), decision(TURNS[1], agent_id="b"), decision(TURNS[2], agent_id="b"))

    assert [(one.subject, one.data.slot) for one in events] == [("a", 1), ("b", 1), ("b", 2)]


@pytest.mark.parametrize("update", [{"outcome": Outcome.REVIEW}, {"outcome": Outcome.SHADOW}, {"agent_id": None}])
def test_only_awards_to_somebody_are_granted(update: dict[str, Any]) -> None:
    """Review, shadow, and an award of which nobody knows the agent, grant nothing."""
    assert _settle((), decision(TURNS[0], **update)) == ((), ())


def test_what_stands_is_not_granted_again() -> None:
    """Settling the same decisions twice tells nothing the second time."""
    credited, _ = _settle((), decision(TURNS[0]))

    assert _settle(credited, decision(TURNS[0])) == (credited, ())


def test_an_award_that_moves_to_another_turn_keeps_its_slot() -> None:
    """As long as as many awards stand as before, nothing is taken back or granted."""
    credited, _ = _settle((), decision(TURNS[0]))

    assert _settle(credited, decision(TURNS[3]))[1] == ()


def test_what_no_longer_stands_is_reversed() -> None:
    """A reversal names its grant, carries its data and has an id made from the grant's."""
    credited, (grant,) = _settle((), decision(TURNS[0]))

    _, (reversal,) = _settle(credited)

    assert reversal.type is RewardType.REVERSED
    assert reversal.causationid == grant.id
    assert reversal.id == reversal_id(grant.id)
    assert reversal.id != grant.id
    assert (reversal.data, reversal.subject, reversal.partitionkey) == (grant.data, "a", "a")


def test_of_two_the_last_slot_is_reversed() -> None:
    """Where one of two awards falls, the second slot is taken back, whichever award it was."""
    credited, _ = _settle((), decision(TURNS[0]), decision(TURNS[1]))

    assert _told(_settle(credited, decision(TURNS[1]))[1]) == [("reversed", "wish_well", 2)]


def test_a_reversal_is_told_once() -> None:
    """What was taken back is not taken back again."""
    credited, _ = _settle((), decision(TURNS[0]))
    reversed_, _ = _settle(credited)

    assert _settle(reversed_) == (reversed_, ())


def test_a_grant_after_a_reversal_is_a_new_event_each_time() -> None:
    """A slot earned anew is granted under an id of its own, so that the reversal before cannot swallow it."""
    credited: tuple[Credit, ...] = ()
    ids: list[str] = []
    for _ in range(3):
        credited, (grant,) = _settle(credited, decision(TURNS[0]))
        credited, (reversal,) = _settle(credited)
        ids += [grant.id, reversal.id]

    assert len(set(ids)) == 6
    assert [(one.generation, one.standing) for one in credited] == [(2, False)]


def test_another_agent_is_paid_and_the_first_reversed() -> None:
    """Where the agent turns out to be another, the one is reversed before the other is granted."""
    credited, _ = _settle((), decision(TURNS[0]))

    _, events = _settle(credited, decision(TURNS[0], agent_id="b"))

    assert [(one.type, one.subject) for one in events] == [(RewardType.REVERSED, "a"), (RewardType.GRANTED, "b")]


def test_what_was_granted_stands_though_its_behaviour_is_removed() -> None:
    """A playbook without the behaviour takes nothing back from those who were paid, and pays nobody more."""
    without = playbook_of(behaviour("apologise"))
    credited, _ = _settle((), decision(TURNS[0]))
    review = decision(TURNS[2], outcome=Outcome.REVIEW)
    confirmed = _judged(review, VerdictKind.CORRECT)

    assert _settle(credited, decision(TURNS[0]), decision(TURNS[1]), playbook=without) == (credited, ())
    assert _settle(credited, decision(TURNS[0]), review, playbook=without, judgements=confirmed) == (credited, ())


def test_a_rejected_award_of_a_removed_behaviour_is_reversed() -> None:
    """What was paid for a rejected award is taken back, also when its behaviour is gone; no other takes the slot."""
    without = playbook_of(behaviour("apologise"))
    paid, other = decision(TURNS[0]), decision(TURNS[1])
    credited, _ = _settle((), paid)

    _, events = _settle(credited, paid, other, playbook=without, judgements=_judged(paid, VerdictKind.WRONG_SENSE))

    assert _told(events) == [("reversed", "wish_well", 1)]


@pytest.mark.parametrize(
    ("started", "at", "expected"),
    [
        (None, TURNS[2], None),
        (STARTED, TURNS[2], STARTED + timedelta(seconds=2)),
        (STARTED, turn(1, "agent", "hi"), STARTED),
        (STARTED, None, None),
        (STARTED, turn(1, "agent", "hi", start_ms=2**63 - 1), STARTED),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), TURNS[4], datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_turns_time_is_as_good_as_what_is_known(
    started: datetime | None, at: Turn | None, expected: datetime | None
) -> None:
    """The time is the call's start and the turn's; the start alone of a turn without times; of no turn, none."""
    assert expected == turn_time(header(started_at=started), at)
