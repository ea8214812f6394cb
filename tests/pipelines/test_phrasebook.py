"""The phrasebook: what a phrase says is found, nothing else is, and the gate hides nothing."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from fakes import behaviour, playbook_of, rule_hit, unless
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc

from detector.candidate import Hit, HitKind
from detector.playbook import Cue, Gap, PhraseError, Playbook, Rule, Scope, Words, parse
from detector.playbook import Sequence as PhraseSequence
from detector.transcript import Speaker
from models.labels import observe, own_calls
from pipelines.nlp import SpacyReader
from pipelines.nlp.entries import SHARED_SCOPE, Entry, Match, agent_entries, cue_entries
from pipelines.nlp.phrasebook import Phrasebook, _starts
from pipelines.nlp.sequences import Normaliser, misheard
from pipelines.nlp.tokens import Tokens
from pipelines.nlp.voiding import merged_matches, voided
from pipelines.nlp.words import CLAUSE_ENDS, normalised_form, tokenizer

RULE = Entry(HitKind.RULE, "wish_well", "rule")
LISTS = playbook_of(words={"day": ("monday", "fri day")})
EVERY = 120
"""Of the examples' calls, each so-manieth is read without the gate, which takes long."""


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A tokenizer with few spellings and names."""
    return tokenizer(normalised_form(given_names=frozenset({"rosa"}), spellings={"ok": "okay"}))


def words_of(nlp: Language, text: str) -> tuple[str, ...]:
    """Return the normalised words of a text, pauses left out as the reader leaves them out."""
    return tuple(token.norm_ for token in nlp.make_doc(text) if token.norm_ not in {",", "-", ""})


def found(nlp: Language, phrases: Iterable[str], text: str) -> set[tuple[int, int]]:
    """Return the first word, and the word after the last, of each match of a rule of phrases."""
    book = Phrasebook(Tokens(nlp), [(RULE, Rule(id="rule", phrases=tuple(phrases)))], playbook=LISTS)
    return {(first, last) for _, first, last in book.matches(words_of(nlp, text))}


@pytest.mark.parametrize(
    ("phrase", "text", "places"),
    [
        ("good day", "have a good day", {(2, 4)}),
        ("good day", "good old day", set()),
        ("good * day", "good old day", {(0, 3)}),
        ("good * day", "good day", set()),
        ("good * day", "good . day", set()),
        ("good ... day", "good day", {(0, 2)}),
        ("good ... day", "good a b c day", {(0, 5)}),
        ("good ... day", "good a b c d day", set()),
        ("good ...4 day", "good a b c d day", {(0, 6)}),
        ("good ... day", "good . day", set()),
        ("[very] good", "very good", {(0, 2), (1, 2)}),
        ("(good|very nice) day", "very nice day", {(0, 3)}),
        ("see you {day}", "see you fri day", {(0, 4)}),
        ("thanks {name}", "thanks Rosa", {(0, 2)}),
        ("thanks {name}", "thanks mate", set()),
        ("{number} minutes", "give me five minutes", {(2, 4)}),
        ("OK I'm", "okay i am", {(0, 3)}),
        ("do not", "don't", {(0, 2)}),
        ("don't", "do not", {(0, 2)}),
        ("write-up", "a write-up", {(1, 3)}),
        ("thanks, mate", "thanks mate", {(0, 2)}),
        ("thanks , ... mate", "thanks a lot mate", {(0, 4)}),
        ("^ enjoy", "enjoy it", {(0, 1)}),
        ("^ enjoy", "well okay enjoy it", {(2, 3)}),
        ("^ enjoy", "they enjoy it", set()),
        ("^ enjoy", "bye. enjoy it", {(2, 3)}),
        ("^ ... enjoy", "do please enjoy it", {(0, 3)}),
        ("enjoy $", "do enjoy", {(1, 2)}),
        ("enjoy $", "do enjoy!", {(1, 2)}),
        ("enjoy $", "do enjoy it", set()),
        ("enjoy ...2 $", "enjoy it all.", {(0, 3)}),
        ("^ enjoy $", "enjoy", {(0, 1)}),
        ("^ [please] enjoy * $", "please enjoy it", {(0, 3)}),
        ("i will call", "ill call", {(0, 2)}),
        ("i will", "ill", set()),
        ("i will * it", "ill do it", {(0, 3)}),
        ("my name is * *", "my names tom jones", {(0, 4)}),
    ],
)
def test_a_phrase_matches_what_it_says(nlp: Language, phrase: str, text: str, places: set[tuple[int, int]]) -> None:
    """Each sign of the notation matches the words it stands for, at their place, and no others."""
    assert places == found(nlp, [phrase], text)


def faults(nlp: Language, rule: Rule, entry: Entry = RULE) -> list[str]:
    """Return what a phrasebook finds wrong with a rule."""
    return [str(one) for one in Phrasebook(Tokens(nlp), [(entry, rule)], playbook=LISTS).faults]


@pytest.mark.parametrize(
    "phrase",
    [
        "uh",
        "good um day",
        "bye bye",
        "bye - bye",
        "bye, bye",
        "OK okay",
        "-",
        "- *",
        "(uh|um) day",
        "(bye bye|uh)",
        '"day"',
    ],
)
def test_a_phrase_that_can_never_be_found_is_a_fault(nlp: Language, phrase: str) -> None:
    """A filler, a word's repetition, a quote, or nothing but a dash is told with the file, the rule and the phrase."""
    (fault,) = faults(nlp, Rule(id="rule", phrases=("good day", phrase)))

    assert fault.startswith(f"wish_well.yaml:1: the entry 'rule' has the phrase {phrase!r}, which can never be found")


