"""A turn's tokens are spaCy's, though few runs of signs come to spaCy."""

from string import ascii_letters

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.lang.en import English
from spacy.language import Language

from detector.call import with_straight_apostrophes
from detector.playbook import Playbook
from models.labels import own_calls
from pipelines.nlp.tokens import Tokens, flat
from pipelines.nlp.words import normalised_form, tokenizer

KNOWN = sorted(run for run in English.Defaults.tokenizer_exceptions if run.isalpha())


@pytest.fixture(scope="module")
def nlp(playbook: Playbook) -> Language:
    """The shipped playbook's tokenizer."""
    shared = playbook.shared
    return tokenizer(normalised_form(given_names=shared.given_names, spellings=shared.spellings))


def spacys(nlp: Language, text: str) -> list[tuple[str, int, int]]:
    """Return spaCy's own tokens of a text: normalised word, first character, the one behind the last."""
    return [(token.norm_, token.idx, token.idx + len(token)) for token in nlp.make_doc(with_straight_apostrophes(text))]


def ours(tokens: Tokens, text: str) -> list[tuple[str, int, int]]:
    """Return the same of the tokens a turn is read into."""
    return [(word, start, end) for word, start, end, _, _ in flat(tokens.of(text))]


@settings(max_examples=1000)
@given(run=st.text(ascii_letters, min_size=1, max_size=14) | st.sampled_from(KNOWN).map(str.swapcase))
def test_a_run_of_letters_is_split_as_spacy_splits_it(nlp: Language, run: str) -> None:
    """Whatever the letters, and their case, a run is the tokens spaCy makes of it."""
    assert spacys(nlp, run) == ours(Tokens(nlp), run)


def test_every_run_of_letters_that_is_an_exception_is_split_as_spacy_splits_it(nlp: Language) -> None:
    """Of the exceptions without a sign, such as cannot and gonna, each is parted as spaCy parts it."""
    tokens = Tokens(nlp)

    assert len(KNOWN) > 100
    assert [spacys(nlp, run) for run in KNOWN] == [ours(tokens, run) for run in KNOWN]


def test_the_projects_own_turns_are_split_as_spacy_splits_them(nlp: Language) -> None:
    """Every run of signs of the examples, words or not, is the tokens spaCy makes of it."""
    tokens = Tokens(nlp)
    runs = sorted({run for one in own_calls() for turn in one.call.turns for run in turn.text.split(" ")} - {""})

    assert len(runs) > 5000
    assert [run for run in runs if spacys(nlp, run) != ours(tokens, run)] == []


APOSTROPHES = "’‘‛`´′ʼʻʹ＇"


@pytest.mark.parametrize("sign", APOSTROPHES)
@pytest.mark.parametrize("text", ["let's go", "I don't", "WE'LL SEE", "it isn't o'clock", "that's it, 'tis"])
def test_every_apostrophe_opens_a_contraction(nlp: Language, text: str, sign: str) -> None:
    """Whatever sign is written for it, an apostrophe is read as the straight one, and tokens keep their places."""
    tokens = Tokens(nlp)

    assert ours(tokens, text) == ours(tokens, text.replace("'", sign))
