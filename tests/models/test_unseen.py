"""The conversations in samples/labelled: nothing was learned from them, and the detector reads them well."""

from pathlib import Path

import pytest

from detector.detect import Detector
from models.classifier import Classifier
from models.labels import own_calls
from pipelines.flows.evaluate import Measured, corpora, measure
from pipelines.nlp import SpacyReader

UNSEEN = Path(__file__).parents[2] / "samples" / "labelled"
TELLING_WORDS = 8
"""Shorter turns are said by everybody."""


@pytest.fixture(scope="module")
def measured(detector: Detector, reader: SpacyReader, classifier: Classifier) -> Measured:
    """The detector, as it is shipped, on the unseen conversations."""
    (corpus,) = corpora([UNSEEN])
    return measure(corpus, detector=detector, reader=reader, classifier=classifier)


def test_no_turn_of_theirs_is_among_the_examples() -> None:
    """Unseen means unseen: neither the agents' turns nor the customers' are in what is learned from."""
    (corpus,) = corpora([UNSEEN])
    learned = {turn.text.casefold() for one in own_calls() for turn in one.call.turns}
    unseen = {turn.text.casefold() for one in corpus.calls for turn in one.call.turns}

    assert {text for text in unseen & learned if len(text.split()) >= TELLING_WORDS} == set()


def test_awards_are_nearly_always_right_and_most_acts_are_found(measured: Measured) -> None:
    """Less than one award in ten is wrong, and four acts in five are awarded or shown to a person."""
    told = measured.evaluation

    assert told.micro_awarded.precision.value > 0.9
    assert told.micro_awarded.recall.value > 0.7
    assert told.micro.recall.value > 0.8
    assert told.calibration_error < 0.05
