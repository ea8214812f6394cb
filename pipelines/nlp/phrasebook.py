"""The playbook's phrases, compiled to spaCy's matchers behind a gate of words.

A phrase that stands for few plain phrases goes to one PhraseMatcher. The others, with gaps or wide choices, and raw
token patterns, each have a token Matcher, which is tried on a turn only when the turn has every word it cannot do
without. Matchers are made when first tried.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal

from spacy.lang.en.stop_words import STOP_WORDS
from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from detector.candidate import Hit, HitKind
from detector.playbook import AnyWord, Element, Gap, Playbook, Rule, Sequence, WordClass, Words, parse, spread
from pipelines.nlp.words import AGENT_NAME, CLAUSE_ENDS, CUSTOMER_NAME, JOINED, NAME, NUMBER, PAUSES

PLAIN_PHRASES = 24
PAIR = 2
_LEADS = frozenset("okay ok so and right well yes yeah now oh but no then alright".split())
_CLASSES = {
    "name": frozenset({NAME, CUSTOMER_NAME, AGENT_NAME}),
    "customer_name": frozenset({CUSTOMER_NAME}),
    "agent_name": frozenset({AGENT_NAME}),
    "number": frozenset({NUMBER}),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a match stands for. `scope` and `reach` are of unless entries and shared scopes."""

    kind: HitKind
    owner: str
    rule: str
    at_start: bool = False
    at_end: bool = False
    scope: Literal["clause", "turn"] = "clause"
    reach: int = 0
    except_for: frozenset[str] = frozenset()


SHARED_SCOPE = "*"
"""The owner of an unless entry that holds for every behaviour."""


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
    """Finds the entries of one speaker's phrases in a document of normalised words."""

    def __init__(self, nlp: Language, entries: Iterable[tuple[Entry, Rule]], *, playbook: Playbook) -> None:
        self._nlp = nlp
        self._word_lists = playbook.shared.words
        self._phrases = PhraseMatcher(nlp.vocab, attr="ORTH")
        self._entries: dict[int, Entry] = {}
        self._gate: dict[str, list[Gated]] = defaultdict(list)
        self._ungated: list[Gated] = []
        self._forms: dict[str, tuple[str, ...]] = {}
        self._normalised_elements: dict[Element, list[tuple[Element, ...]]] = {}
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
            for sequence in self._normalised(parse(phrase, word_lists=self._word_lists)):
                bound = replace(entry, at_start=sequence.at_start, at_end=sequence.at_end)
                listed = spread(sequence, limit=PLAIN_PHRASES)
                if listed is None:
                    self._add_gated(bound, sequence)
                else:
                    plain[bound].update(variant for words in listed for variant in _misheard(words))
        for bound, phrases in plain.items():
            self._add_plain(bound, phrases)
        self._ungated.extend(Gated(entry, list(pattern), ()) for pattern in rule.patterns)

    def _add_plain(self, entry: Entry, phrases: set[tuple[str, ...]]) -> None:
        key = f"{entry.kind}|{entry.owner}|{entry.rule}|{entry.at_start:d}{entry.at_end:d}"
        vocab = self._nlp.vocab
        self._phrases.add(key, [Doc(vocab, words=list(words)) for words in sorted(phrases)])
        self._entries[vocab.strings[key]] = entry

    def _add_gated(self, entry: Entry, sequence: Sequence) -> None:
        for variant in _misheard_sequence(sequence):
            needs = sorted(
                (
                    element.options
                    for element in variant.elements
                    if isinstance(element, Words) and not element.optional
                ),
                key=_commonness,
            )
            gated = Gated(entry, _token_pattern(variant), tuple(needs))
            for word in needs[0]:
                self._gate[word].append(gated)

    def _normalised(self, sequences: Iterable[Sequence]) -> Iterator[Sequence]:
        """Yield the sequences in normalised words; a written word may open to two."""
        for sequence in sequences:
            for elements in product(*(self._known_choices(element) for element in sequence.elements)):
                yield Sequence(tuple(part for parts in elements for part in parts), sequence.at_start, sequence.at_end)

    def _known_choices(self, element: Element) -> list[tuple[Element, ...]]:
        if element not in self._normalised_elements:
            self._normalised_elements[element] = self._choices(element)
        return self._normalised_elements[element]

    def _choices(self, element: Element) -> list[tuple[Element, ...]]:
        if isinstance(element, WordClass):
            return [(Words(_CLASSES[element.name]),)]
        if not isinstance(element, Words):
            return [(element,)]
        forms = [self._form(option) for option in sorted(element.options)]
        singles = frozenset(form[0] for form in forms if len(form) == 1)
        choices: list[tuple[Element, ...]] = [(Words(singles, element.optional),)] if singles else []
        choices.extend(tuple(Words(frozenset({word})) for word in form) for form in forms if len(form) != 1)
        return choices if singles or not element.optional else [(), *choices]

    def _form(self, word: str) -> tuple[str, ...]:
        if word not in self._forms:
            self._forms[word] = tuple(token.norm_ for token in self._nlp.make_doc(word) if token.norm_ not in PAUSES)
        return self._forms[word]


def _has_all(needs: tuple[frozenset[str], ...], words: AbstractSet[str]) -> bool:
    return not any(options.isdisjoint(words) for options in needs)


def _commonness(options: frozenset[str]) -> tuple[int, int]:
    """Sort sets of words by how seldom a turn is likely to have one: everyday words come last."""
    return sum(word in STOP_WORDS or word in _CLASSES["name"] or word == NUMBER for word in options), len(options)


