"""What the detector is held against: the playbook's phrases alone, and a tf-idf logistic regression alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from detector.candidate import HitKind
from models.evaluation import Flags, Numbers
from models.labels import LabelledCall, Observation

STRENGTH = 10.0
SEED = 20_000
TUNING_SHARE = 5
ANY_WORD = r"\S+"


def phrases_alone(observations: Sequence[Observation], behaviours: Sequence[str]) -> Flags:
    """Return observations x behaviours: where a rule of the playbook hits and is not void."""
    hits = [
        {hit.owner for hit in one.reading.hits if hit.kind is HitKind.RULE and hit.void_by is None}
        for one in observations
    ]
    return np.array([[behaviour in found for behaviour in behaviours] for found in hits], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class TfIdf:
    """One-vs-rest logistic regression over tf-idf of a turn's words and word pairs; knows neither rules nor context."""

    vectoriser: TfidfVectorizer
    learners: tuple[LogisticRegression, ...]
    thresholds: Numbers

    def found(self, observations: Sequence[Observation]) -> Flags:
        """Return observations x behaviours: what reaches the behaviour's threshold."""
        seen = self.vectoriser.transform([one.turn.text for one in observations])
        scores = np.stack([learner.predict_proba(seen)[:, 1] for learner in self.learners], axis=-1)
        flags: Flags = scores >= self.thresholds
        return flags


def tf_idf(labelled: Iterable[LabelledCall], behaviours: Sequence[str]) -> TfIdf:
    """Fit the baseline on four fifths of the calls; the last fifth sets each threshold, where F1 is greatest."""
    said = [
        (turn.text, one.labels[turn.turn_id], crc32(one.call.call_id.encode()) % TUNING_SHARE == 0)
        for one in labelled
        for turn in one.call.turns
        if turn.turn_id in one.labels
    ]
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=ANY_WORD)
    learned = vectoriser.fit_transform([text for text, _, tuning in said if not tuning])
    tuned_on = vectoriser.transform([text for text, _, tuning in said if tuning])
    learners, thresholds = [], []
    for behaviour in behaviours:
        truth = np.array([behaviour in labels for _, labels, tuning in said if not tuning])
        learner = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=SEED).fit(learned, truth)
        tuning_truth = np.array([behaviour in labels for _, labels, tuning in said if tuning])
        learners.append(learner)
        thresholds.append(_best_threshold(tuning_truth, learner.predict_proba(tuned_on)[:, 1]))
    return TfIdf(vectoriser, tuple(learners), np.array(thresholds))


def _best_threshold(truth: Flags, scores: Numbers) -> float:
    order = np.argsort(-scores, kind="stable")
    quality = 2 * np.cumsum(truth[order]) / (np.arange(1, len(order) + 1) + max(1, int(truth.sum())))
    return float(scores[order][int(np.argmax(quality))])
