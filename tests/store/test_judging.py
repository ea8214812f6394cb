"""Verdicts given close together, before what they lead to is back, are settled as if each had waited for the last."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from fakes import NOON, call, word_detector, word_playbook
from sqlalchemy import select
from store_calls import a_call, fill

from detector.detect import Detector
from detector.judgement import VerdictKind
from detector.reward import RewardEvent, RewardType
from detector.settlement import judged_from_memory
from detector.transcript import Call
from detector.verdict import Verdict
from pipelines.store import Filler, Store, outbox, tables
from pipelines.store.faults import StaleError
from pipelines.store.judging import Bench, judge, miss, undo
from pipelines.store.purging import purge
from pipelines.store.reading import whole_call

CORRECT, WRONG = VerdictKind.CORRECT, VerdictKind.WRONG_SENSE
GRANTED, REVERSED = RewardType.GRANTED, RewardType.REVERSED


@pytest.mark.parametrize(
    ("words", "given", "expected"),
    [
        pytest.param(
            ("sorry", "sorry again"), [(0, WRONG), (1, WRONG)], [[REVERSED, GRANTED], [REVERSED]], id="both rejected"
        ),
        pytest.param(("wish",), [(0, WRONG), (0, CORRECT)], [[REVERSED], [GRANTED]], id="rejected, then confirmed"),
        pytest.param(("maybe",), [(0, CORRECT), (0, WRONG)], [[GRANTED], [REVERSED]], id="confirmed, then rejected"),
        pytest.param(
            ("wish", "wish", "wish"),
            [(0, WRONG), (2, WRONG), (0, CORRECT), (1, WRONG)],
            [[REVERSED, GRANTED], [REVERSED], [GRANTED], [REVERSED]],
            id="a slot that goes from hand to hand",
        ),
    ],
)
def test_verdicts_close_together_are_settled_alike_from_memory_and_from_state(
    store: Store,
    bench: Bench,
    words: Sequence[str],
    given: Sequence[tuple[int, VerdictKind]],
    expected: Sequence[Sequence[RewardType]],
) -> None:
    """Each verdict counts on what those before it lead to, sent or not: as the worker does that keeps the call."""
    one = _said(*words)
    fill(store, one)

    for place, kind in given:
        _judge(store, place, kind, bench)
    verdicts = _sent(store)
    remembered = [judged_from_memory(verdict, playbook=bench.playbook, tenant="tests") for verdict in verdicts]

    assert expected == [[event.type for event in events] for events in remembered]
    assert _ids(_kept(one, verdicts)) == _ids(remembered)
    with store.writing() as connection:
        Filler(connection, playbook=bench.playbook).events(event for events in remembered for event in events)
    assert {"settled"} == _states(store)


def test_undone_verdict_is_not_counted_on(store: Store, bench: Bench) -> None:
    """What an undone verdict would have led to has no part in what the next one leads to."""
    fill(store, _said("sorry", "sorry again"))
    undone = _judge(store, 0, WRONG, bench)
    with store.writing() as connection:
        undo(connection, undone, reviewer="q")

    _judge(store, 1, WRONG, bench)

    (verdict,) = _sent(store)
    assert () == verdict.known.judgements
    assert () == judged_from_memory(verdict, playbook=bench.playbook, tenant="tests")


def test_verdict_that_a_later_one_counts_on_is_not_undone(store: Store, bench: Bench) -> None:
    """The later verdict on the agent's behaviour in the call has to be undone first."""
    fill(store, _said("sorry", "sorry again", "wish"))
    early, late = _judge(store, 0, WRONG, bench), _judge(store, 1, WRONG, bench)
    of_another_behaviour = _judge(store, 2, WRONG, bench)

    with pytest.raises(StaleError, match="counts on it"), store.writing() as connection:
        undo(connection, early, reviewer="q")

    for verdict_id in (late, early, of_another_behaviour):
        with store.writing() as connection:
            undo(connection, verdict_id, reviewer="q")
    assert {"withdrawn"} == _states(store)


def test_grant_for_what_the_machine_took_back_is_not_counted_on(store: Store, bench: Bench) -> None:
    """A confirmed review that was retracted before its reward came holds no slot against the next."""
    fill(store, _said("maybe", "maybe"))
    _judge(store, 0, CORRECT, bench)
    with store.writing() as connection:
        first = whole_call(connection, "c").decisions[0]
        Filler(connection, playbook=bench.playbook).decisions([first.model_copy(update={"retracted": True})])

    _judge(store, 0, CORRECT, bench)

    (event,) = judged_from_memory(_sent(store)[1], playbook=bench.playbook, tenant="tests")
    assert (GRANTED, 1) == (event.type, event.data.slot)


@pytest.mark.parametrize(("kind", "state"), [(CORRECT, "judged"), (None, "open")], ids=["judged", "not judged"])
def test_decision_told_again_after_it_was_retracted_is_as_before(
    store: Store, bench: Bench, kind: VerdictKind | None, state: str
) -> None:
    """A decision whose verdict stands is not offered to be judged anew; one that nobody judged is."""
    fill(store, _said("wish"))
    if kind is not None:
        _judge(store, 0, kind, bench)

    _retract_and_tell_again(store, bench)

    assert {state} == _decision_states(store)


def test_decision_told_again_that_was_marked_as_missed_meanwhile_is_open(store: Store, bench: Bench) -> None:
    """A mark of what the machine missed is no verdict on its decision, also once a verdict on that is undone."""
    fill(store, _said("wish"))
    with store.writing() as connection:
        one = whole_call(connection, "c").decisions[0]
        filler = Filler(connection, playbook=bench.playbook)
        filler.decisions([one.model_copy(update={"retracted": True})])
        place = {"call_id": "c", "turn_id": one.turn_id, "behaviour": one.behaviour, "start": 0, "end": 4}
        miss(connection, **place, note="", reviewer="q", bench=bench)
        filler.decisions([one])

    assert {"open"} == _decision_states(store)
    verdict_id = _judge(store, 0, CORRECT, bench)
    with store.writing() as connection:
        undo(connection, verdict_id, reviewer="q")
    assert {"open"} == _decision_states(store)


