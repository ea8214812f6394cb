"""The fitted weights, and the same laid out for serving: one row for all that a word brings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

import numpy as np
import numpy.typing as npt

from models.features import BEFORE, CONTEXT, HIT, PAIR, VALUES, WORD, Features, Pair, word_features

Array = npt.NDArray[np.float32]
NOTHING = 0
"""The row of what was never learned."""
UNLEARNED_WORDS = 20_000


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

    A learned word's row holds what its letters weigh too; that of another word is summed when the word is first met.
    """

    def __init__(self, weights: Weights) -> None:
        self.constant: Array = weights.slope * weights.bias
        families: dict[str, dict[str, int]] = {family: {} for family in VALUES}
        values = np.zeros(len(weights.vocabulary) + 1, dtype=np.float32)
        self._numbers = {name: row + 1 for name, row in weights.vocabulary.items()}
        for name, number in self._numbers.items():
            family, _, key = name.partition("=")
            families[family][key] = number
            values[number] = VALUES[family]
        self._words, self._hits, self._context = families[WORD], families[HIT], families[CONTEXT]
        self._before = {family: families[family] for family in BEFORE.values()}
        self._pairs: dict[Pair, int] = {}
        for key, number in families[PAIR].items():
            left, _, right = key.partition(" ")
            self._pairs[left, right] = number
        self._matrix = np.zeros((len(values), len(weights.behaviours)), dtype=np.float32)
        self._matrix[1:] = weights.matrix * weights.slope
        self._matrix *= values[:, None]
        learned = {number: self._of_word(word) for word, number in self._words.items()}
        for number, row in learned.items():
            self._matrix[number] = row
        self._unlearned = lru_cache(maxsize=UNLEARNED_WORDS)(self._of_word)

    def of(self, found: Features) -> Array:
        """Return what each feature weighs: features x behaviours, in the order of the families."""
        words = [*map(self._words.get, found.words, repeat(NOTHING))]
        weighed = self._matrix.take(
            [
                *words,
                *map(self._pairs.get, found.pairs, repeat(NOTHING)),
                *map(self._hits.get, found.hits, repeat(NOTHING)),
                *map(self._context.get, found.context, repeat(NOTHING)),
                *map(self._before[found.side].get, found.before, repeat(NOTHING)),
            ],
            axis=0,
        )
        if NOTHING in words:
            for at, (word, number) in enumerate(zip(found.words, words, strict=True)):
                if number == NOTHING:
                    weighed[at] = self._unlearned(word)
        return weighed

    def _of_word(self, word: str) -> Array:
        """Return what a word and its letters weigh."""
        numbers = [self._numbers.get(name, NOTHING) for name, _ in word_features(word)]
        return self._matrix.take(numbers, axis=0).sum(axis=0)  # type: ignore[no-any-return]
