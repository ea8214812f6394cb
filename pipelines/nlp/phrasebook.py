"""The playbook's phrases, compiled to regular expressions over a turn's words behind a gate.

Only the phrases that the gate lets through are tried on a turn; they are compiled when first tried. Raw token patterns
have one spaCy Matcher behind a gate of their own.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from spacy.matcher import Matcher
from spacy.tokens import Doc

from detector.errors import Fault
from detector.playbook import Playbook, Rule, parse
from detector.playbook import Sequence as PhraseSequence
from pipelines.nlp.alphabet import Alphabet
from pipelines.nlp.entries import Entry, Match
from pipelines.nlp.gate import Commonness, Gate
from pipelines.nlp.raw_gate import RawGate
from pipelines.nlp.raw_patterns import what_is_wrong
from pipelines.nlp.sequences import Normaliser, can_match, misheard
from pipelines.nlp.tokens import Tokens, flat
from pipelines.nlp.words import CLAUSE_ENDS

NEVER_FOUND = "can never be found: of what is said, fillers, dashes, quotes and a word's repetition are left out"
_LEADS = frozenset("okay ok so and right well yes yeah now oh but no then alright".split())


class Phrase:
    """One reading of a phrase of an entry."""

    def __init__(self, entry: Entry, sequence: PhraseSequence, alphabet: Alphabet) -> None:
        self.entry = entry
        self.at_start = sequence.at_start
        self._sequence = sequence
        self._alphabet = alphabet
        alphabet.learn(sequence)

    @cached_property
    def search(self) -> Callable[[str, int], re.Match[str] | None]:
        """Find the phrase in a turn's letters, from a place on."""
        return re.compile(self._alphabet.expression(self._sequence)).search


class Phrasebook:
    """Finds the entries of one speaker's phrases in a turn's normalised words.

    `faults` tells the phrases that can never be found, and the raw patterns that spaCy refuses.
    """

    def __init__(self, tokens: Tokens, entries: Iterable[tuple[Entry, Rule]], *, playbook: Playbook) -> None:
        self._vocab = tokens.vocab
        self._word_lists = playbook.shared.words
        self._alphabet = Alphabet()
        self._gate: Gate[Phrase] = Gate(_commonness(tokens, playbook))
        self._raw = Matcher(self._vocab)
        self._raw_gate = RawGate()
        self._raw_entries: dict[int, Entry] = {}
        self._normaliser = Normaliser(tokens)
        self.faults: list[Fault] = []
        for entry, rule in entries:
            self._add(entry, rule)

    def matches(self, words: Sequence[str]) -> list[Match]:
        """Return where entries are found; of matches of one phrase from the same word on, the longest."""
        found: list[Match] = []
        opened = self._gate.opened(words)
        letters = self._alphabet.spelled(words) if opened else ""
        for phrase in opened:
            match = phrase.search(letters, 0)
            while match:
                first, last = match.span()
                if not phrase.at_start or _starts(words, first):
                    found.append((phrase.entry, first, last))
                match = phrase.search(letters, first + 1)
        return [*found, *self._raw_matches(words)] if self._raw_gate.lets_through(words) else found

    def _raw_matches(self, words: Sequence[str]) -> Iterable[Match]:
        document = Doc(self._vocab, words=list(words))
        return ((self._raw_entries[key], first, last) for key, first, last in self._raw(document))

    def _add(self, entry: Entry, rule: Rule) -> None:
        sequences = (one for phrase in rule.phrases for one in self._sequences(entry, phrase))
        for sequence in dict.fromkeys(sequences):
            self._gate.put(Phrase(entry, sequence, self._alphabet), sequence.elements)
        for at, pattern in enumerate(rule.patterns, start=1):
            wrong = what_is_wrong(pattern, vocab=self._vocab)
            if wrong is None:
                self._add_raw(entry, list(pattern))
            else:
                self.faults.append(entry.fault(f"has a raw pattern, its number {at}, that {wrong}"))

    def _sequences(self, entry: Entry, phrase: str) -> Iterator[PhraseSequence]:
        """Yield a phrase's sequences in normalised words, also as misheard; that none can match is a fault."""
        sequences = list(self._normaliser.normalised(parse(phrase, word_lists=self._word_lists)))
        if not any(can_match(sequence) for sequence in sequences):
            self.faults.append(entry.fault(f"has the phrase {phrase!r}, which {NEVER_FOUND}"))
        for sequence in sequences:
            yield from misheard(sequence)

    def _add_raw(self, entry: Entry, pattern: list[dict[str, Any]]) -> None:
        self._raw_gate.put(pattern)
        key = f"{entry.kind}|{entry.owner}|{entry.rule}"
        self._raw.add(key, [pattern])
        self._raw_entries[self._vocab.strings[key]] = entry


def _commonness(tokens: Tokens, playbook: Playbook) -> Commonness:
    """Return how often words are said in the playbook's examples and the turns before them."""
    examples = [one for each in playbook.behaviours for one in (*each.examples.catch, *each.examples.leave)]
    said = [text for one in examples for text in (one.text, *(text for _, text in one.before))]
    return Commonness([token[0] for token in flat(tokens.of(text))] for text in said)


def _starts(words: Sequence[str], first: int) -> bool:
    """Tell whether a word starts a clause, small words such as "well" in front of it left aside."""
    while first > 0 and words[first - 1] in _LEADS:
        first -= 1
    return first == 0 or words[first - 1] in CLAUSE_ENDS