@pytest.mark.parametrize(
    "phrase",
    [
        "bye [bye]",
        "(bye|bye bye)",
        "(uh|so) bye",
        "[uh] bye",
        "(bye|ta) (bye|ta)",
        "bye * bye",
        "bye ... bye",
        "five five",
        "write-up",
        "- bye",
        "(-|bye) *",
    ],
)
def test_a_phrase_is_sound_as_long_as_one_reading_of_it_can_be_found(nlp: Language, phrase: str) -> None:
    """Readings of a phrase that can never be found do no harm beside one that can."""
    assert faults(nlp, Rule(id="rule", phrases=(phrase,))) == []


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (({"LEMM": "be"},), "refused by spaCy"),
        (({"ORTH": {"RE": "a"}},), "refused by spaCy"),
        (({"ORTH": "a"}, {"ORTH": {"REGEX": "(a"}}), "refused by spaCy"),
        (({"ORTH": "a", "OP": "??"},), "refused by spaCy"),
        (({"ORTH": 5},), "refused by spaCy"),
        (({"ORTH": "a"}, {"ORTH": {"REGEX": {"FUZZY": "b"}}}), "refused by spaCy"),
        ((), "refused by spaCy"),
        (({"ORTH": "a"}, {"LEMMA": "be"}), "asks for LEMMA, which the text engine does not set"),
        (({"pos": "VERB", "ENT_TYPE": "PERSON"},), "asks for ENT_TYPE, POS, which the text engine does not set"),
        (({"_": {"polite": True}},), "asks for _, which the text engine does not set"),
    ],
)
def test_a_raw_pattern_that_spacy_cannot_take_is_a_fault(
    nlp: Language, pattern: tuple[dict[str, Any], ...], told: str
) -> None:
    """An unknown key or operator, a broken regular expression, or an attribute never set is told with its rule."""
    sound = ({"LOWER": {"IN": ["a", "b"]}, "OP": "+"}, {"IS_PUNCT": True, "OP": "!"}, {"LENGTH": {">=": 2}}, {})

    (fault,) = faults(nlp, Rule(id="rule", patterns=(sound, pattern)))

    assert fault.startswith("wish_well.yaml:1: the entry 'rule' has a raw pattern, its number 2, that ")
    assert told in fault
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("entry", "file"),
    [
        (Entry(HitKind.HINT, "apologise", "rule"), "apologise.yaml"),
        (Entry(HitKind.UNLESS, "apologise", "rule"), "apologise.yaml"),
        (Entry(HitKind.UNLESS, SHARED_SCOPE, "rule", shared=True), "shared/scopes.yaml"),
        (Entry(HitKind.UNLESS, "apologise", "rule", scope="turn", shared=True), "shared/scopes.yaml"),
        (Entry(HitKind.CUE, "call_closed", "rule"), "shared/cues.yaml"),
    ],
)
def test_a_fault_names_the_file_of_its_entry(nlp: Language, entry: Entry, file: str) -> None:
    """A behaviour's entries are in the file of its id, scopes and cues in the shared ones."""
    (fault,) = faults(nlp, Rule(id="rule", phrases=("uh",)), entry)

    assert fault.startswith(f"{file}:1: the entry 'rule' ")


