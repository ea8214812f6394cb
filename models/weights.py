"""The fitted weights, and the same laid out for serving: one row for all that a word brings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import numpy.typing as npt

from models.features import BEFORE, CONTEXT, HIT, LETTERS, PAIR, VALUES, WORD, Features, Pair, runs_of_letters

Array = npt.NDArray[np.float32]
NOTHING = 0
"""The row of what was never learned."""
MET_WORDS = 25_000
"""How many words' rows are kept: more than one turn has; once they are as many, all are made anew as they are met."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What training found. `matrix` is features x behaviours; the other arrays have one number a behaviour."""

    behaviours: tuple[str, ...]
    vocabulary: Mapping[str, int]
    matrix: Array
    bias: Array
    slope: Array
    bend: Array
    offset: Array


class Rows:
    """The weights times the features' values, in the units of the calibrated score's logit; found by key, not by name.

    What a word weighs, itself and its letters, is summed when the word is first met, and then has a row of its own.
    """

    def __init__(self, weights: Weights) -> None:
        self.constant: Array = weights.slope * weights.bias
        families: dict[str, dict[str, int]] = {family: {} for family in VALUES}
        values = np.zeros(len(weights.vocabulary) + 1, dtype=np.float32)
        for name, row in weights.vocabulary.items():
            family, _, key = name.partition("=")
            families[family][key] = row + 1
            values[row + 1] = VALUES[family]
        self._learned, self._letters = families[WORD], families[LETTERS]
        self._hits, self._context = families[HIT], families[CONTEXT]
        self._before = {family: families[family] for family in BEFORE.values()}
        self._pairs: dict[Pair, int] = {}
        for key, number in families[PAIR].items():
            left, _, right = key.partition(" ")
            self._pairs[left, right] = number
        self._met: dict[str, int] = {}
        self._first_met = len(values)
        self._matrix = np.zeros((len(values) + MET_WORDS, len(weights.behaviours)), dtype=np.float32)
        self._matrix[1 : len(values)] = weights.matrix * weights.slope
        self._matrix[: len(values)] *= values[:, None]

    def of(self, found: Features) -> Array:
        """Return what each feature weighs: features x behaviours, in the order of the families."""
        if not found.words.keys() <= self._met.keys():
            self._meet(found.words)
        return self._matrix.take(
            [
                *map(self._met.__getitem__, found.words),
                *map(self._pairs.get, found.pairs, repeat(NOTHING)),
                *map(self._hits.get, found.hits, repeat(NOTHING)),
                *map(self._context.get, found.context, repeat(NOTHING)),
                *map(self._before[found.side].get, found.before, repeat(NOTHING)),
            ],
            axis=0,
        )

    def knows(self, hit: str) -> bool:
        """Tell whether hits of a key (`features.key_of`) were learned from."""
        return hit in self._hits

    def _meet(self, words: Collection[str]) -> None:
        """Give each word a row."""
        if len(self._met) + len(words) > MET_WORDS:
            self._met.clear()
        for word in words:
            if word not in self._met:
                number = self._met[word] = self._first_met + len(self._met)
                self._matrix[number] = self._of_word(word)

    def _of_word(self, word: str) -> Array:
        """Return what a word and its letters weigh."""
        letters = map(self._letters.get, runs_of_letters(word), repeat(NOTHING))
        return np.add.reduce(self._matrix.take([self._learned.get(word, NOTHING), *letters], axis=0))  # type: ignore[no-any-return]
