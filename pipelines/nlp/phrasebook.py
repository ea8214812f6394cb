"""The playbook's phrases, compiled to spaCy's matchers behind a gate of words.

A phrase that stands for few plain phrases goes to one PhraseMatcher. The others, with gaps or wide choices, and raw
token patterns, each have a token Matcher, which is tried on a turn only when the turn has every word it cannot do
without. Matchers are made when first tried.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from spacy.lang.en.stop_words import STOP_WORDS
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from detector.errors import Fault
from detector.playbook import Playbook, Rule, Sequence, Words, parse, spread
from pipelines.nlp.entries import Entry
from pipelines.nlp.raw_patterns import what_is_wrong
from pipelines.nlp.sequences import CLASSES, Normaliser, can_match, misheard, misheard_sequence, token_pattern
from pipelines.nlp.words import CLAUSE_ENDS, NUMBER

PLAIN_PHRASES = 24
NEVER_FOUND = "can never be found: of what is said, fillers, dashes, quotes and a word's repetition are left out"
_LEADS = frozenset("okay ok so and right well yes yeah now oh but no then alright".split())


@dataclass(slots=True)
class Gated:
    """A token pattern, the sets of words of which a turn needs one each, and its matcher once it was tried."""

    entry: Entry
    pattern: list[dict[str, Any]]
    needs: tuple[frozenset[str], ...]
    matcher: Matcher | None = field(default=None)

    def matches(self, vocab: Vocab, document: Doc) -> Iterator[tuple[int, int]]:
        """Yield the first word and the word after the last of each match."""
        if self.matcher is None:
            self.matcher = Matcher(vocab)
            self.matcher.add(self.entry.rule, [self.pattern])
        return ((first, last) for _, first, last in self.matcher(document))


class Phrasebook:
    """Finds the entries of one speaker's phrases in a document of normalised words.

    `faults` tells the phrases that can never be found, and the raw patterns that spaCy refuses.
    """

    def __init__(self, nlp: Language, entries: Iterable[tuple[Entry, Rule]], *, playbook: Playbook) -> None:
        self._nlp = nlp
        self._word_lists = playbook.shared.words
        self._phrases = PhraseMatcher(nlp.vocab, attr="ORTH")
        self._entries: dict[int, Entry] = {}
        self._gate: dict[str, list[Gated]] = defaultdict(list)
        self._ungated: list[Gated] = []
        self._normaliser = Normaliser(nlp)
        self.faults: list[Fault] = []
        for entry, rule in entries:
            self._add(entry, rule)

    def matches(self, document: Doc, words: tuple[str, ...]) -> Iterator[tuple[Entry, int, int]]:
        """Yield each entry found with its first word and the word after its last."""
        for key, first, last in self._phrases(document):
            entry = self._entries[key]
            if not (entry.at_start or entry.at_end) or _bound(entry, words, first, last):
                yield entry, first, last
        for gated in self.tried(frozenset(words)):
            for first, last in gated.matches(self._nlp.vocab, document):
                if _bound(gated.entry, words, first, last):
                    yield gated.entry, first, last

    def tried(self, words: AbstractSet[str]) -> list[Gated]:
        """Return the token patterns the gate lets through for the words of a turn."""
        opened = list(self._ungated)
        for word in words & self._gate.keys():
            opened.extend(gated for gated in self._gate[word] if _has_all(gated.needs, words))
        return opened

    def everything(self) -> list[Gated]:
        """Return all token patterns, as if there were no gate."""
        behind = {id(gated): gated for several in self._gate.values() for gated in several}
        return [*self._ungated, *behind.values()]

    def _add(self, entry: Entry, rule: Rule) -> None:
        plain: dict[Entry, set[tuple[str, ...]]] = defaultdict(set)
        for phrase in rule.phrases:
            for sequence in self._sequences(entry, phrase):
                bound = entry
                if sequence.at_start or sequence.at_end:
                    bound = replace(entry, at_start=sequence.at_start, at_end=sequence.at_end)
                listed = spread(sequence, limit=PLAIN_PHRASES)
                if listed is None:
                    self._add_gated(bound, sequence)
                else:
                    plain[bound].update(variant for words in listed for variant in misheard(words))
        for bound, phrases in plain.items():
            self._add_plain(bound, phrases)
        self._add_patterns(entry, rule)

    def _add_patterns(self, entry: Entry, rule: Rule) -> None:
        for at, pattern in enumerate(rule.patterns, start=1):
            wrong = what_is_wrong(pattern, vocab=self._nlp.vocab)
            if wrong is None:
                self._ungated.append(Gated(entry, list(pattern), ()))
            else:
                self.faults.append(entry.fault(f"has a raw pattern, its number {at}, that {wrong}"))

    def _sequences(self, entry: Entry, phrase: str) -> list[Sequence]:
        """Return a phrase's sequences in normalised words; that none can match is a fault."""
        sequences = list(self._normaliser.normalised(parse(phrase, word_lists=self._word_lists)))
        if not any(can_match(sequence) for sequence in sequences):
            self.faults.append(entry.fault(f"has the phrase {phrase!r}, which {NEVER_FOUND}"))
        return sequences

    def _add_plain(self, entry: Entry, phrases: set[tuple[str, ...]]) -> None:
        key = f"{entry.kind}|{entry.owner}|{entry.rule}|{entry.at_start:d}{entry.at_end:d}"
        vocab = self._nlp.vocab
        self._phrases.add(key, [Doc(vocab, words=list(words)) for words in sorted(phrases)])
        self._entries[vocab.strings[key]] = entry

    def _add_gated(self, entry: Entry, sequence: Sequence) -> None:
        for variant in misheard_sequence(sequence):
            needs = sorted(
                (
                    element.options
                    for element in variant.elements
                    if isinstance(element, Words) and not element.optional
                ),
                key=_commonness,
            )
            gated = Gated(entry, token_pattern(variant), tuple(needs))
            for word in needs[0]:
                self._gate[word].append(gated)


def _has_all(needs: tuple[frozenset[str], ...], words: AbstractSet[str]) -> bool:
    return not any(options.isdisjoint(words) for options in needs)


def _commonness(options: frozenset[str]) -> tuple[int, int]:
    """Sort sets of words by how seldom a turn is likely to have one: everyday words come last."""
    return sum(word in STOP_WORDS or word in CLASSES["name"] or word == NUMBER for word in options), len(options)


def _bound(entry: Entry, words: tuple[str, ...], first: int, last: int) -> bool:
    """Tell whether a match stands at the ends of a clause where its phrase says so."""
    if entry.at_start and not _starts(words, first):
        return False
    return not entry.at_end or last == len(words) or words[last] in CLAUSE_ENDS


def _starts(words: tuple[str, ...], first: int) -> bool:
    while first > 0 and words[first - 1] in _LEADS:
        first -= 1
    return first == 0 or words[first - 1] in CLAUSE_ENDS