def test_names_do_not_leave_with_a_verdict(store: Store, bench: Bench) -> None:
    """Of the call a verdict tells what settles it, not who was in it; rewards have their team and time."""
    fill(store, a_call("c", customer_name="Rosalind", agent_name="Priya", started_at="2026-03-02T12:00:00Z"))

    _judge(store, 0, WRONG, bench)

    (letter,) = outbox.waiting(store, older_than=0)
    (event,) = judged_from_memory(Verdict.model_validate_json(letter.value), playbook=bench.playbook, tenant="tests")
    assert not [name for name in ("Rosalind", "Priya") if name in letter.value]
    assert "north" == event.data.team
    assert event.time is not None


@pytest.mark.parametrize(
    ("said", "heard"),
    [("hello", True), ("07700 900123", True), ("[noise] <unk>", False), ("", False), (None, False)],
)
def test_verdict_tells_whether_the_customer_was_heard(
    store: Store, bench: Bench, said: str | None, *, heard: bool
) -> None:
    """The customer's words count, numbers made unreadable among them, but no marks; nor what the agent says."""
    fill(store, call(("agent", "wish"), *([] if said is None else [("customer", said)]), call_id="c"))

    _judge(store, 0, WRONG, bench)

    assert heard is _sent(store)[0].known.customer_heard


def test_verdict_tells_when_its_turns_began(store: Store, bench: Bench) -> None:
    """Settled from memory, a confirmed review is granted with the time of its turn, as while the call is kept."""
    said = [{"speaker": "customer", "text": "hello"}, {"speaker": "agent", "text": "maybe", "start_ms": 60_000}]
    one = call(call_id="c", started_at=NOON, turns=said)
    fill(store, one)

    _judge(store, 0, CORRECT, bench)

    verdicts = _sent(store)
    assert {"c:1": 60_000} == verdicts[0].known.starts
    assert _kept(one, verdicts) == [judged_from_memory(verdicts[0], playbook=bench.playbook, tenant="tests")]


def test_verdict_on_a_purged_call_does_not_tell_whether_the_customer_was_heard(store: Store, bench: Bench) -> None:
    """Nobody can tell it of words that are gone."""
    fill(store, _said("wish"))
    purge(store, before=datetime.now(UTC) + timedelta(days=1))

    _judge(store, 0, WRONG, bench)

    assert _sent(store)[0].known.customer_heard is None


def test_verdict_waits_until_those_before_it_on_the_call_are_sent(store: Store, bench: Bench) -> None:
    """One whose sender died holds back the next on its call, and none on another; one that was undone holds nobody."""
    fill(store, _said("sorry", "sorry again"), a_call("d"))
    first = _judge(store, 0, WRONG, bench)
    (letter,) = outbox.waiting(store, older_than=0)
    assert outbox.take(store, letter)
    second, other = _judge(store, 0, CORRECT, bench), _judge(store, 0, WRONG, bench, call_id="d")

    held_back = _waiting(store)
    outbox.mark_sent(store, [letter])
    let_go = _waiting(store)
    with store.writing() as connection:
        undo(connection, second, reviewer="q")
    third = _judge(store, 1, WRONG, bench)

    assert first == Verdict.model_validate_json(letter.value).verdict_id
    assert [[other], [second, other], [other, third]] == [held_back, let_go, _waiting(store)]


def _waiting(store: Store) -> list[str]:
    letters = outbox.waiting(store, older_than=0)
    return [Verdict.model_validate_json(one.value).verdict_id for one in letters]


def _said(*words: str) -> Call:
    return call(("customer", "hello"), *(("agent", one) for one in words), ("customer", "bye"), call_id="c")


def _judge(store: Store, place: int, kind: VerdictKind, bench: Bench, *, call_id: str = "c") -> str:
    with store.writing() as connection:
        identifier = whole_call(connection, call_id).decisions[place].decision_id
        return judge(connection, identifier, kind=kind, note="", reviewer="q", bench=bench)


def _retract_and_tell_again(store: Store, bench: Bench) -> None:
    with store.writing() as connection:
        one = whole_call(connection, "c").decisions[0]
        for told in (one.model_copy(update={"retracted": True}), one):
            Filler(connection, playbook=bench.playbook).decisions([told])


def _decision_states(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.scalars(select(tables.decisions.c.state)))


def _sent(store: Store) -> list[Verdict]:
    sent: list[outbox.Letter] = []
    while letters := [one for one in outbox.waiting(store, older_than=0) if outbox.take(store, one)]:
        outbox.mark_sent(store, letters)
        sent += letters
    return [Verdict.model_validate_json(one.value) for one in sent]


def _states(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.scalars(select(tables.outbox.c.state)))


def _kept(one: Call, verdicts: Sequence[Verdict]) -> list[tuple[RewardEvent, ...]]:
    """Return what a worker that keeps the call tells of each verdict."""
    detector: Detector = word_detector(word_playbook())
    state = detector.open(one.header)
    for turn in one.turns:
        state = detector.step(state, turn).state
    told = []
    for verdict in verdicts:
        step = detector.judge(state, verdict)
        state = step.state
        told.append(step.rewards)
    return told


def _ids(told: Sequence[Sequence[RewardEvent]]) -> list[list[str]]:
    return [[event.id for event in events] for events in told]
