"""Training: one-vs-rest linear support vectors over the features, calibrated out of fold. Deterministic."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC

from models.features import features, named
from models.labels import Observation
from models.weights import Weights
from models.windows import windows

FOLDS = 5
SEED = 20_000
STRENGTH = 0.02
"""The inverse of regularisation; average precision, across files and on later calls, is flat from 0.015 to 0.03."""
UNBOUND = 1e6
"""The inverse of regularisation of what has two or three numbers to fit."""
TOLERANCE = 1e-3
"""Where fitting stops; at a tenth of it average precision out of fold is the same to four places."""
MIN_TURNS = 3
"""In how many turns a feature has to be met. With two there are half as many again, and average precision out of fold
is 0.0003 higher."""
TEST_SHARE = 10
WEIGHING_SHARE = 10

Matrix: TypeAlias = Any
"""A SciPy sparse matrix, observations x features, with 32-bit indices."""
Truth = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights fitted on all observations, and the calibrated scores each observation got out of its fold."""

    weights: Weights
    scores: Scores
    truth: Truth


def in_test_split(call_id: str) -> bool:
    """Tell whether a call belongs to the private test split: a tenth of the calls, chosen by their id."""
    return crc32(call_id.encode()) % TEST_SHARE == 0


def fold_of(call_id: str) -> int:
    """Return which of the folds a call is in when thresholds are chosen apart from what they are measured on."""
    return crc32(call_id.encode()) // TEST_SHARE % FOLDS


def for_weighing(call_id: str) -> bool:
    """Tell whether a second reader is weighed on a call and does not learn from it: a tenth of all not for testing."""
    return crc32(call_id.encode()) // TEST_SHARE % WEIGHING_SHARE == 0


def is_test(observation: Observation) -> bool:
    """Tell whether an observation belongs to the private test split."""
    return in_test_split(observation.call_id)


def row_of(observation: Observation) -> dict[str, float]:
    """Return the values of an observation's features by name."""
    row: dict[str, float] = {}
    for name, value in named(features(observation.reading, observation.memory)):
        row[name] = row.get(name, 0.0) + value
    return row


def vocabulary_of(rows: Iterable[dict[str, float]]) -> dict[str, int]:
    """Return the features met in observations enough, numbered in alphabetical order."""
    counts = Counter(chain.from_iterable(rows))
    return {name: at for at, name in enumerate(sorted(name for name, count in counts.items() if count >= MIN_TURNS))}


def matrix_of(rows: Sequence[dict[str, float]], vocabulary: dict[str, int]) -> Matrix:
    """Return observations x features, in 32 bits."""
    unknown = len(vocabulary)
    columns = array("i", map(vocabulary.get, chain.from_iterable(rows), repeat(unknown)))
    values = array("f", chain.from_iterable(map(dict.values, rows)))
    ends = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    whole = sparse.csr_matrix((values, columns, ends), shape=(len(rows), unknown + 1))
    known = whole[:, :unknown]
    known.sort_indices()
    return known


def truth_of(observations: Sequence[Observation], behaviours: Sequence[str]) -> Truth:
    """Return observations x behaviours: which labels are true."""
    return np.array([[one in seen.labels for one in behaviours] for seen in observations], dtype=np.bool_)


def judged_of(observations: Sequence[Observation], behaviours: Sequence[str]) -> Truth:
    """Return observations x behaviours: which labels were given at all."""
    return np.array([[seen.judged is None or one in seen.judged for one in behaviours] for seen in observations])