def _misheard(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the phrase, and it as a recogniser writes it that joins "i will" into "ill"."""
    yield words
    for at in range(len(words) - 1):
        joined = JOINED.get((words[at], words[at + 1]))
        if joined and len(words) > PAIR:
            yield (*words[:at], joined, *words[at + 2 :])


def _misheard_sequence(sequence: Sequence) -> Iterator[Sequence]:
    """Yield the sequence, and it with two neighbouring words joined as a recogniser joins them."""
    yield sequence
    elements = sequence.elements
    for at in range(len(elements) - 1):
        left, right = elements[at], elements[at + 1]
        if not isinstance(left, Words) or not isinstance(right, Words) or left.optional or right.optional:
            continue
        joined = frozenset(JOINED[pair] for pair in product(left.options, right.options) if pair in JOINED)
        if joined and len(elements) > PAIR:
            yield replace(sequence, elements=(*elements[:at], Words(joined), *elements[at + 2 :]))


def _token_pattern(sequence: Sequence) -> list[dict[str, Any]]:
    pattern: list[dict[str, Any]] = []
    for element in sequence.elements:
        match element:
            case Words(options, optional):
                choice: Any = next(iter(options)) if len(options) == 1 else {"IN": sorted(options)}
                pattern.append({"ORTH": choice, "OP": "?"} if optional else {"ORTH": choice})
            case AnyWord():
                pattern.append({"IS_PUNCT": False})
            case Gap(width):
                pattern.extend([{"IS_PUNCT": False, "OP": "?"}] * width)
            case WordClass():
                raise AssertionError("word classes are sets of words by now")
    return pattern


def _bound(entry: Entry, words: tuple[str, ...], first: int, last: int) -> bool:
    """Tell whether a match stands at the ends of a clause where its phrase says so."""
    if entry.at_start and not _starts(words, first):
        return False
    return not entry.at_end or last == len(words) or words[last] in CLAUSE_ENDS


def _starts(words: tuple[str, ...], first: int) -> bool:
    while first > 0 and words[first - 1] in _LEADS:
        first -= 1
    return first == 0 or words[first - 1] in CLAUSE_ENDS


def agent_entries(playbook: Playbook) -> Iterator[tuple[Entry, Rule]]:
    """Yield what is looked for in an agent's turn."""
    for behaviour in playbook.behaviours:
        for rule in behaviour.rules:
            yield Entry(HitKind.RULE, behaviour.id, rule.id), rule
        for hint in behaviour.hints:
            yield Entry(HitKind.HINT, behaviour.id, hint.id), hint
        for unless in behaviour.unless:
            yield Entry(HitKind.UNLESS, behaviour.id, unless.id, scope=unless.scope), unless
    for scope in playbook.shared.scopes:
        except_for = frozenset(scope.except_for)
        yield Entry(HitKind.UNLESS, SHARED_SCOPE, scope.id, reach=scope.reach, except_for=except_for), scope
    yield from cue_entries(playbook, "agent")


def cue_entries(playbook: Playbook, speaker: Literal["agent", "customer"]) -> Iterator[tuple[Entry, Rule]]:
    """Yield the cues by which a speaker makes facts of the call known."""
    for cue in playbook.shared.cues:
        if cue.speaker in {speaker, "any"}:
            yield Entry(HitKind.CUE, cue.fact, cue.id), cue


def voided(found: list[tuple[Entry, int, int]], clauses: tuple[int, ...]) -> Iterator[Hit]:
    """Yield the hits, rule hits with the unless entry that voids them; overlapping hits of one entry become one."""
    merged = _merged(found)
    unless = [(entry, first, last) for entry, first, last in merged if entry.kind is HitKind.UNLESS]
    for entry, first, last in merged:
        void_by = None
        if entry.kind is HitKind.RULE and unless:
            void_by = next((one[0].rule for one in unless if _voids(one, entry.owner, first, last, clauses)), None)
        yield Hit(entry.kind, entry.owner, entry.rule, first, last, void_by)


def _voids(unless: tuple[Entry, int, int], owner: str, first: int, last: int, clauses: tuple[int, ...]) -> bool:
    entry, begins, ends = unless
    if entry.owner == SHARED_SCOPE:
        near = ends <= first <= ends + entry.reach
        return near and owner not in entry.except_for and clauses[ends - 1] == clauses[first]
    if entry.owner != owner:
        return False
    return entry.scope == "turn" or (clauses[begins] <= clauses[last - 1] and clauses[first] <= clauses[ends - 1])


def _merged(found: list[tuple[Entry, int, int]]) -> list[tuple[Entry, int, int]]:
    """Join overlapping matches of the same rule into the widest."""
    if len(found) <= 1:
        return found
    merged: dict[tuple[HitKind, str, str], list[tuple[Entry, int, int]]] = {}
    for entry, first, last in sorted(found, key=_place):
        runs = merged.setdefault((entry.kind, entry.owner, entry.rule), [])
        if runs and first < runs[-1][2]:
            runs[-1] = (entry, runs[-1][1], max(last, runs[-1][2]))
        else:
            runs.append((entry, first, last))
    return [run for runs in merged.values() for run in runs]


def _place(match: tuple[Entry, int, int]) -> tuple[int, int, HitKind, str, str]:
    """Return what matches are ordered by: wholly, so that two processes tell the same evidence in the same order."""
    entry, first, last = match
    return first, -last, entry.kind, entry.owner, entry.rule