def test_raw_patterns_match_normalised_words(nlp: Language) -> None:
    """A spaCy token pattern of the playbook finds words as they are normalised."""
    rule = Rule(id="rule", patterns=(({"ORTH": {"REGEX": "^thank"}}, {"ORTH": "you"}),))
    book = Phrasebook(Tokens(nlp), [(RULE, rule)], playbook=LISTS)

    assert book.matches(words_of(nlp, "Thank you")) == [(RULE, 0, 2)]


NAMES = ["alpha", "bravo", "charlie", "delta", "Echo", "don't", "I'm", "ok", "write-up"]


@st.composite
def pieces(draw: st.DrawFn, depth: int = 2) -> tuple[str, str]:
    """Draw a piece of a phrase, and words it stands for."""
    kind = draw(st.sampled_from(["word", "any", "gap", "list", "class", "group", "optional"] if depth else ["word"]))
    match kind:
        case "word":
            piece = said = draw(st.sampled_from(NAMES))
        case "any":
            piece, said = "*", draw(st.sampled_from([*NAMES[:4], "zulu"]))
        case "gap":
            width = draw(st.integers(0, 4))
            piece, said = f"...{width}", "zulu " * draw(st.integers(0, width))
        case "list":
            piece, said = "{day}", draw(st.sampled_from(["monday", "fri day"]))
        case "class":
            piece, said = "{name}", "Rosa"
        case _:
            inner = st.lists(pieces(depth=depth - 1), min_size=1, max_size=2).map(joined)
            several = draw(st.lists(inner, min_size=1, max_size=3))
            piece, said = "|".join(one for one, _ in several), draw(st.sampled_from(several))[1]
            piece = f"({piece})" if kind == "group" else f"[{piece}]"
            said = said if kind == "group" or draw(st.booleans()) else ""
    return piece, said


