"""Figures and thresholds, against known values and cases worked by hand."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import (
    LEAST_AWARD,
    LEAST_REVIEW,
    NEVER,
    Flags,
    Numbers,
    calibration_error,
    choose_thresholds,
    decided_apart,
    evaluate,
    f1,
    reliability,
    wilson,
)


def flags(*values: int) -> Flags:
    """Return truth values."""
    return np.array(values, dtype=np.bool_)


def numbers(*values: float) -> Numbers:
    """Return scores."""
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (5, 10, 0.236593, 0.763407),
        (81, 263, 0.255289, 0.366210),
        (1, 1, 0.206549, 1.0),
        (95, 100, 0.888250, 0.978456),
    ],
)
def test_wilsons_interval_has_its_known_values(hits: int, of: int, low: float, high: float) -> None:
    """The interval is Wilson's: 81 of 263 is Newcombe's published case (1998), 0.2553 to 0.3662."""
    share = wilson(hits, of)

    assert (share.low, share.high) == pytest.approx((low, high), abs=1e-6)
    assert (share.value, share.of) == (hits / of, of)


def test_of_nothing_the_share_is_anything() -> None:
    """Where nothing was counted the share is no number, and the interval is everything."""
    share = wilson(0, 0)

    assert math.isnan(share.value)
    assert (share.low, share.high, share.of) == (0.0, 1.0, 0)


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilsons_interval_holds_the_share(hits: int, misses: int) -> None:
    """The share lies in its interval, and the interval between nought and one."""
    share = wilson(hits, hits + misses)

    assert 0 <= share.low <= share.high <= 1
    if hits + misses:
        assert share.low - 1e-12 <= share.value <= share.high + 1e-12


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        (flags(1, 1, 0, 0), flags(1, 0, 1, 0), 0.5),
        (flags(1, 1), flags(1, 1), 1.0),
        (flags(1, 0), flags(0, 1), 0.0),
        (flags(0, 0), flags(0, 0), 1.0),
        (flags(), flags(), 1.0),
    ],
)
def test_f1_is_the_harmonic_mean(truth: Flags, found: Flags, expected: float) -> None:
    """F1 counts both sorts of fault alike; where nothing was to be found and nothing was, it is one."""
    assert expected == f1(truth, found)


def test_a_case_worked_by_hand_has_its_figures() -> None:
    """Four turns of two calls, two behaviours: each figure is what a pencil makes of it."""
    truth = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=np.bool_)
    found = np.array([[1, 0], [0, 0], [1, 1], [0, 0]], dtype=np.bool_)
    awarded = np.array([[1, 0], [0, 0], [0, 1], [0, 0]], dtype=np.bool_)
    scores = np.array([[0.95, 0.0], [0.35, 0.0], [0.65, 0.95], [0.0, 0.0]])

    made = evaluate(
        name="by hand",
        behaviours=("greet", "part"),
        truth=truth,
        scores=scores,
        found=found,
        awarded=awarded,
        call_ids=["c1", "c1", "c2", "c2"],
        macro_from=2,
    )

    greet, part = made.behaviours
    assert (made.calls, made.turns) == (2, 4)
    assert (greet.found.positives, greet.found.precision.value, greet.found.recall.value) == (2, 0.5, 0.5)
    assert (greet.awarded.precision.value, greet.awarded.recall.value, greet.awarded.f1) == (1.0, 0.5, 2 / 3)
    assert (part.found.precision.value, part.found.recall.value, part.found.f1) == (1.0, 1.0, 1.0)
    assert (made.micro.precision.value, made.micro.recall.value, made.micro.positives) == (2 / 3, 2 / 3, 3)
    assert (made.micro_awarded.precision.value, made.micro_awarded.recall.value) == (1.0, 2 / 3)
    assert (made.macro_f1, made.macro_of, made.macro_from) == (0.5, 1, 2)
    assert made.reliability == ((0.0, 0.0, 4), (0.35, 1.0, 1), (0.65, 0.0, 1), (0.95, 1.0, 2))
    assert made.calibration_error == pytest.approx((0.65 + 0.65 + 0.05 * 2) / 4)
    assert made.micro.f1_low <= made.micro.f1 <= made.micro.f1_high


def test_figures_can_be_written_as_json() -> None:
    """An evaluation is plain values."""
    made = evaluate(
        name="one",
        behaviours=("greet",),
        truth=np.ones((2, 1), dtype=np.bool_),
        scores=np.ones((2, 1)),
        found=np.ones((2, 1), dtype=np.bool_),
        awarded=np.ones((2, 1), dtype=np.bool_),
        call_ids=["a", "b"],
        macro_from=1,
    )

    assert json.loads(json.dumps(made.as_json()))["behaviours"][0]["found"]["f1"] == 1.0


def test_nothing_labelled_has_figures_of_nothing() -> None:
    """Without a turn there are no calls, and shares are no numbers rather than errors."""
    none = np.zeros((0, 1), dtype=np.bool_)

    made = evaluate(
        name="none",
        behaviours=("greet",),
        truth=none,
        scores=np.zeros((0, 1)),
        found=none,
        awarded=none,
        call_ids=[],
    )

    assert (made.calls, made.turns, made.macro_of, made.calibration_error) == (0, 0, 0, 0.0)
    assert math.isnan(made.macro_f1)


def test_the_interval_of_f1_resamples_calls_and_not_turns() -> None:
    """Turns of one call stand and fall together: of one call the interval is the value itself."""
    rng = np.random.default_rng(1)
    truth, found = rng.random((60, 1)) < 0.5, rng.random((60, 1)) < 0.5
    common = {"behaviours": ("greet",), "truth": truth, "scores": found.astype(float), "found": found, "awarded": found}

    one = evaluate(name="one call", call_ids=["c"] * 60, **common).micro  # type: ignore[arg-type]
    many = evaluate(name="many", call_ids=[str(at) for at in range(60)], **common).micro  # type: ignore[arg-type]

    assert one.f1_low == one.f1 == one.f1_high
    assert many.f1_low < many.f1 < many.f1_high


def test_reliability_puts_the_greatest_score_in_the_last_band() -> None:
    """A score of one belongs to the tenth band, not to an eleventh."""
    assert reliability(flags(1, 0), numbers(1.0, 0.5)) == ((0.5, 0.0, 1), (1.0, 1.0, 1))


def test_calibration_leaves_out_what_is_plainly_nothing() -> None:
    """Scores below 0.05 do not make a model look calibrated."""
    assert calibration_error(flags(1, 0, 0, 0), numbers(0.5, 0.01, 0.02, 0.049)) == 0.5
    assert calibration_error(flags(0), numbers(0.01)) == 0.0


def perfect(positives: int, negatives: int) -> tuple[Flags, Numbers]:
    """Return truth and scores of a model that never errs: 0.8 and 0.2."""
    truth = flags(*[1] * positives, *[0] * negatives)
    return truth, np.where(truth, 0.8, 0.2)


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        (100, 100, (0.8, 0.8)),
        (10, 100, (NEVER, 0.8)),
        (35, 100, (0.8, 0.8)),
        (34, 100, (NEVER, 0.8)),
        (0, 100, (NEVER, LEAST_REVIEW)),
    ],
)
def test_an_award_needs_labels_enough(positives: int, negatives: int, expected: tuple[float, float]) -> None:
    """Of a model that never erred, 35 awards show a precision above 0.9, and 34 do not: then nothing is awarded."""
    award, review = choose_thresholds(*perfect(positives, negatives), floor=0.9)

    assert award == expected[0]
    if positives:
        assert review == expected[1]
    else:
        assert LEAST_REVIEW <= review <= award


def test_scores_that_are_alike_stand_or_fall_together() -> None:
    """A threshold lies between different scores: of a hundred alike, half of them wrong, none is awarded."""
    truth = flags(*[1] * 50, *[0] * 50)

    assert choose_thresholds(truth, np.full(100, 0.7), floor=0.9) == (NEVER, 0.7)


def test_what_is_as_likely_wrong_as_right_is_never_awarded() -> None:
    """The award threshold is at least 0.5, the review threshold at least 0.15, however well low scores do."""
    truth, scores = perfect(200, 200)

    assert choose_thresholds(truth, scores / 10, floor=0.9) == (LEAST_AWARD, LEAST_REVIEW)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])), min_size=1, max_size=200)
)
def test_thresholds_are_in_order_and_keep_the_floor(observed: list[tuple[bool, float]]) -> None:
    """Review is never above award, and what is awarded keeps the floor that was asked for."""
    truth, scores = flags(*(one for one, _ in observed)), numbers(*(score for _, score in observed))

    award, review = choose_thresholds(truth, scores, floor=0.6)

    assert LEAST_REVIEW <= review <= award <= NEVER
    if LEAST_AWARD < award < NEVER:
        awarded = truth[scores >= award]
        assert wilson(int(awarded.sum()), len(awarded)).low >= 0.6


def test_thresholds_chosen_apart_do_not_know_what_they_decide() -> None:
    """A fold whose high scores are all wrong is awarded by the others' thresholds; its own would award nothing."""
    scores = np.tile(np.linspace(0.0, 1.0, 200), 2)[:, None]
    truth = scores > 0.5
    folds = np.repeat([0, 1], 200)
    truth[folds == 1] = False

    found, awarded = decided_apart(truth, scores, folds=folds.tolist(), floor=0.9)

    assert awarded[folds == 1].any()
    assert not awarded[folds == 0].any()
    assert not (awarded & ~found).any()


def test_thresholds_chosen_apart_find_what_is_plain() -> None:
    """Where scores part true from false in every fold alike, all that is true is found and awarded."""
    scores = np.tile([0.1, 0.9], 200)[:, None]
    truth = scores > 0.5

    found, awarded = decided_apart(truth, scores, folds=[at % 5 for at in range(400)], floor=0.9)

    assert np.array_equal(truth, found)
    assert np.array_equal(truth, awarded)
