"""The fitted classifier: one weight a feature and behaviour, and a calibration; scored without scikit-learn.

With `m = slope * (weights . features + bias)` the probability of a behaviour is
`1 / (1 + exp(-(m + bend * max(m, 0) + offset)))`: scikit-learn's one-vs-rest linear support vectors, then Platt's
calibration with a knee (see `models.train.calibration_of`). tests/models prove it equal to scikit-learn's to 1e-6.
A long turn has the probability of the window it is surest of (`models.windows`).
"""

from collections.abc import Mapping
from math import tanh
from typing import NamedTuple, Protocol

import numpy as np

from detector.call import Memory
from detector.candidate import RULE, Candidate, Reading
from models.explanation import of_rules, of_weights
from models.features import Features, features, key_of
from models.logistic import logits_of, probabilities_of
from models.weights import Array, Rows, Weights
from models.windows import windows

RULE_PRIOR = 0.8
"""The score of a rule's hit for a behaviour the model has not learned."""
RULE_FLOOR = 0.2
"""Below this probability what rules say is dropped, if the model has learned from all of them (docs/design.md)."""
DEFAULT_FLOOR = 0.5
FAR_BELOW = -1e4
"""The logit of what cannot be."""


class SecondReading(Protocol):
    """What is asked where the classifier is unsure: the semantic tier, laid out for the classifier's behaviours."""

    def shifts(self, logits: Array, reading: Reading, memory: Memory) -> Array | None:
        """Return what to add to the classifier's logits of a turn, nought where it is sure; None where it is of all."""