def train(observations: Sequence[Observation], behaviours: Sequence[str], *, jobs: int = -1) -> Trained:
    """Fit and calibrate; takes seconds for ten thousand turns on two cores."""
    rows = [row_of(one) for one in observations]
    truth = truth_of(observations, behaviours)
    judged = judged_of(observations, behaviours)
    vocabulary = vocabulary_of(rows)
    matrix = matrix_of(rows, vocabulary)
    cut = cut_of(observations, vocabulary)
    groups = np.unique([one.call_id for one in observations], return_inverse=True)[1]
    folds = list(GroupKFold(n_splits=FOLDS, shuffle=True, random_state=SEED).split(matrix, groups=groups))
    with Parallel(n_jobs=jobs) as parallel:
        fitted = parallel(
            delayed(_one_behaviour)(matrix, cut, truth[:, column], np.flatnonzero(judged[:, column]), folds)
            for column in range(len(behaviours))
        )
    coefficients, bias, slope, bend, offset, scores = (np.stack(parts, axis=-1) for parts in zip(*fitted, strict=True))
    weights = Weights(
        behaviours=tuple(behaviours),
        vocabulary=vocabulary,
        matrix=coefficients.astype(np.float32),
        bias=bias.astype(np.float32),
        slope=slope.astype(np.float32),
        bend=bend.astype(np.float32),
        offset=offset.astype(np.float32),
    )
    return Trained(weights, scores, truth)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How margins become scores: `m = slope * (margin - knee)`, and the logit is `m + bend * max(m, 0) + offset`."""

    knee: float
    slope: float
    bend: float
    offset: float

    def scores(self, margins: Scores) -> Scores:
        """Return the calibrated probability of each margin."""
        from_knee = self.slope * (margins - self.knee)
        calibrated: Scores = 1 / (1 + np.exp(-(from_knee + self.bend * np.maximum(from_knee, 0) + self.offset)))
        return calibrated


def calibration_of(margins: Scores, truth: Truth) -> Calibration:
    """Return Platt's calibration with a knee where it says a half: of a score's logit, each side has its own slope.

    A margin says less above than below: what misleads, misleads wholly. The calibration error is a third of what one
    slope leaves. Where a second slope would fall, it is Platt's as it is (Platt 1999, "Probabilistic outputs for
    support vector machines").
    """
    platt = LogisticRegression(C=UNBOUND).fit(margins[:, None], truth)
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    knee = -offset / slope
    sides = np.stack([np.minimum(margins - knee, 0), np.maximum(margins - knee, 0)], axis=-1)
    kneed = LogisticRegression(C=UNBOUND).fit(sides, truth)
    below, above = map(float, kneed.coef_[0])
    if min(below, above) <= 0:
        return Calibration(knee, slope, 0.0, 0.0)
    return Calibration(knee, below, above / below - 1, float(kneed.intercept_[0]))


@dataclass(frozen=True, slots=True)
class Cut:
    """The windows that long observations are scored in: windows x features, and the number of each one's observation.

    What is learned from is the whole turn: no label tells where in it it is.
    """

    matrix: Matrix
    owners: Places

    def margins(self, fitted: LinearSVC, matrix: Matrix, rows: Places) -> Scores:
        """Return the margin of each of the rows, of one that is cut that of the window it is surest of."""
        margins: Scores = fitted.decision_function(matrix[rows])
        mine = np.isin(self.owners, rows)
        if mine.any():
            places = np.searchsorted(rows, self.owners[mine])
            margins[places] = -np.inf
            np.maximum.at(margins, places, fitted.decision_function(self.matrix[mine]))
        return margins


def cut_of(observations: Sequence[Observation], vocabulary: dict[str, int]) -> Cut:
    """Return the windows of the observations that are longer than one."""
    parts = [
        (number, row_of(replace(one, reading=part)))
        for number, one in enumerate(observations)
        for part in windows(one.reading)
        if part is not one.reading
    ]
    return Cut(
        matrix_of([row for _, row in parts], vocabulary), np.array([number for number, _ in parts], dtype=np.int64)
    )


def _one_behaviour(
    matrix: Matrix, cut: Cut, truth: Truth, judged: Places, folds: Sequence[tuple[Places, Places]]
) -> tuple[Scores, float, float, float, float, Scores]:
    """Return weights, bias, the calibration's slope, bend and offset, and the calibrated scores out of fold."""
    margins = np.zeros(len(truth))
    for learned, left_out in folds:
        known = np.intersect1d(learned, judged)
        margins[left_out] = cut.margins(learner().fit(matrix[known], truth[known]), matrix, left_out)
    calibration = calibration_of(margins[judged], truth[judged])
    final = learner().fit(matrix[judged], truth[judged])
    bias = float(final.intercept_[0]) - calibration.knee
    return final.coef_[0], bias, calibration.slope, calibration.bend, calibration.offset, calibration.scores(margins)


def learner() -> LinearSVC:
    """Return the classifier of one behaviour, not yet fitted.

    Its squared hinge leaves plain cases alone, where a logistic loss still pulls at them: 0.01 more average precision,
    on calls written after it was chosen too.
    """
    return LinearSVC(C=STRENGTH, tol=TOLERANCE, random_state=SEED)
