"""The phrase notation: what each sign stands for, and what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.playbook import AnyWord, Element, Gap, PhraseError, Sequence, WordClass, Words, parse, parse_words
from detector.playbook.phrases import MAX_DEPTH, MAX_SEQUENCES

LISTS = {"day": ("monday", "tuesday"), "greeting": ("good morning", "hello", "good evening")}


def word(*options: str, optional: bool = False) -> Words:
    """Return one word out of a set."""
    return Words(frozenset(options), optional)


@pytest.mark.parametrize(
    ("phrase", "elements"),
    [
        ("have a nice day", [(word("have"), word("a"), word("nice"), word("day"))]),
        ("Good DAY", [(word("good"), word("day"))]),
        ("(good|nice) day", [(word("good", "nice"), word("day"))]),
        ("good|nice", [(word("good", "nice"),)]),
        ("(good|very nice) day", [(word("good"), word("day")), (word("very"), word("nice"), word("day"))]),
        ("[very] good", [(word("very", optional=True), word("good"))]),
        ("[very|so] good", [(word("very", "so", optional=True), word("good"))]),
        ("[a very] good", [(word("good"),), (word("a"), word("very"), word("good"))]),
        ("[[very]] good", [(word("very", optional=True), word("good"))]),
        ("have * day", [(word("have"), AnyWord(), word("day"))]),
        ("have ... day", [(word("have"), Gap(3), word("day"))]),
        ("have ...6 day", [(word("have"), Gap(6), word("day"))]),
        ("have ...0 day", [(word("have"), Gap(0), word("day"))]),
        ("... day ...", [(word("day"),)]),
        ("thanks {name}", [(word("thanks"), WordClass("name"))]),
        ("on {day}", [(word("on"), word("monday", "tuesday"))]),
        ("{greeting}", [(word("hello"),), (word("good"), word("morning")), (word("good"), word("evening"))]),
        ("let's don't", [(word("let's"), word("don't"))]),
        ("((a|b) c|d)", [(word("d"),), (word("a", "b"), word("c"))]),
    ],
)
def test_each_sign_stands_for_its_elements(phrase: str, elements: list[tuple[Element, ...]]) -> None:
    """A phrase is read into the sequences its signs stand for, none twice."""
    expected = set(map(Sequence, elements))

    found = parse(phrase, word_lists=LISTS)

    assert expected == set(found)
    assert len(expected) == len(found)


@pytest.mark.parametrize(
    ("phrase", "at_start", "at_end"),
    [("enjoy", False, False), ("^ enjoy", True, False), ("enjoy $", False, True), ("^enjoy$", True, True)],
)
def test_signs_of_the_ends_bind_to_the_clause(*, phrase: str, at_start: bool, at_end: bool) -> None:
    """`^` first and `$` last bind a phrase to the start and the end of a clause, spaces or none."""
    assert parse(phrase, word_lists={}) == (Sequence((word("enjoy"),), at_start, at_end),)


def test_a_gap_stays_where_the_end_of_a_clause_binds_it() -> None:
    """`^ ... enjoy` lets words stand between the clause's start and `enjoy`; a gap at a free end is dropped."""
    assert parse("^ ... enjoy ...", word_lists={}) == (Sequence((Gap(3), word("enjoy")), at_start=True),)
    assert parse("... enjoy ...2 $", word_lists={}) == (Sequence((word("enjoy"), Gap(2)), at_end=True),)


def test_a_gap_needs_no_space_before_it() -> None:
    """Full stops that follow a word at once are the gap they look like."""
    assert parse("may the...6 smile", word_lists={}) == parse("may the ...6 smile", word_lists={})


@pytest.mark.parametrize(
    ("phrase", "told"),
    [
        ("", "at least one fixed word"),
        ("* *", "at least one fixed word"),
        ("[very] [good]", "at least one fixed word"),
        ("[very|so]", "at least one fixed word"),
        ("(good|)", "at least one fixed word"),
        ("()", "at least one fixed word"),
        ("^ $", "at least one fixed word"),
        ("...", "at least one fixed word"),
        ("(good day", "has a '(' without its ')'"),
        ("[good day", "has a '[' without its ']'"),
        ("(good] day", "has a '(' without its ')'"),
        ("good) day", "unexpected ')'"),
        ("good ^ day", "'^' in the middle"),
        ("good $ day", "'$' in the middle"),
        ("good ...13 day", "a gap spans at most 12"),
        ("good {weekday}", "{weekday}; the known ones are agent_name, customer_name, day, greeting, name, number"),
        ("good {day", "cannot be read at '{day'"),
        ("good } day", "cannot be read at '} day'"),
        ("may the..sun", "a gap is written with three full stops"),
        ("may … smile", "a gap is written with three full stops"),
        ("(a|b c) " * 12, f"more than {MAX_SEQUENCES} sequences"),
        ("(" * 5000 + "good" + ")" * 5000, f"more than {MAX_DEPTH} deep"),
        ("[" * (MAX_DEPTH + 1) + "very" + "]" * (MAX_DEPTH + 1) + " good", f"more than {MAX_DEPTH} deep"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_reason(phrase: str, told: str) -> None:
    """A phrase that breaks the notation is refused with what is wrong in it and the known choices."""
    with pytest.raises(PhraseError) as caught:
        parse(phrase, word_lists=LISTS)

    assert told in str(caught.value)


def test_brackets_may_be_many_and_nested_to_the_limit() -> None:
    """The limit is on how deep brackets are nested, not on how many there are."""
    nested = "(" * MAX_DEPTH + "good" + ")" * MAX_DEPTH

    assert parse(f"{nested} {nested}", word_lists={}) == (Sequence((word("good"), word("good"))),)


def read(phrase: str) -> tuple[Sequence, ...] | str:
    """Return the sequences of a phrase, or why it cannot be read."""
    try:
        return parse(phrase, word_lists=LISTS)
    except PhraseError as error:
        return str(error)


def is_fixed(element: Element) -> bool:
    """Tell whether an element cannot be absent and is not just any word."""
    return isinstance(element, WordClass) or (isinstance(element, Words) and not element.optional)


@given(st.text(alphabet="ab ()[]|*^$.{}1day", max_size=24))
def test_any_text_is_a_phrase_or_a_phrase_error(text: str) -> None:
    """Whatever an analyst types, it is read with a fixed word in each reading, or refused with a reason."""
    found = read(text)

    assert found
    assert isinstance(found, str) or all(any(map(is_fixed, one.elements)) for one in found)


def test_words_are_every_row_a_phrase_stands_for() -> None:
    """Alternatives, nested or of several words, and entries of word lists are each a row."""
    assert parse_words("(is|was it) there", word_lists={}) == {("is", "there"), ("was", "it", "there")}
    assert parse_words("{when}", word_lists={"when": ("now", "in a bit")}) == {("now",), ("in", "a", "bit")}


@pytest.mark.parametrize("phrase", ["^ but", "but $", "is * there", "is ... there", "is [it] there", "{number} but"])
def test_words_are_words_only(phrase: str) -> None:
    """What is bound to an end of the clause, may be absent or stands for any word is refused."""
    with pytest.raises(PhraseError, match="alternatives and word lists only"):
        parse_words(phrase, word_lists={})