class Classifier:
    """Scores agent turns with fitted weights, and explains what weighed. A `Scorer` of the core."""

    def __init__(
        self,
        weights: Weights,
        *,
        version: str,
        floors: Mapping[str, float] | None = None,
        second: SecondReading | None = None,
    ) -> None:
        """`floors` gives per behaviour the probability below which it is no candidate; 0.5 where it is silent."""
        self.weights = weights
        self._version = version
        self._second = second
        given = floors or {}
        least = logits_of([given.get(one, DEFAULT_FLOOR) for one in weights.behaviours]).astype(np.float32)
        self._rule_floor = float(logits_of([RULE_FLOOR])[0])
        self._floors: dict[str, float] = dict(zip(weights.behaviours, least.tolist(), strict=True))
        self._columns = {behaviour: at for at, behaviour in enumerate(weights.behaviours)}
        self._rows = Rows(weights)

    @property
    def version(self) -> str:
        """Return the version told in every decision."""
        return self._version

    def probabilities(self, reading: Reading, memory: Memory) -> Array:
        """Return the calibrated probability of each behaviour, in the order of `weights.behaviours`."""
        return probabilities_of(self._scored(reading, memory).logits)

    def candidates(self, reading: Reading, memory: Memory) -> tuple[Candidate, ...]:
        """Return the behaviours a rule proposes or whose probability reaches their floor, with evidence and reasons.

        Where unless entries void every rule hit of a behaviour, the behaviour is no candidate; of a long turn, in the
        windows of those hits. Nor is it where rules that were learned from hit and it is unlikely all the same.
        """
        scored = self._scored(reading, memory)
        ruled, void = by_rules(reading)
        if void and len(scored.windows) > 1:
            scored, void = self._spoken_against(scored, void)
        logits = dict(zip(self.weights.behaviours, scored.logits.tolist(), strict=True))
        for one in ruled:
            if logits.get(one, 0.0) < self._rule_floor and self._has_met_all(one, reading):
                void.add(one)
        likely = [one for one, logit in logits.items() if logit >= self._floors[one]]
        return tuple(
            [
                self._explained(behaviour, scored, reading, by_rule=behaviour in ruled)
                if behaviour in logits
                else _unlearned(behaviour, reading)
                for behaviour in dict.fromkeys((*ruled, *likely))
                if behaviour not in void
            ]
        )

    def _has_met_all(self, behaviour: str, reading: Reading) -> bool:
        """Tell whether every rule of a behaviour that hits was learned from: one that an analyst adds is not."""
        return all(
            self._rows.knows(key_of(hit.kind, hit.owner, hit.rule))
            for hit in reading.hits
            if hit.kind is RULE and hit.void_by is None and hit.owner == behaviour
        )

    def _scored(self, reading: Reading, memory: Memory) -> "Scored":
        parts = [self._window(part, memory) for part in windows(reading)]
        logits: Array = parts[0].logits if len(parts) == 1 else np.max([part.logits for part in parts], axis=0)
        shifts = None if self._second is None else self._second.shifts(logits, reading, memory)
        return Scored(parts, logits, None) if shifts is None else Scored(parts, logits + shifts, shifts)

    def _spoken_against(self, scored: "Scored", void: set[str]) -> tuple["Scored", set[str]]:
        """Return a long turn's scores without those of void hits' windows, and the behaviours void in all windows."""
        against = [void & by_rules(one.reading)[1] for one in scored.windows]
        parts = []
        for part, spoken in zip(scored.windows, against, strict=True):
            columns = [self._columns[one] for one in spoken if one in self._columns]
            logits = part.logits.copy()
            logits[columns] = FAR_BELOW
            parts.append(part._replace(logits=logits))
        logits = np.max([part.logits for part in parts], axis=0)
        if scored.shifts is not None:
            logits += scored.shifts
        return Scored(parts, logits, scored.shifts), set.intersection(*against)

    def _window(self, reading: Reading, memory: Memory) -> "Window":
        found = features(reading, memory)
        weighed = self._rows.of(found)
        from_knee = np.add.reduce(weighed) + self._rows.constant
        logits: Array = from_knee + self.weights.bend * np.maximum(from_knee, 0) + self.weights.offset
        return Window(reading, found, weighed, logits)

    def _explained(self, behaviour: str, scored: "Scored", reading: Reading, *, by_rule: bool) -> Candidate:
        column = self._columns[behaviour]
        seen, told = of_rules(behaviour, reading) if by_rule else ([], [])
        part = scored.windows[0]
        if len(scored.windows) > 1:
            part = max(scored.windows, key=lambda one: float(one.logits[column]))
        weighing, why = of_weights(part.weighed[:, column].tolist(), part.found, part.reading)
        if scored.shifts is not None and scored.shifts[column]:
            why.append(f"sentence encoder: {scored.shifts[column]:+.1f} for the turn as a whole")
        score = 0.5 + 0.5 * tanh(0.5 * float(scored.logits[column]))
        return Candidate(behaviour, score, (*seen, *weighing), (*told, *why), by_rule=by_rule)


class Window(NamedTuple):
    """A turn, or a window of a long one: what was found in it, what each feature weighs, and each behaviour's logit."""

    reading: Reading
    found: Features
    weighed: Array
    logits: Array


class Scored(NamedTuple):
    """The windows of a turn, each behaviour's logit, and what the second reading added to it, if it was asked."""

    windows: list[Window]
    logits: Array
    shifts: Array | None


def _unlearned(behaviour: str, reading: Reading) -> Candidate:
    """Return what rules propose of a behaviour the model has not learned."""
    evidence, reasons = of_rules(behaviour, reading)
    told = f"the model has not learned this behaviour; a rule's hit scores {RULE_PRIOR}"
    return Candidate(behaviour, RULE_PRIOR, tuple(evidence), (*reasons, told), by_rule=True)


def by_rules(reading: Reading) -> tuple[dict[str, None], set[str]]:
    """Return the behaviours that a rule's hit proposes, in order, and those of which every rule's hit is void."""
    ruled: dict[str, None] = {}
    void: set[str] = set()
    for hit in reading.hits:
        if hit.kind is RULE:
            if hit.void_by is None:
                ruled[hit.owner] = None
            else:
                void.add(hit.owner)
    return ruled, void.difference(ruled) if void else void
