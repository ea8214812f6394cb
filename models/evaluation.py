"""Figures of detection, each with its 95% interval."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054
RESAMPLES = 400
BINS = 10
TOLD_FROM = 0.05
NEVER, LEAST_AWARD, LEAST_REVIEW = 1.01, 0.5, 0.45
SEED = 7

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a count with its Wilson interval (Wilson 1927); NaN where nothing was counted."""

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How one behaviour, or all together, were found."""

    positives: int
    precision: Share
    recall: Share
    f1: float
    f1_low: float
    f1_high: float


@dataclass(frozen=True, slots=True)
class BehaviourFigures:
    """Figures of a behaviour: of award and review together, and of award alone."""

    behaviour: str
    found: Figures
    awarded: Figures


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of a set of labelled calls; macro averages run over behaviours with `macro_from` positives up."""

    name: str
    calls: int
    turns: int
    behaviours: tuple[BehaviourFigures, ...]
    micro: Figures
    micro_awarded: Figures
    macro_f1: float
    macro_of: int
    macro_from: int
    calibration_error: float
    reliability: tuple[tuple[float, float, int], ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for a JSON file."""
        return asdict(self)


def wilson(hits: int, of: int) -> Share:
    """Return the share of hits with its 95% Wilson score interval."""
    if of == 0:
        return Share(float("nan"), 0.0, 1.0, 0)
    share, spread = hits / of, Z * Z / of
    centre = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return Share(share, max(0.0, centre - half), min(1.0, centre + half), of)


def figures(truth: Flags, found: Flags, groups: npt.NDArray[np.int64]) -> Figures:
    """Return precision, recall and F1; F1's interval comes from resampling whole calls (`groups`)."""
    low, high = _f1_interval(truth, found, groups)
    hits, told, positives = int((truth & found).sum()), int(found.sum()), int(truth.sum())
    return Figures(positives, wilson(hits, told), wilson(hits, positives), f1(truth, found), low, high)


def f1(truth: Flags, found: Flags) -> float:
    """Return the harmonic mean of precision and recall; 1 where there was nothing to find and nothing found."""
    total = int(found.sum() + truth.sum())
    return 2 * int((truth & found).sum()) / total if total else 1.0


def _f1_interval(truth: Flags, found: Flags, groups: npt.NDArray[np.int64]) -> tuple[float, float]:
    count = int(groups.max()) + 1 if len(groups) else 0
    if count == 0 or not (truth.any() or found.any()):
        return 0.0, 1.0
    flat = truth.reshape(len(groups), -1), found.reshape(len(groups), -1)
    both = np.bincount(groups, weights=(flat[0] & flat[1]).sum(axis=1), minlength=count)
    total = np.bincount(groups, weights=flat[0].sum(axis=1) + flat[1].sum(axis=1), minlength=count)
    draws = np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count))
    totals = total[draws].sum(axis=1)
    values = 2 * both[draws].sum(axis=1)[totals > 0] / totals[totals > 0]
    return float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975))


def reliability(truth: Flags, scores: Numbers) -> tuple[tuple[float, float, int], ...]:
    """Return for ten equal bands of score: the mean score, the share that is true, and the count."""
    band = np.minimum((scores * BINS).astype(int), BINS - 1).ravel()
    counts = np.bincount(band, minlength=BINS)
    means = np.bincount(band, weights=scores.ravel(), minlength=BINS)
    trues = np.bincount(band, weights=truth.ravel().astype(float), minlength=BINS)
    return tuple(
        (float(means[at] / counts[at]), float(trues[at] / counts[at]), int(counts[at]))
        for at in range(BINS)
        if counts[at]
    )


def calibration_error(truth: Flags, scores: Numbers) -> float:
    """Return the expected calibration error over ten equal bands (Naeini et al. 2015), of scores from 0.05 on.

    Most turns are plainly nothing; counting them would make any model look calibrated.
    """
    told = scores >= TOLD_FROM
    bands = reliability(truth[told], scores[told])
    total = sum(count for _, _, count in bands)
    return sum(abs(mean - true) * count for mean, true, count in bands) / total if total else 0.0


def evaluate(
    *,
    name: str,
    behaviours: Sequence[str],
    truth: Flags,
    scores: Numbers,
    found: Flags,
    awarded: Flags,
    call_ids: Sequence[str],
    macro_from: int = 10,
) -> Evaluation:
    """Return all figures of observations x behaviours; `found` is award or review, `awarded` award alone."""
    groups = np.unique(np.array(call_ids, dtype=object).astype(str), return_inverse=True)[1]
    rows = tuple(
        BehaviourFigures(
            behaviour,
            figures(truth[:, at], found[:, at], groups),
            figures(truth[:, at], awarded[:, at], groups),
        )
        for at, behaviour in enumerate(behaviours)
    )
    macro = [row.found.f1 for row in rows if row.found.positives >= macro_from]
    return Evaluation(
        name=name,
        calls=int(groups.max()) + 1 if len(groups) else 0,
        turns=len(call_ids),
        behaviours=rows,
        micro=figures(truth, found, groups),
        micro_awarded=figures(truth, awarded, groups),
        macro_f1=float(np.mean(macro)) if macro else float("nan"),
        macro_of=len(macro),
        macro_from=macro_from,
        calibration_error=calibration_error(truth, scores),
        reliability=reliability(truth, scores),
    )


def choose_thresholds(truth: Flags, scores: Numbers, *, floor: float) -> tuple[float, float]:
    """Return the lowest award threshold whose precision is surely above the floor, and the review threshold.

    Award: the lower end of the 95% interval of precision, of all scores from the threshold on, clears the floor; where
    no threshold does, 1.01, which no score reaches. Review: where F1 of all that is shown is greatest, at most award.
    What is as likely wrong as right is never awarded. Review is at least 0.45: of calibrated scores F1 is greatest from
    half of itself on (Lipton, Elkan, Naryanaswamy 2014, "Optimal thresholding of classifiers to maximize F1 measure"),
    and on ordinary calls it is about 0.9; our examples, half of them near-misses, would set it lower.
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    ranked = scores[order]
    last = np.append(ranked[1:] < ranked[:-1], True)
    award = NEVER
    for at in np.flatnonzero(last):
        if wilson(int(hits[at]), int(at) + 1).low >= floor:
            award = float(ranked[at])
    told = np.arange(1, len(ranked) + 1)
    quality = np.where(last, 2 * hits / (told + max(1, int(truth.sum()))), -1.0)
    review = float(ranked[int(np.argmax(quality))])
    return max(award, LEAST_AWARD), min(max(review, LEAST_REVIEW), max(award, LEAST_AWARD))


def decided_apart(truth: Flags, scores: Numbers, *, folds: Sequence[int], floor: float) -> tuple[Flags, Flags]:
    """Return what is found and what is awarded when each fold's thresholds are chosen on the other folds.

    Thresholds shown with the figures of the very scores they were chosen on would flatter: of many, a lucky one is
    taken. Arrays are observations x behaviours.
    """
    numbers = np.array(folds)
    found, awarded = np.zeros_like(truth), np.zeros_like(truth)
    for fold in np.unique(numbers):
        here, elsewhere = numbers == fold, numbers != fold
        for at in range(truth.shape[1]):
            award, review = choose_thresholds(truth[elsewhere, at], scores[elsewhere, at], floor=floor)
            found[here, at] = scores[here, at] >= review
            awarded[here, at] = scores[here, at] >= award
    return found, awarded
