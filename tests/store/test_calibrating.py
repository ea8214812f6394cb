"""Two people's words on one decision stay in step with the verdict that stands."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update
from store_calls import a_call, fill

from detector.judgement import VerdictKind
from pipelines.store import Store, queueing, tables
from pipelines.store.calibrating import adjudicate, decide
from pipelines.store.faults import StaleError, UnfitError
from pipelines.store.judging import Bench, seen_tag, undo
from pipelines.store.reading import whole_call

CORRECT, WRONG_SENSE, WRONG_WORDS = VerdictKind.CORRECT, VerdictKind.WRONG_SENSE, VerdictKind.WRONG_WORDS


@pytest.fixture
def twice(bench: Bench) -> Bench:
    """A bench at which every decision is reviewed twice."""
    return replace(bench, second_share=1.0)


def test_verdict_reviewed_twice_is_replaced_and_not_undone(store: Store, twice: Bench) -> None:
    """Once a second person has spoken, undoing the first word is refused; another verdict still takes its place."""
    fill(store, a_call("c"))
    first = _say(store, CORRECT, "one", twice)
    _say(store, WRONG_SENSE, "two", twice)

    with pytest.raises(StaleError, match="a second time"), store.writing() as connection:
        undo(connection, first or "", reviewer="one")

    _say(store, WRONG_WORDS, "one", twice)
    assert "wrong_words" == _standing(store)
    assert ("correct", "wrong_sense", "disagreed") == _pair(store)


def test_decision_whose_first_word_was_undone_is_reviewed_twice_anew(store: Store, twice: Bench) -> None:
    """The second review is of the verdict given after the undoing, whoever gives it."""
    fill(store, a_call("c"))
    _undo(store, _say(store, CORRECT, "one", twice), "one")

    _say(store, WRONG_SENSE, "two", twice)
    _say(store, WRONG_SENSE, "one", twice)

    assert ("wrong_sense", "wrong_sense", "agreed") == _pair(store)


def test_pair_left_behind_does_not_stop_a_verdict(store: Store, twice: Bench) -> None:
    """A pair whose first verdict an earlier version undid gives way to the next verdict's."""
    fill(store, a_call("c"))
    with store.writing() as connection:
        one = whole_call(connection, "c").decisions[0]
        left = {"decision_id": one.decision_id, "call_id": "c", "behaviour": one.behaviour, "state": "agreed"}
        words = {"first_by": "one", "first_kind": "correct", "first_note": "", "second_kind": "correct"}
        connection.execute(insert(tables.second_reviews).values(**left, **words))

    _say(store, WRONG_SENSE, "two", twice)

    assert ("wrong_sense", None, "pending") == _pair(store)


def test_word_restored_by_undoing_is_the_one_compared(store: Store, twice: Bench) -> None:
    """A change of mind that was undone does not make two people who agree disagree."""
    fill(store, a_call("c"))
    _say(store, CORRECT, "one", twice)
    _undo(store, _say(store, WRONG_SENSE, "one", twice), "one")

    _say(store, CORRECT, "two", twice)

    assert "correct" == _standing(store)
    assert ("correct", "correct", "agreed") == _pair(store)


def test_last_word_stands_whatever_was_said_since_the_first(store: Store, twice: Bench) -> None:
    """A lead who sides with the first word overrules what its reviewer has said in between."""
    fill(store, a_call("c"))
    _say(store, CORRECT, "one", twice)
    _say(store, WRONG_SENSE, "two", twice)
    _say(store, WRONG_WORDS, "one", twice)

    with store.writing() as connection:
        identifier = whole_call(connection, "c").decisions[0].decision_id
        adjudicate(connection, identifier, kind=CORRECT, note="", lead="lead", bench=twice)

    assert "correct" == _standing(store)


