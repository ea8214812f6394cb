"""The gate: of thousands of phrases it lets those through whose rarest word, or pair of neighbours, a turn has."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from itertools import pairwise, product
from typing import Generic, TypeAlias, TypeVar

from detector.playbook import Element, Words
from pipelines.nlp.words import AGENT_NAME, CUSTOMER_NAME, NAME

Phrase = TypeVar("Phrase", bound=Hashable)
Pair: TypeAlias = tuple[str, str]
Held: TypeAlias = tuple[Phrase, frozenset[str]]
"""A phrase, and the words that all have to be said for it."""
Two: TypeAlias = tuple[frozenset[str], frozenset[str]]
MOST_PAIRS = 64
"""Two sets of words that make more pairs than this are no anchor."""
_HEARD_AS = {CUSTOMER_NAME: NAME, AGENT_NAME: NAME}
"""Whose name it is only a call tells, and the turns counted are without one."""
UNHEARD = 0.1
"""In how many turns a word counts as said that was never said; the square of it for a pair."""


class Commonness:
    """How often words, and pairs of neighbours, are said in some turns."""

    def __init__(self, turns: Iterable[Sequence[str]]) -> None:
        self._words: Counter[str] = Counter()
        self._pairs: Counter[Pair] = Counter()
        for words in turns:
            self._words.update(set(words))
            self._pairs.update(set(pairwise(words)))
        self.of_words = cache(self._of_words)
        self.of_pairs = cache(self._of_pairs)

    def _of_words(self, words: frozenset[str]) -> float:
        """Return in how many turns one of the words is to be expected."""
        return sum(self._words[_HEARD_AS.get(word, word)] + UNHEARD for word in words)

    def _of_pairs(self, two: Two) -> float:
        """Return in how many turns a word of the first set is to be expected just before one of the second."""
        return sum(self._pairs[pair] + UNHEARD**2 for pair in product(*two))


class Gate(Generic[Phrase]):
    """Holds phrases behind their anchors; where no anchor of a phrase is said, the phrase cannot match.

    Nor can it where one of the words is not said that it has no other word for.
    """

    def __init__(self, commonness: Commonness) -> None:
        self._commonness = commonness
        self._by_word: dict[str, list[Held[Phrase]]] = defaultdict(list)
        self._by_pair: dict[Pair, list[Held[Phrase]]] = defaultdict(list)

    def put(self, phrase: Phrase, elements: Sequence[Element]) -> None:
        """Put a phrase behind the rarest of what its elements cannot do without."""
        words, pairs = _needed(elements)
        held = phrase, frozenset(word for options in words if len(options) == 1 for word in options)
        rarest = min(words, key=self._commonness.of_words)
        two = min(pairs, key=self._commonness.of_pairs, default=None)
        if two and self._commonness.of_pairs(two) < self._commonness.of_words(rarest):
            for pair in product(*two):
                self._by_pair[pair].append(held)
        else:
            for word in rarest:
                self._by_word[word].append(held)

    def opened(self, words: Sequence[str]) -> dict[Phrase, None]:
        """Return the phrases a turn's words open, each once, in an order that depends on nothing else."""
        behind: list[Held[Phrase]] = []
        for word in filter(self._by_word.__contains__, words):
            behind += self._by_word[word]
        for pair in filter(self._by_pair.__contains__, pairwise(words)):
            behind += self._by_pair[pair]
        said = set(words)
        return dict.fromkeys([phrase for phrase, needed in behind if needed <= said])


def _needed(elements: Iterable[Element]) -> tuple[list[frozenset[str]], list[Two]]:
    """Return the sets of words of which one has to be said, and those of them that are neighbours."""
    words: list[frozenset[str]] = []
    pairs: list[Two] = []
    before: frozenset[str] = frozenset()
    for element in elements:
        if not isinstance(element, Words) or element.optional:
            before = frozenset()
            continue
        options = element.options
        if 0 < len(before) * len(options) <= MOST_PAIRS:
            pairs.append((before, options))
        words.append(options)
        before = options
    return words, pairs
