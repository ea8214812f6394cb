"""The gate: of thousands of phrases it lets those through whose rarest word, or pair of neighbours, a turn has."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise, product
from typing import Generic, TypeAlias, TypeVar

from detector.playbook import Element, Words
from pipelines.nlp.words import AGENT_NAME, CUSTOMER_NAME, NAME

Phrase = TypeVar("Phrase", bound=Hashable)
Pair: TypeAlias = tuple[str, str]
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
        self._known: dict[frozenset[str], float] = {}
        self._known_pairs: dict[Two, float] = {}
        for words in turns:
            self._words.update(set(words))
            self._pairs.update(set(pairwise(words)))

    def of_words(self, words: frozenset[str]) -> float:
        """Return in how many turns one of the words is to be expected."""
        if words not in self._known:
            self._known[words] = sum(self._words[_HEARD_AS.get(word, word)] + UNHEARD for word in words)
        return self._known[words]

    def of_pairs(self, left: frozenset[str], right: frozenset[str]) -> float:
        """Return in how many turns a word of the left is to be expected just before one of the right."""
        two = left, right
        if two not in self._known_pairs:
            self._known_pairs[two] = sum(self._pairs[pair] + UNHEARD**2 for pair in product(left, right))
        return self._known_pairs[two]


class Gate(Generic[Phrase]):
    """Holds phrases behind their anchors; where no anchor of a phrase is said, the phrase cannot match."""

    def __init__(self, commonness: Commonness) -> None:
        self._commonness = commonness
        self._by_word: dict[str, list[Phrase]] = defaultdict(list)
        self._by_pair: dict[Pair, list[Phrase]] = defaultdict(list)

    def put(self, phrase: Phrase, elements: Sequence[Element]) -> None:
        """Put a phrase behind the rarest of what its elements cannot do without."""
        rarest = min(_needed(elements), key=self._commonness.of_words)
        best = self._commonness.of_words(rarest)
        anchor: Two | None = None
        for two in _neighbours(elements):
            common = self._commonness.of_pairs(*two)
            if common < best:
                best, anchor = common, two
        for pair in product(*anchor) if anchor else ():
            self._by_pair[pair].append(phrase)
        for word in () if anchor else rarest:
            self._by_word[word].append(phrase)

    def opened(self, words: Sequence[str]) -> dict[Phrase, None]:
        """Return the phrases a turn's words open, each once, in an order that depends on nothing else."""
        phrases: list[Phrase] = []
        for word in filter(self._by_word.__contains__, words):
            phrases += self._by_word[word]
        for pair in filter(self._by_pair.__contains__, pairwise(words)):
            phrases += self._by_pair[pair]
        return dict.fromkeys(phrases)


def _needed(elements: Iterable[Element]) -> Iterator[frozenset[str]]:
    return (element.options for element in elements if isinstance(element, Words) and not element.optional)


def _neighbours(elements: Sequence[Element]) -> Iterator[Two]:
    """Yield the two sets of words of each two elements in a row that both have to be said."""
    before: frozenset[str] | None = None
    for element in elements:
        words = element.options if isinstance(element, Words) and not element.optional else None
        if before and words and len(before) * len(words) <= MOST_PAIRS:
            yield before, words
        before = words