def test_second_review_cannot_say_missed(store: Store, twice: Bench) -> None:
    """What the machine saw was not missed, whoever is asked; the second review still waits."""
    fill(store, a_call("c"))
    _say(store, CORRECT, "one", twice)

    with pytest.raises(UnfitError):
        _say(store, VerdictKind.MISSED, "two", twice)

    assert ("correct", None, "pending") == _pair(store)


@pytest.mark.parametrize("late", ["two", "three"], ids=["double click", "stale page"])
def test_second_review_is_given_once(store: Store, twice: Bench, late: str) -> None:
    """What is said on a page from before the second review is refused: nothing is overwritten, a lead settles it."""
    fill(store, a_call("c"))
    _say(store, CORRECT, "one", twice)
    seen = _seen(store)
    _say_on(store, seen, WRONG_SENSE, "two", twice)

    with pytest.raises(StaleError, match="given meanwhile: disagreed"):
        _say_on(store, seen, WRONG_WORDS, late, twice)

    assert "correct" == _standing(store)
    assert ("correct", "wrong_sense", "disagreed") == _pair(store)


def test_second_reviewer_on_a_stale_page_is_not_told_the_first_word(store: Store, twice: Bench) -> None:
    """Whoever opened the page before the first word, or before it changed, looks again, and stays blind."""
    fill(store, a_call("c"))
    stale = [_seen(store)]
    _say(store, CORRECT, "one", twice)
    stale.append(_seen(store))
    _say(store, WRONG_SENSE, "one", twice)

    for seen in stale:
        with pytest.raises(StaleError, match="look at it again") as told:
            _say_on(store, seen, WRONG_WORDS, "two", twice)
        assert not [word for word in ("one", "wrong", "correct") if word in str(told.value)]
    assert ("wrong_sense", None, "pending") == _pair(store)


def test_second_review_closes_a_decision_that_was_left_open(store: Store, twice: Bench) -> None:
    """What an earlier version opened again although its verdict stood is judged, and claimed by nobody, after it."""
    fill(store, a_call("c"))
    _say(store, CORRECT, "one", twice)
    with store.writing() as connection:
        identifier = whole_call(connection, "c").decisions[0].decision_id
        own = tables.decisions.c.decision_id == identifier
        connection.execute(update(tables.decisions).where(own).values(state="open"))
        assert queueing.claim(connection, identifier, user_id="two")

    _say(store, CORRECT, "two", twice)

    with store.reading() as connection:
        assert "judged" == connection.scalar(select(tables.decisions.c.state).where(own))
        assert queueing.claimed_by(connection, identifier) is None


def _say(store: Store, kind: VerdictKind, who: str, bench: Bench) -> str | None:
    return _say_on(store, _seen(store), kind, who, bench)


def _say_on(store: Store, seen: str, kind: VerdictKind, who: str, bench: Bench) -> str | None:
    with store.writing() as connection:
        identifier = whole_call(connection, "c").decisions[0].decision_id
        return decide(connection, identifier, kind=kind, note="", reviewer=who, bench=bench, seen=seen)


def _seen(store: Store) -> str:
    """Return the tag of a page on which the decision is seen as it is now."""
    with store.reading() as connection:
        call = whole_call(connection, "c")
    one = call.decisions[0]
    stands, second = call.verdicts.get(one.decision_id), call.second.get(one.decision_id)
    verdict_id, state = stands.verdict_id if stands else None, second.state if second else None
    return seen_tag(verdict_id, one, second=state)


def _undo(store: Store, verdict_id: str | None, who: str) -> None:
    with store.writing() as connection:
        undo(connection, verdict_id or "", reviewer=who)


def _standing(store: Store) -> str:
    with store.reading() as connection:
        call = whole_call(connection, "c")
    return call.verdicts[call.decisions[0].decision_id].kind


def _pair(store: Store) -> tuple[str, str | None, str]:
    with store.reading() as connection:
        row = connection.execute(select(tables.second_reviews)).one()
    return row.first_kind, row.second_kind, row.state
