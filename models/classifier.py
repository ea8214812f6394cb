"""The fitted classifier: one weight a feature and behaviour, and a calibration; scored without scikit-learn.

The probability of a behaviour is `1 / (1 + exp(-(slope * (weights . features + bias) + offset)))`: scikit-learn's
one-vs-rest logistic regression, then Platt's calibration (Platt 1999, "Probabilistic outputs for support vector
machines"). tests/models prove it equal to scikit-learn's to 1e-6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.call import Memory
from detector.candidate import Candidate, Evidence, HitKind, Reading
from models.features import Feature, features

Array = npt.NDArray[np.float32]

RULE_PRIOR = 0.8
"""The score of a rule's hit for a behaviour the model has not learned."""
DEFAULT_FLOOR = 0.5
WORD_TOLL = 0.05
TOLD_WEIGHTS = 3


@dataclass(frozen=True, slots=True)
class Weights:
    """What training found. `matrix` is features x behaviours; the other arrays have one number a behaviour."""

    behaviours: tuple[str, ...]
    vocabulary: Mapping[str, int]
    matrix: Array
    bias: Array
    slope: Array
    offset: Array


class Classifier:
    """Scores agent turns with fitted weights, and explains what weighed. A `Scorer` of the core."""

    def __init__(self, weights: Weights, *, version: str, floors: Mapping[str, float] | None = None) -> None:
        """`floors` gives per behaviour the probability below which it is no candidate; 0.5 where it is silent."""
        self.weights = weights
        self._version = version
        given = floors or {}
        self._floors = np.array([given.get(one, DEFAULT_FLOOR) for one in weights.behaviours], dtype=np.float32)
        self._columns = {behaviour: at for at, behaviour in enumerate(weights.behaviours)}

    @property
    def version(self) -> str:
        """Return the version told in every decision."""
        return self._version

    def probabilities(self, reading: Reading, memory: Memory) -> Array:
        """Return the calibrated probability of each behaviour, in the order of `weights.behaviours`."""
        return self._calibrated(features(reading, memory))

    def candidates(self, reading: Reading, memory: Memory) -> tuple[Candidate, ...]:
        """Return the behaviours a rule proposes or whose probability reaches their floor, with evidence and reasons.

        Where unless entries void every rule hit of a behaviour, the behaviour is no candidate.
        """
        found = list(features(reading, memory))
        scores = self._calibrated(found)
        ruled = {hit.owner: None for hit in reading.hits if hit.kind is HitKind.RULE and hit.void_by is None}
        likely = {self.weights.behaviours[at]: None for at in np.flatnonzero(scores >= self._floors)}
        return tuple(
            self._explained(behaviour, float(scores[self._columns[behaviour]]), found, reading)
            if behaviour in self._columns
            else _unlearned(behaviour, reading)
            for behaviour in ruled | likely
            if not all_void(behaviour, reading)
        )

    def _calibrated(self, found: Iterable[Feature]) -> Array:
        vocabulary = self.weights.vocabulary
        values = {vocabulary[name]: value for name, value, _, _ in found if name in vocabulary}
        total = self.weights.bias
        if values:
            total = total + np.fromiter(values.values(), np.float32, len(values)) @ self.weights.matrix[list(values)]
        calibrated: Array = 1 / (1 + np.exp(-(self.weights.slope * total + self.weights.offset)))
        return calibrated

    def _explained(self, behaviour: str, score: float, found: Sequence[Feature], reading: Reading) -> Candidate:
        evidence, reasons = _of_rules(behaviour, reading)
        by_rule = bool(evidence)
        by_word, by_context = self._contributions(self._columns[behaviour], found, len(reading.words))
        first, last = heaviest_run(by_word)
        if last > first:
            start, end = reading.characters(first, last)
            evidence.append(Evidence(source="classifier", start=start, end=end))
            reasons.append(f"classifier: {sum(by_word[first:last]):+.1f} for the words at {start}-{end}")
        weighed = sorted(by_context.items(), key=lambda item: -abs(item[1]))[:TOLD_WEIGHTS]
        reasons.extend(f"classifier: {weight:+.1f} for {name}" for name, weight in weighed if abs(weight) >= WORD_TOLL)
        return Candidate(behaviour, score, tuple(evidence), tuple(reasons), by_rule)

    def _contributions(self, column: int, found: Sequence[Feature], count: int) -> tuple[list[float], dict[str, float]]:
        """Return what each word of the turn weighed, and what each feature of the context did.

        The words of the turns before are told as one: no words of the call are put into reasons.
        """
        slope = float(self.weights.slope[column])
        by_word, by_context = [0.0] * count, dict[str, float]()
        seen: set[str] = set()
        for name, value, first, last in found:
            row = self.weights.vocabulary.get(name)
            if row is None or name in seen:
                continue
            seen.add(name)
            weight = slope * value * float(self.weights.matrix[row, column])
            if last > first:
                for at in range(first, last):
                    by_word[at] += weight / (last - first)
            else:
                told = "the words of the turn before" if name.startswith(("before.c=", "before.a=")) else name
                by_context[told] = by_context.get(told, 0.0) + weight
        return by_word, by_context


def _unlearned(behaviour: str, reading: Reading) -> Candidate:
    """Return what rules propose of a behaviour the model has not learned."""
    evidence, reasons = _of_rules(behaviour, reading)
    told = f"the model has not learned this behaviour; a rule's hit scores {RULE_PRIOR}"
    return Candidate(behaviour, RULE_PRIOR, tuple(evidence), (*reasons, told), by_rule=True)


def all_void(behaviour: str, reading: Reading) -> bool:
    """Tell whether rules of the behaviour hit and every hit is void."""
    hits = [hit for hit in reading.hits if hit.kind is HitKind.RULE and hit.owner == behaviour]
    return bool(hits) and all(hit.void_by is not None for hit in hits)


def heaviest_run(weights: Sequence[float]) -> tuple[int, int]:
    """Return the run of words with the greatest sum, each word paying a small toll (Kadane's algorithm)."""
    best, run = 0.0, 0.0
    found, start = (0, 0), 0
    for at, weight in enumerate(weights):
        if run <= 0:
            run, start = 0.0, at
        run += weight - WORD_TOLL
        if run > best:
            best, found = run, (start, at + 1)
    return found


def _of_rules(behaviour: str, reading: Reading) -> tuple[list[Evidence], list[str]]:
    evidence, reasons = [], []
    for hit in reading.hits:
        if hit.owner != behaviour or hit.kind is not HitKind.RULE or hit.void_by is not None:
            continue
        start, end = reading.characters(hit.first, hit.last)
        evidence.append(Evidence(source=f"rule:{hit.rule}", start=start, end=end))
        reasons.append(f"rule {hit.rule} at {start}-{end}")
    return evidence, reasons
