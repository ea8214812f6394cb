"""The gate in front of raw patterns: it hides no match, and keeps turns away that cannot match."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.en import English
from spacy.matcher import Matcher
from spacy.tokens import Doc

from pipelines.nlp.raw_gate import RawGate

NLP = English()
WORDS = ["jb", "^jb", "^", ".", "hello", "7", "HELLO"]
ASKED = [
    {"ORTH": "jb"},
    {"orth": "^"},
    {"TEXT": "hello"},
    {"ORTH": {"REGEX": "^[\\^~][a-z]{1,12}$"}},
    {"ORTH": {"IN": [".", "7"]}},
    {"ORTH": {"NOT_IN": ["jb"]}},
    {"LOWER": "hello"},
    {"IS_PUNCT": True},
    {"ORTH": "hello", "OP": "?"},
    {"ORTH": "jb", "OP": "+"},
    {"ORTH": "jb", "OP": "!"},
    {},
]


def gate(*patterns: list[dict[str, Any]]) -> RawGate:
    """Return a gate of patterns."""
    made = RawGate()
    for pattern in patterns:
        made.put(pattern)
    return made


@given(
    st.lists(st.lists(st.sampled_from(ASKED), min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
)
def test_what_matches_is_let_through(patterns: list[list[dict[str, Any]]], words: list[str]) -> None:
    """Whatever raw patterns match, the gate lets the turn through."""
    matcher = Matcher(NLP.vocab)
    matcher.add("raw", patterns)

    assert gate(*patterns).lets_through(words) or not matcher(Doc(NLP.vocab, words=words))


@pytest.mark.parametrize(
    ("words", "through"),
    [(["^", "jb"], True), (["jb"], False), (["^"], False), (["hello", "."], False), (["jb", "and", "^"], True)],
)
def test_turns_without_what_a_pattern_needs_are_kept_away(words: list[str], through: bool) -> None:  # noqa: FBT001
    """A pattern of a mark and initials is tried where both are said somewhere, and nowhere else."""
    assert gate([{"ORTH": "^"}, {"ORTH": {"REGEX": "^[a-z]{2}$"}}]).lets_through(words) is through
