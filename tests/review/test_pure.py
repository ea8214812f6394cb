"""The pure parts: what to look at next, agreement beyond chance, what is safe to reward, marks in place."""

from datetime import UTC, datetime

import pytest
from fakes import decision, turn, word_playbook
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import wilson
from pipelines.store.counting import Band
from pipelines.store.queueing import OpenDecision, SampledCall
from review.agreement import kappa
from review.marks import Mark, pieces
from review.quality import award_precision, labels_wanted, safety
from review.queue import ordered
from review.why import why

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def waiting(identifier: str, *, stake: float, behaviour: str = "wish_well", before: str | None = None) -> OpenDecision:
    """Return an open review."""
    return OpenDecision(identifier, "c", "a", "north", behaviour, "review", before, 0.5, stake, NOON)


def test_what_changes_most_comes_first() -> None:
    """More at stake, precision near the floor, and a changed outcome each bring a decision forward."""
    precision = {"wish_well": wilson(99, 100), "apologise": wilson(19, 20)}
    told = ordered(
        [
            waiting("little", stake=1.0),
            waiting("much", stake=3.0),
            waiting("near", stake=2.0, behaviour="apologise"),
            waiting("changed", stake=2.5, before="award"),
        ],
        precision=precision | {"wish_well": wilson(999, 1000)},
        floor=0.9,
    )

    assert ["changed", "near", "much", "little"] == [one.decision_id for one in told]


def test_every_fifth_is_chances_and_appeals_come_first() -> None:
    """The sample is told from the first page on, whatever is at stake elsewhere."""
    told = ordered(
        [waiting(str(number), stake=9.0) for number in range(20)],
        sample=[SampledCall(f"s{number}", "a", None, NOON) for number in range(3)],
        appealed=[waiting("appealed", stake=0.0)],
        precision={},
        floor=0.9,
    )

    assert "appealed" == told[0].decision_id
    assert [5, 10, 15] == [at for at, one in enumerate(told) if one.decision_id is None]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 9)), max_size=40))
def test_nothing_is_told_twice(made: list[tuple[str, float]]) -> None:
    """However often a decision is found, it is in the queue once."""
    told = ordered([waiting(name, stake=stake) for name, stake in made], precision={}, floor=0.9)

    assert len({name for name, _ in made}) == len(told)


def test_kappa_of_a_known_table() -> None:
    """Of 100 pairs 70 agree where chance gives 52: kappa is 18 of 48, inside its interval."""
    told = [("y", "y")] * 45 + [("n", "n")] * 25 + [("y", "n")] * 15 + [("n", "y")] * 15
    actual = kappa(told)

    assert actual.value == pytest.approx((0.70 - 0.52) / 0.48)
    assert actual.low is not None
    assert actual.high is not None
    assert actual.low < 0.375 < actual.high


@pytest.mark.parametrize("told", [[], [("y", "y")] * 5])
def test_kappa_is_undefined_where_chance_decides(told: list[tuple[str, str]]) -> None:
    """Without variation there is no agreement beyond chance to speak of."""
    assert kappa(told).value is None


@pytest.mark.parametrize(
    ("hits", "of", "word"),
    [
        (0, 0, "not enough labels"),
        (10, 10, "not enough labels"),
        (60, 60, "yes"),
        (10, 60, "no"),
        (8, 10, "not enough labels"),
    ],
)
def test_safety_is_told_by_the_interval(hits: int, of: int, word: str) -> None:
    """Yes where the lower end clears the floor, no where the upper end does not reach it, else not enough."""
    assert word == safety(wilson(hits, of), 0.9).word


def test_labels_wanted_are_just_enough() -> None:
    """As many more as are told make it safe; one fewer does not."""
    more = labels_wanted(wilson(10, 10), 0.9)

    assert more is not None
    assert wilson(10 + more, 10 + more).low >= 0.9 > wilson(9 + more, 9 + more).low


def test_precision_of_awards_leaves_reviews_out() -> None:
    """What was put before a person was not awarded."""
    bands = [Band("b", "award", 9, 10, 9), Band("b", "review", 4, 10, 1), Band("b", "shadow", 9, 5, 5)]

    assert {"b": wilson(14, 15)} == award_precision(bands)


@given(st.text(), st.lists(st.builds(Mark, st.integers(-5, 60), st.integers(-5, 60), st.sampled_from("ab"))))
def test_pieces_put_together_are_the_text(text: str, marks: list[Mark]) -> None:
    """Whatever the marks are, no letter is lost, doubled or moved."""
    assert text == "".join(one.text for one in pieces(text, marks))


@given(st.text(), st.lists(st.text(max_size=30), max_size=4))
def test_any_reason_can_be_told(words: str, reasons: list[str]) -> None:
    """A reason in a form nobody knows is told as it is; one about words that are gone does not break."""
    known = ("rule rule at 3-9", "classifier: +1.0 for the words at 0-999", "classifier: -0.1 for need=none")
    made = decision(turn(0, "agent", words), reasons=(*known, *reasons, "last"))

    told = why(made, words, word_playbook())

    assert "last" == told.verdict
    assert len(known) + len(reasons) == len(told.grounds)
