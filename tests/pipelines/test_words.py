"""Normalised words: one form for the many ways a word is written, said or misheard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from detector.playbook import Playbook
from pipelines.nlp.words import (
    LONGEST_WORD,
    Form,
    normalised_form,
    tokenizer,
    without_endless_words,
    without_marks,
)

FORM = normalised_form(given_names=frozenset({"rosa"}), spellings={"ur": "your", "sry": "sorry"})


@pytest.fixture(scope="module")
def form(playbook: Playbook) -> Form:
    """The form of the shipped playbook."""
    return normalised_form(given_names=playbook.shared.given_names, spellings=playbook.shared.spellings)


@pytest.fixture(scope="module")
def nlp(form: Form) -> Language:
    """The tokenizer of the shipped playbook."""
    return tokenizer(form)


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("Hello", "hello"),
        ("UR", "your"),
        ("sry", "sorry"),
        ("Rosa", "{name}"),
        ("seven", "{number}"),
        ("£5.00", "{number}"),
        ("3rd", "{number}"),
        ("10am", "{number}"),
        ("1,000", "{number}"),
        ("A1", "a1"),
        ("{customer_name}", "{customer_name}"),
        ("{NAME}", "{name}"),
        ("so\u00adrry", "sorry"),
        ("\u200bhello\ufeff", "hello"),
        ("\0", ""),
        ("'ll", "will"),
        ("", ""),
    ],
)
def test_a_word_has_one_form(written: str, normalised: str) -> None:
    """Case, spelling, given names, numbers and invisible signs are brought to one form."""
    assert normalised == FORM(written)


@given(st.text(max_size=12))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    """The form of a form is itself, whatever the text."""
    assert FORM(text) == FORM(FORM(text))


def test_normalising_the_shipped_lists_twice_changes_nothing_more(playbook: Playbook, form: Form) -> None:
    """No spelling leads to another spelling, and no word list or name to a form that has another form."""
    shared = playbook.shared
    listed = [word for entries in shared.words.values() for entry in entries for word in entry.split()]
    words = [*shared.spellings, *shared.spellings.values(), *shared.given_names, *listed]

    assert [word for word in words if form(form(word)) != form(word)] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'm sorry", "i am sorry"),
        ("I’m sorry", "i am sorry"),
        ("Im sorry", "i am sorry"),
        ("we'll see", "we will see"),
        ("you're welcome", "you are welcome"),
        ("I've seen", "i have seen"),
        ("don't", "do not"),
        ("dont", "do not"),
        ("can't", "can not"),
        ("cannot", "can not"),
        ("Let's go", "let us go"),
        ("lets go", "let us go"),
        ("gimme", "give me"),
        ("wanna", "want to"),
        ("it's", "it is"),
        ("that's", "that is"),
        ("Thanks, Maria!", "thanks , {name} !"),
        ("ok", "okay"),
        ("apologize", "apologise"),
        ("[NAME] speaking", "{name} speaking"),
        ("I DON'T THINK SO", "i do not think so"),
        ("CAN'T", "can not"),
        ("WON'T", "will not"),
        ("DONT", "do not"),
        ("CANNOT", "can not"),
        ("I'M SORRY", "i am sorry"),
        ("WE'LL SEE", "we will see"),
        ("LET'S GO", "let us go"),
        ("LETS GO", "let us go"),
        ("WANNA", "want to"),
        ("GONNA", "going to"),
        ("COULDN'T'VE", "could not have"),
        ("YOUR ID", "your id"),
        ("WED 5TH", "wed {number}"),
    ],
)
def test_contractions_are_opened_to_full_words(nlp: Language, text: str, words: str) -> None:
    """However a contraction is written, it is read as its full words."""
    assert words.split() == [token.norm_ for token in nlp.make_doc(text)]


@given(
    text=st.text(max_size=40) | st.lists(st.sampled_from(["I'm", "don't", "you'll've", "'s", "ok", "…"])).map(" ".join)
)
def test_tokens_leave_the_text_as_it_is(nlp: Language, text: str) -> None:
    """Tokens keep their place: put together again they are the text."""
    assert text == "".join(token.text_with_ws for token in nlp.make_doc(text))


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("no marks", "no marks"),
        ("oh [noise] well", "oh         well"),
        ("<unk> hello [LAUGHTER]", "      hello           "),
        ("[name] speaking", "[name] speaking"),
        ("a < b", "a < b"),
        ("[", "["),
    ],
)
def test_marks_are_blanked_out_at_their_length(text: str, blanked: str) -> None:
    """Marks of a recogniser become spaces, one for one; a masked name stays."""
    assert blanked == without_marks(text)


@given(st.text(alphabet="ab <>[]\n", max_size=300))
def test_blanking_keeps_every_place(text: str) -> None:
    """What is blanked out is as long as before and nothing else is changed, so that spans stay true."""
    for made in (without_marks(text), without_endless_words(text)):
        assert len(text) == len(made)
        assert all(new in (old, " ") for old, new in zip(text, made, strict=True))


def test_what_never_ends_is_cut() -> None:
    """Of a run of signs without a space the beginning is kept, so that spaCy stays quick; plain words stay."""
    run = "!" * 500

    assert without_endless_words(f"hi {run} there").split() == ["hi", "!" * LONGEST_WORD, "there"]
    assert without_endless_words("plain words " * 50) == "plain words " * 50
