"""Training: deterministic, and its fast scorer equal to scikit-learn's own arithmetic."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from models.classifier import Classifier
from models.labels import Observation, learnable, own_calls
from models.registry import load, save, stored
from models.train import (
    FOLDS,
    SEED,
    Trained,
    is_test,
    judged_of,
    learner,
    matrix_of,
    row_of,
    train,
    truth_of,
    vocabulary_of,
)
from models.windows import windows
from pipelines.nlp import SpacyReader

BEHAVIOURS = ("apologise", "wish_well")


@pytest.fixture(scope="module")
def observations(reader: SpacyReader) -> list[Observation]:
    """Each fifth example of two behaviours, as the scorer meets them."""
    calls = [one for one in own_calls() if one.origin in {f"turns/{name}" for name in BEHAVIOURS}]
    return learnable(calls[::5], reader)


@pytest.fixture(scope="module")
def trained(observations: list[Observation]) -> Trained:
    """A small model of two behaviours."""
    return train(observations, BEHAVIOURS, jobs=1)


def by_scikit_learn(observations: Sequence[Observation], behaviour: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities of a behaviour by scikit-learn: of the final model, and out of fold."""
    rows = [row_of(one) for one in observations]
    vocabulary = vocabulary_of(rows)
    matrix = matrix_of(rows, vocabulary)
    parts = [
        matrix_of([row_of(replace(one, reading=part)) for part in windows(one.reading)], vocabulary)
        for one in observations
    ]
    truth = np.array([behaviour in one.labels for one in observations])
    margins = np.zeros(len(rows))
    folds = GroupKFold(n_splits=FOLDS, shuffle=True, random_state=SEED)
    for learned, left_out in folds.split(matrix, groups=np.array([one.call_id for one in observations])):
        fitted = learner().fit(matrix[learned], truth[learned])
        margins[left_out] = [fitted.decision_function(parts[at]).max() for at in left_out]
    platt = LogisticRegression(C=1e6).fit(margins[:, None], truth)
    knee = -platt.intercept_[0] / platt.coef_[0, 0]
    kneed = LogisticRegression(C=1e6).fit(sides(margins, knee), truth)
    whole = learner().fit(matrix, truth)
    final = np.array([whole.decision_function(part).max() for part in parts])
    return kneed.predict_proba(sides(final, knee))[:, 1], kneed.predict_proba(sides(margins, knee))[:, 1]


def sides(margins: np.ndarray, knee: float) -> np.ndarray:
    """Return how far each margin is below the knee, and how far above."""
    return np.stack([np.minimum(margins - knee, 0), np.maximum(margins - knee, 0)], axis=-1)


def test_the_fast_scorer_equals_scikit_learn(observations: list[Observation], trained: Trained) -> None:
    """A turn's surest window has scikit-learn's predict_proba with Platt's calibration, to 1e-6."""
    scorer = Classifier(trained.weights, version="test")

    fast = np.array([scorer.probabilities(one.reading, one.memory) for one in observations])

    slow = np.stack([by_scikit_learn(observations, one)[0] for one in BEHAVIOURS], axis=1)
    assert len(observations) > 100
    assert any(len(windows(one.reading)) > 1 for one in observations)
    assert np.abs(fast - slow).max() < 1e-6
    assert slow.min() < 0.05
    assert slow.max() > 0.95


def test_scores_out_of_fold_equal_scikit_learns(observations: list[Observation], trained: Trained) -> None:
    """The scores thresholds are chosen on are those of models that had not seen the call, calibrated."""
    slow = np.stack([by_scikit_learn(observations, one)[1] for one in BEHAVIOURS], axis=1)

    assert np.abs(trained.scores - slow).max() < 1e-6
    assert (trained.truth == truth_of(observations, BEHAVIOURS)).all()


def test_training_twice_gives_the_same_version(
    observations: list[Observation], trained: Trained, tmp_path: Path
) -> None:
    """The same examples give the same weights to the last bit, and so the same version."""
    again = train(observations, BEHAVIOURS, jobs=1)

    versions = {
        save(one.weights, folder=tmp_path / name, about={}, card="").version
        for name, one in (("one", trained), ("two", again))
    }

    assert len(versions) == 1
    assert (trained.scores == again.scores).all()


def test_a_stored_model_scores_as_it_did_in_training(
    observations: list[Observation], trained: Trained, tmp_path: Path
) -> None:
    """Sixteen bits a weight change no score by more than a hundredth; the loaded model is the stored one exactly."""
    save(trained.weights, folder=tmp_path, about={}, card="")
    fitted, kept, loaded = (
        Classifier(weights, version="test")
        for weights in (trained.weights, stored(trained.weights), load(tmp_path).weights)
    )

    for one in observations:
        scores = kept.probabilities(one.reading, one.memory)
        assert (scores == loaded.probabilities(one.reading, one.memory)).all()
        assert np.abs(scores - fitted.probabilities(one.reading, one.memory)).max() < 0.01


def test_what_was_not_judged_does_not_count(observations: list[Observation]) -> None:
    """A turn whose labels say nothing of a behaviour leaves what is learned of it as it is."""
    thrice = [*observations, *observations, *observations]
    misleading = [
        replace(one, labels=frozenset({"apologise", "wish_well"} - one.labels), judged=frozenset({"apologise"}))
        for one in observations
    ]

    alone, together = (train(several, BEHAVIOURS, jobs=1).weights for several in (thrice, [*thrice, *misleading]))

    assert alone.vocabulary == together.vocabulary
    assert (alone.matrix[:, 1] == together.matrix[:, 1]).all()
    assert not (alone.matrix[:, 0] == together.matrix[:, 0]).all()
    assert judged_of(misleading[:1], BEHAVIOURS).tolist() == [[True, False]]


def test_features_met_twice_are_not_learned() -> None:
    """The vocabulary holds what was met in three observations or more, numbered in alphabetical order."""
    rows = [
        {"b": 1.0, "a": 0.5, "twice": 1.0},
        {"a": 0.5, "twice": 1.0, "b": 1.0, "c": 1.0},
        {"a": 0.5, "c": 1.0},
        {"c": 1.0, "b": 1.0},
    ]

    vocabulary = vocabulary_of(rows)

    assert vocabulary == {"a": 0, "b": 1, "c": 2}
    assert matrix_of(rows, vocabulary).toarray().tolist() == [[0.5, 1, 0], [0.5, 1, 1], [0.5, 0, 1], [0, 1, 1]]


def test_a_tenth_of_the_calls_is_kept_for_the_test(reader: SpacyReader, observations: list[Observation]) -> None:
    """About a tenth of the calls is never learned from, and all turns of a call fall on the same side."""
    ids = [f"call-{number}" for number in range(2000)]
    held_out = [one for one in ids if is_test(replace(observations[0], call_id=one))]

    assert 150 < len(held_out) < 250
