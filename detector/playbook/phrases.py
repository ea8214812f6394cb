"""The phrase notation: what an analyst writes in a rule, parsed into sequences of elements.

Notation: `(a|b c)` alternatives, `[x]` optional, `*` any word, `...` a gap of up to 3 words, `...6` of up to 6,
`{name}` a class of words, `^` and `$` the start and end of a clause. docs/playbook.md explains it to analysts.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, product
from math import prod
from typing import NamedTuple, TypeAlias

DEFAULT_GAP = 3
MAX_GAP = 12
MAX_SEQUENCES = 2_000
MAX_DEPTH = 20
ENGINE_CLASSES = frozenset({"customer_name", "agent_name", "name", "number"})

PARSED = 10_000
"""How many parsed phrases are kept: they are read when a playbook is checked, and when it is compiled."""

_TOKEN = re.compile(r"\.\.\.\d*|[()\[\]|*^$]|\{\w+\}|(?:(?!\.\.\.)[^\s()\[\]|*^${}])+|[{}]")
_CLASS = re.compile(r"\{(\w+)\}")
_STRAY = frozenset("{}")
_NO_GAP = re.compile(r"\.\.|…")
_SIGNS = frozenset("()[]|*^$")
_NO_MORE = frozenset({"|", ")", "]", ""})
"""What a sequence ends at; the last is the end of the phrase."""


class PhraseError(ValueError):
    """A phrase that cannot be read, with the reason."""


class Words(NamedTuple):
    """One word out of a set; an optional one may be absent."""

    options: frozenset[str]
    optional: bool = False


class AnyWord(NamedTuple):
    """Any one word."""


class Gap(NamedTuple):
    """From no word to `width` words, all in one clause."""

    width: int


class WordClass(NamedTuple):
    """A word of a class the text engine knows: customer_name, agent_name, name, number."""

    name: str


Element: TypeAlias = Words | AnyWord | Gap | WordClass


class Sequence(NamedTuple):
    """Elements that follow each other; `at_start` and `at_end` bind it to the ends of a clause."""

    elements: tuple[Element, ...]
    at_start: bool = False
    at_end: bool = False


def parse(phrase: str, *, word_lists: Mapping[str, tuple[str, ...]]) -> tuple[Sequence, ...]:
    """Return every sequence the phrase stands for. Sets of single words stay sets.

    Raises:
        PhraseError: what cannot be read, where, and the known choices.
    """
    lists = []
    for name in _CLASS.findall(phrase):
        if name in word_lists:
            lists.append((name, word_lists[name]))
        elif name not in ENGINE_CLASSES:
            known = ", ".join(sorted({*ENGINE_CLASSES, *word_lists}))
            raise PhraseError(f"names an unknown class {{{name}}}; the known ones are {known}")
    return _parsed(phrase, tuple(lists))


def parse_words(phrase: str, *, word_lists: Mapping[str, tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
    """Return the rows of words that a phrase of nothing but words stands for.

    Raises:
        PhraseError: what cannot be read, or is more than words.
    """
    sequences = parse(phrase, word_lists=word_lists)
    if not all(map(_is_words, sequences)):
        raise PhraseError("may hold words, alternatives and word lists only")
    return frozenset(chain.from_iterable(map(_rows, sequences)))


def _is_words(sequence: Sequence) -> bool:
    bound = sequence.at_start or sequence.at_end
    return not bound and all(isinstance(one, Words) and not one.optional for one in sequence.elements)


def _rows(sequence: Sequence) -> Iterator[tuple[str, ...]]:
    return product(*(one.options for one in sequence.elements if isinstance(one, Words)))


@lru_cache(maxsize=PARSED)
def _parsed(phrase: str, lists: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[Sequence, ...]:
    at_start, at_end = phrase.lstrip().startswith("^"), phrase.rstrip().endswith("$")
    inner = phrase.strip().removeprefix("^").removesuffix("$")
    parser = _Parser(inner, dict(lists))
    sequences = [_trimmed(Sequence(elements, at_start, at_end)) for elements in parser.alternatives()]
    parser.expect_end()
    if not all(any(map(_is_fixed, one.elements)) for one in sequences):
        raise PhraseError("needs at least one fixed word in each of its readings")
    return tuple(dict.fromkeys(sequences))


def _is_fixed(element: Element) -> bool:
    return isinstance(element, WordClass) or (isinstance(element, Words) and not element.optional)


def _trimmed(sequence: Sequence) -> Sequence:
    """Drop gaps at the ends, which would match the same words and more; not where an end of the clause binds them."""
    elements = sequence.elements
    while elements and isinstance(elements[0], Gap) and not sequence.at_start:
        elements = elements[1:]
    while elements and isinstance(elements[-1], Gap) and not sequence.at_end:
        elements = elements[:-1]
    return Sequence(elements, sequence.at_start, sequence.at_end)


class _Parser:
    """Recursive descent over the signs of one phrase."""

    def __init__(self, phrase: str, word_lists: Mapping[str, tuple[str, ...]]) -> None:
        self._tokens = [*_tokens(phrase), ""]
        self._at = 0
        self._depth = 0
        self._lists = word_lists

    def expect_end(self) -> None:
        if self._next:
            raise PhraseError(f"has an unexpected {self._next!r}")

    @property
    def _next(self) -> str:
        return self._tokens[self._at]

    def alternatives(self) -> list[tuple[Element, ...]]:
        """Read `a|b c|…` up to a closing sign or the end."""
        found = self._sequence()
        while self._next == "|":
            self._at += 1
            found = found + self._sequence()
        return _merged(found)

    def _sequence(self) -> list[tuple[Element, ...]]:
        items = []
        while (token := self._next) not in _NO_MORE:
            self._at += 1
            items.append(self._item(token))
        if prod(map(len, items)) > MAX_SEQUENCES:
            raise PhraseError(f"stands for more than {MAX_SEQUENCES} sequences: split it into several phrases")
        return [tuple(chain.from_iterable(parts)) for parts in product(*items)]

    def _item(self, token: str) -> list[tuple[Element, ...]]:
        if token in _SIGNS:
            return self._group(token)
        if token.startswith("..."):
            return [(_gap(token.removeprefix("...")),)]
        if token.startswith("{"):
            return self._class(token[1:-1])
        return [(_word(token.lower()),)]

    def _class(self, name: str) -> list[tuple[Element, ...]]:
        if name in ENGINE_CLASSES:
            return [(WordClass(name),)]
        return _merged([tuple(map(_word, entry.split())) for entry in self._lists[name]])

    def _group(self, sign: str) -> list[tuple[Element, ...]]:
        if sign == "*":
            return [(AnyWord(),)]
        if sign in {"^", "$"}:
            raise PhraseError(f"has {sign!r} in the middle; ^ comes first and $ last")
        found = self._nested()
        closing = ")" if sign == "(" else "]"
        if self._next != closing:
            raise PhraseError(f"has a {sign!r} without its {closing!r}")
        self._at += 1
        return found if sign == "(" else _optional(found)

    def _nested(self) -> list[tuple[Element, ...]]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PhraseError(f"nests brackets more than {MAX_DEPTH} deep: split it into several phrases")
        found = self.alternatives()
        self._depth -= 1
        return found


def _tokens(phrase: str) -> list[str]:
    tokens = _TOKEN.findall(phrase)
    if not _STRAY.isdisjoint(tokens):
        at = next(token.start() for token in _TOKEN.finditer(phrase) if token.group() in _STRAY)
        raise PhraseError(f"cannot be read at {phrase[at : at + 12].strip()!r}")
    for token in tokens:
        if not token.startswith("...") and _NO_GAP.search(token):
            raise PhraseError(f"has {token!r}: a gap is written with three full stops, as ... or ...6")
    return tokens


@lru_cache(maxsize=PARSED)
def _word(word: str) -> Words:
    return Words(frozenset({word}))


def _gap(width: str) -> Gap:
    if int(width or DEFAULT_GAP) > MAX_GAP:
        raise PhraseError(f"has a gap of {width} words; a gap spans at most {MAX_GAP}")
    return Gap(int(width or DEFAULT_GAP))


def _optional(alternatives: list[tuple[Element, ...]]) -> list[tuple[Element, ...]]:
    """Return the alternatives and nothing at all; a set of single words stays one element."""
    if len(alternatives) == 1 and len(alternatives[0]) == 1 and isinstance(alternatives[0][0], Words):
        return [(Words(alternatives[0][0].options, optional=True),)]
    return [(), *alternatives]


def _merged(alternatives: list[tuple[Element, ...]]) -> list[tuple[Element, ...]]:
    """Join alternatives that differ in one word at one place into one sequence with a set of words."""
    singles = [one for one in alternatives if len(one) == 1 and isinstance(one[0], Words) and not one[0].optional]
    if len(singles) <= 1:
        return alternatives
    joined = Words(frozenset().union(*(one[0].options for one in singles if isinstance(one[0], Words))))
    return [(joined,), *(one for one in alternatives if one not in singles)]
