"""The phrases' sequences in normalised words: as turns are read, so that they can be found there."""

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise, product

from detector.playbook import Element, Gap, Sequence, WordClass, Words
from pipelines.nlp.tokens import Tokens, flat
from pipelines.nlp.words import AGENT_NAME, CUSTOMER_NAME, DROPPED, JOINED, NAME, NUMBER, PAUSES

PAIR = 2
CLASSES = {
    "name": frozenset({NAME, CUSTOMER_NAME, AGENT_NAME}),
    "customer_name": frozenset({CUSTOMER_NAME}),
    "agent_name": frozenset({AGENT_NAME}),
    "number": frozenset({NUMBER}),
}
_JOINED_FIRST = frozenset(first for first, _ in JOINED)
_ANOTHER = frozenset({""})
"""A word, or the start of a turn, that no word of a phrase is the same as."""


class Normaliser:
    """Brings sequences into normalised words; what it worked out for a word or an element it keeps."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._forms: dict[str, tuple[str, ...]] = {}
        self._known: dict[Element, list[tuple[Element, ...]]] = {}

    def normalised(self, sequences: Iterable[Sequence]) -> Iterator[Sequence]:
        """Yield the sequences in normalised words; a written word may open to two, and a dash to none."""
        for sequence in sequences:
            for elements in product(*map(self._known_choices, sequence.elements)):
                joined = tuple(chain.from_iterable(elements))
                if any(isinstance(part, Words) and not part.optional for part in joined):
                    yield Sequence(joined, sequence.at_start, sequence.at_end)

    def _known_choices(self, element: Element) -> list[tuple[Element, ...]]:
        if element not in self._known:
            self._known[element] = self._choices(element)
        return self._known[element]

    def _choices(self, element: Element) -> list[tuple[Element, ...]]:
        if isinstance(element, WordClass):
            return [(Words(CLASSES[element.name]),)]
        if not isinstance(element, Words):
            return [(element,)]
        forms = [self._form(option) for option in sorted(element.options)]
        singles = frozenset(form[0] for form in forms if len(form) == 1)
        choices: list[tuple[Element, ...]] = [(Words(singles, element.optional),)] if singles else []
        choices.extend(tuple(Words(frozenset({word})) for word in form) for form in forms if len(form) != 1)
        return choices if singles or not element.optional else [(), *choices]

    def _form(self, word: str) -> tuple[str, ...]:
        if word not in self._forms:
            self._forms[word] = tuple(token[0] for token in flat(self._tokens.of(word)) if token[0] not in PAUSES)
        return self._forms[word]


def can_match(sequence: Sequence) -> bool:
    """Tell whether a turn can ever read as a normalised sequence: fillers and a word's repetition are not kept."""
    lasts = _ANOTHER
    for element in sequence.elements:
        lasts = _lasts(element, lasts)
        if not lasts:
            return False
    return True


def _lasts(element: Element, before: frozenset[str]) -> frozenset[str]:
    """Return the words a sequence may end in with an element, by the words it may end in before it."""
    match element:
        case Words(options, optional):
            said = frozenset(word for word in options - DROPPED if word == NUMBER or before != {word})
            return said | before if optional else said
        case Gap(width):
            return before | _ANOTHER if width else before
        case _:
            return _ANOTHER


def misheard(sequence: Sequence) -> Iterator[Sequence]:
    """Yield the sequence, and it as a recogniser writes it that joins two neighbouring words: "i will" into "ill".

    A joined word alone is another word, so that something else of the sequence has to be said.
    """
    yield sequence
    elements = sequence.elements
    for at, (left, right) in enumerate(pairwise(elements)):
        if not isinstance(left, Words) or not isinstance(right, Words) or _JOINED_FIRST.isdisjoint(left.options):
            continue
        joined = frozenset(JOINED[pair] for pair in product(left.options, right.options) if pair in JOINED)
        if joined and any(map(_is_said, (*elements[:at], *elements[at + PAIR :]))):
            yield sequence._replace(elements=(*elements[:at], Words(joined), *elements[at + PAIR :]))


def _is_said(element: Element) -> bool:
    """Tell whether an element stands for a word that is always said."""
    return not isinstance(element, Gap) and not (isinstance(element, Words) and element.optional)
