"""The baselines find what they can know, and no more."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from detector.transcript import call_of
from models.baselines import phrases_alone, tf_idf
from models.labels import LabelledCall, Observation, observe
from pipelines.nlp import SpacyReader

WISHES = ("have a lovely day", "have a great day", "enjoy a lovely evening", "a great weekend to you")
OTHERS = ("your card is blocked", "the parcel is late", "which postcode is it", "the bill is paid")


def labelled(texts: Sequence[str], *labels: str) -> Iterator[LabelledCall]:
    """Yield calls of one agent's turn each."""
    for text in texts:
        call = call_of({"call_id": text, "turns": [{"speaker": "agent", "text": text}]})
        yield LabelledCall(call, {call.turns[0].turn_id: frozenset(labels)}, "", "", "")


def observed(reader: SpacyReader, *texts: str) -> list[Observation]:
    """Return single agent's turns as a scorer meets them."""
    return list(observe(labelled(texts), reader))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Have a lovely day!", [True, False]),
        ("my manager always says have a lovely day", [False, False]),
        ("we are sorry for the delay and have a great weekend", [True, True]),
    ],
)
def test_phrases_alone_are_the_rules_hits_that_count(reader: SpacyReader, text: str, expected: list[bool]) -> None:
    """A rule's hit is a find, one that a scope voids is none."""
    found = phrases_alone(observed(reader, text), ("wish_well", "apologise"))

    assert expected == found[0].tolist()


def test_tf_idf_learns_words_and_knows_no_context(reader: SpacyReader) -> None:
    """It finds the words it was taught, in reported speech too."""
    taught = [*labelled(WISHES * 6, "wish_well"), *labelled(OTHERS * 6)]
    texts = ("have a great day", "they say have a great day", "the parcel is paid")

    found = tf_idf(taught, ("wish_well",)).found(observed(reader, *texts))

    assert np.array_equal(np.array([[True], [True], [False]]), found)