def joined(parts: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the phrase that pieces make, and its words."""
    listed = list(parts)
    return " ".join(piece for piece, _ in listed), " ".join(said for _, said in listed)


@st.composite
def drawn_phrases(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a phrase that needs the word kilo, and one way of saying it."""
    some = st.lists(pieces(), max_size=3)
    phrase, said = joined([*draw(some), ("kilo", "kilo"), *draw(some)])
    return f"{draw(st.sampled_from(['', '^ ']))}{phrase}{draw(st.sampled_from(['', ' $']))}", said


PHRASES = drawn_phrases()


def readable(phrase: str) -> bool:
    """Tell whether a drawn phrase stands for few enough sequences."""
    try:
        return len(parse(phrase, word_lists=LISTS.shared.words)) <= 60
    except PhraseError:
        return False


@settings(max_examples=250)
@given(drawn=PHRASES)
def test_what_a_phrase_stands_for_is_found(nlp: Language, drawn: tuple[str, str]) -> None:
    """Whatever a phrase is made of, every way of saying it is found."""
    phrase, said = drawn
    assume(readable(phrase))

    assert found(nlp, [phrase], said)


def token_pattern(sequence: PhraseSequence) -> list[dict[str, Any]]:
    """Return the spaCy token pattern of a normalised sequence."""
    pattern: list[dict[str, Any]] = []
    for element in sequence.elements:
        match element:
            case Words(options, optional):
                pattern.append({"ORTH": {"IN": sorted(options)}, "OP": "?" if optional else "{1}"})
            case Gap(width):
                pattern.extend([{"IS_PUNCT": False, "OP": "?"}] * width)
            case _:
                pattern.append({"IS_PUNCT": False})
    return pattern


class PlainMatcher:
    """What the phrasebook is held to: spaCy's token Matcher with all phrases and raw patterns, no gate."""

    def __init__(self, nlp: Language, entries: Iterable[tuple[Entry, Rule]], playbook: Playbook) -> None:
        self._nlp = nlp
        self._matcher = Matcher(nlp.vocab)
        self._known: dict[int, tuple[Entry, bool, bool]] = {}
        normaliser = Normaliser(Tokens(nlp))
        for entry, rule in entries:
            for phrase in rule.phrases:
                for sequence in normaliser.normalised(parse(phrase, word_lists=playbook.shared.words)):
                    for one in misheard(sequence):
                        self._add(entry, token_pattern(one), at_start=one.at_start, at_end=one.at_end)
            for pattern in rule.patterns:
                self._add(entry, list(pattern))

    def _add(
        self, entry: Entry, pattern: list[dict[str, Any]], *, at_start: bool = False, at_end: bool = False
    ) -> None:
        key = str(len(self._known))
        self._matcher.add(key, [pattern])
        self._known[self._nlp.vocab.strings[key]] = entry, at_start, at_end

    def matches(self, words: Sequence[str]) -> set[Match]:
        """Return all matches, those that overlap and are of the same entry as one."""
        found = []
        for key, first, last in self._matcher(Doc(self._nlp.vocab, words=list(words))):
            entry, at_start, at_end = self._known[key]
            ends = last == len(words) or words[last] in CLAUSE_ENDS
            if (ends or not at_end) and (not at_start or _starts(words, first)):
                found.append((entry, first, last))
        return set(merged_matches(found))


@settings(max_examples=250)
@given(
    drawn=st.lists(PHRASES, min_size=1, max_size=4),
    others=st.lists(st.sampled_from([*NAMES, "kilo", "zulu", "Rosa", "ill", ".", "%", "yes"]), max_size=12),
)
def test_the_phrasebook_finds_what_spacys_matcher_finds(
    nlp: Language, drawn: Sequence[tuple[str, str]], others: list[str]
) -> None:
    """Behind the gate the same is found as by spaCy's token Matcher with every phrase, over any phrases and turns."""
    phrases = tuple(phrase for phrase, _ in drawn if readable(phrase))
    assume(phrases)
    entries = [(RULE, Rule(id="rule", phrases=phrases))]
    book, plain = Phrasebook(Tokens(nlp), entries, playbook=LISTS), PlainMatcher(nlp, entries, LISTS)

    for text in [*(said for _, said in drawn), " ".join([*others, drawn[0][1]]), " ".join(others)]:
        words = words_of(nlp, text)
        assert plain.matches(words) == set(merged_matches(book.matches(words)))


def test_the_shipped_playbook_finds_what_spacys_matcher_finds(reader: SpacyReader, playbook: Playbook) -> None:
    """Over the examples the project trains on, the gate of the shipped playbook hides nothing and adds nothing."""
    book, nlp = reader._books[Speaker.AGENT], reader._tokens._nlp
    plain = PlainMatcher(nlp, agent_entries(playbook), playbook)
    readings = [one.reading for one in observe(list(own_calls())[::EVERY], reader)]
    matching = 0

    for words in (one.words for one in readings if one.words):
        expected = plain.matches(words)
        matching += bool(expected)

        assert expected == set(merged_matches(book.matches(words)))
    assert matching > 20


def test_every_entry_of_a_playbook_is_looked_for() -> None:
    """Agents' turns are searched for rules, hints, unless entries, scopes and cues; customers' for cues only.

    A scope that holds for a turn is an unless entry of each behaviour it does not leave alone.
    """
    rule = Rule(id="rule", phrases=("a",))
    cues = tuple(Cue(id=who, phrases=("a",), fact="fact", speaker=who) for who in ("agent", "customer", "any"))
    book = playbook_of(
        behaviour(hints=(rule.model_copy(update={"id": "hint"}),), unless=(unless("not", "a", scope="turn"),)),
        behaviour("apologise", rules=()),
        scopes=(
            Scope(id="scope", phrases=("a",), reach=5, until=("b", "(c|d) {day}"), except_for=("apologise",)),
            Scope(id="tag", phrases=("a",), back=True),
            Scope(id="scorn", phrases=("a",), scope="turn", except_for=("apologise",)),
        ),
        words={"day": ("friday", "the weekend")},
        cues=cues,
    )

    assert [entry for entry, _ in agent_entries(book)] == [
        Entry(HitKind.RULE, "wish_well", "rule"),
        Entry(HitKind.HINT, "wish_well", "hint"),
        Entry(HitKind.UNLESS, "wish_well", "not", scope="turn"),
        Entry(
            HitKind.UNLESS,
            SHARED_SCOPE,
            "scope",
            shared=True,
            reach=5,
            until=frozenset(
                {("b",), ("c", "friday"), ("d", "friday"), ("c", "the", "weekend"), ("d", "the", "weekend")}
            ),
            except_for=frozenset({"apologise"}),
        ),
        Entry(HitKind.UNLESS, SHARED_SCOPE, "tag", shared=True, reach=8, back=True),
        Entry(HitKind.UNLESS, "wish_well", "scorn", scope="turn", shared=True),
        Entry(HitKind.CUE, "fact", "agent"),
        Entry(HitKind.CUE, "fact", "any"),
    ]
    assert [entry.rule for entry, _ in cue_entries(book, "customer")] == ["customer", "any"]


UNLESS = Entry(HitKind.UNLESS, "wish_well", "not")
ANYWHERE = Entry(HitKind.UNLESS, "wish_well", "not", scope="turn")
SCOPE = Entry(HitKind.UNLESS, SHARED_SCOPE, "not", reach=3)
UNTIL = Entry(HitKind.UNLESS, SHARED_SCOPE, "not", reach=3, until=frozenset({("three",), ("four", "five")}))
BACK = Entry(HitKind.UNLESS, SHARED_SCOPE, "not", reach=2, back=True, until=frozenset({("three",)}))
TEN_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TWO_CLAUSES = (0, 0, 0, 0, 0, 1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("entry", "first", "last", "at", "void"),
    [
        (UNLESS, 0, 1, 3, True),
        (UNLESS, 4, 5, 3, True),
        (UNLESS, 6, 7, 3, False),
        (ANYWHERE, 6, 7, 3, True),
        (Entry(HitKind.UNLESS, "apologise", "not", scope="turn"), 0, 1, 3, False),
        (SCOPE, 0, 1, 1, True),
        (SCOPE, 0, 1, 4, True),
        (SCOPE, 0, 1, 5, False),
        (SCOPE, 3, 4, 5, False),
        (UNTIL, 1, 2, 2, True),
        (UNTIL, 1, 2, 3, False),
        (UNTIL, 1, 2, 4, False),
        (UNTIL, 2, 3, 3, True),
        (Entry(HitKind.UNLESS, SHARED_SCOPE, "not", reach=3, until=frozenset({("two", "four")})), 0, 1, 3, True),
        (Entry(HitKind.UNLESS, SHARED_SCOPE, "not", reach=3, until=frozenset({("two", "three")})), 0, 1, 3, False),
        (SCOPE, 0, 2, 1, True),
        (SCOPE, 1, 3, 1, False),
        (BACK, 2, 3, 1, True),
        (BACK, 2, 3, 0, True),
        (BACK, 9, 10, 5, False),
        (BACK, 9, 10, 6, True),
        (BACK, 4, 5, 2, False),
        (BACK, 4, 5, 3, False),
        (BACK, 5, 6, 4, True),
        (BACK, 6, 7, 4, False),
        (BACK, 6, 7, 8, False),
        (SCOPE, 2, 3, 1, False),
        (Entry(HitKind.UNLESS, SHARED_SCOPE, "not", reach=3, except_for=frozenset({"wish_well"})), 0, 1, 1, False),
    ],
)
def test_a_rule_is_void_where_an_unless_entry_reaches(
    *, entry: Entry, first: int, last: int, at: int, void: bool
) -> None:
    """Unless holds in its clause or the whole turn, for its behaviour; a scope some words on or back.

    It stays in its clause, which a pause directly in front of a scope that reaches back does not end.
    """
    hits = list(voided([(entry, first, last), (RULE, at, at + 1)], TEN_WORDS, TWO_CLAUSES))

    assert rule_hit("wish_well", first=at, last=at + 1, void_by="not" if void else None) in hits
    assert Hit(HitKind.UNLESS, entry.owner, "not", first, last) in hits


@pytest.mark.parametrize(("last", "at", "void"), [(4, 5, True), (4, 7, True), (4, 8, False), (3, 5, False)])
def test_a_scope_holds_behind_a_colon_that_follows_it(*, last: int, at: int, void: bool) -> None:
    """A colon directly behind a scope opens what the scope is about; one further on ends the clause."""
    words = (*TEN_WORDS[:4], ":", *TEN_WORDS[5:])

    hits = list(voided([(SCOPE, 1, last), (RULE, at, at + 1)], words, TWO_CLAUSES))

    assert rule_hit("wish_well", first=at, last=at + 1, void_by="not" if void else None) in hits


def test_a_hit_that_begins_within_a_scope_at_the_end_of_a_turn_is_void() -> None:
    """Nothing is looked for behind the last word of a turn."""
    hits = list(voided([(SCOPE, 7, 10), (RULE, 8, 10)], TEN_WORDS, TWO_CLAUSES))

    assert rule_hit("wish_well", first=8, last=10, void_by="not") in hits


def test_what_directly_follows_a_colon_does_not_end_a_scope() -> None:
    """Words of `until` right behind the colon are what the scope is about."""
    words = (*TEN_WORDS[:2], ":", *TEN_WORDS[3:])

    hits = list(voided([(UNTIL, 1, 2), (RULE, 3, 4), (RULE, 5, 6)], words, (0,) * 3 + (1,) * 7))

    assert rule_hit("wish_well", first=3, last=4, void_by="not") in hits
    assert rule_hit("wish_well", first=5, last=6) in hits


def test_overlapping_matches_of_a_rule_are_one_hit() -> None:
    """What one rule says of the same words is one hit, the widest; what it says elsewhere is another."""
    other = Entry(HitKind.HINT, "wish_well", "rule")

    hits = list(voided([(RULE, 1, 3), (RULE, 0, 2), (RULE, 3, 4), (other, 0, 2)], TEN_WORDS, TWO_CLAUSES))

    assert sorted((one.kind, one.first, one.last) for one in hits) == [
        (HitKind.HINT, 0, 2),
        (HitKind.RULE, 0, 3),
        (HitKind.RULE, 3, 4),
    ]


def test_no_shipped_phrase_says_a_word_twice_in_a_row(playbook: Playbook) -> None:
    """A word said twice in a row is read once, so that a plain phrase that says it twice would never be found."""
    entries = [rule for one in playbook.behaviours for rule in (*one.rules, *one.hints, *one.unless)]
    written = [phrase for rule in entries for phrase in rule.phrases if phrase.replace(" ", "").isalpha()]

    assert [one for one in written if any(a == b for a, b in pairwise(one.split()))] == []
