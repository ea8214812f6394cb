"""The conversations and hard turns in samples/labelled: nothing was learned from them, and they are read well."""

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
def measured(detector: Detector, reader: SpacyReader, classifier: Classifier) -> dict[str, Measured]:
    """The detector, as it is shipped, on each unseen file."""
    return {
        corpus.name: measure(corpus, detector=detector, reader=reader, classifier=classifier)
        for corpus in corpora([UNSEEN])
    }


def test_no_turn_of_theirs_is_among_the_examples() -> None:
    """Unseen means unseen: neither the agents' turns nor the customers' are in what is learned from."""
    learned = {turn.text.casefold() for one in own_calls() for turn in one.call.turns}
    unseen = {turn.text.casefold() for corpus in corpora([UNSEEN]) for one in corpus.calls for turn in one.call.turns}

    assert {text for text in unseen & learned if len(text.split()) >= TELLING_WORDS} == set()


@pytest.mark.parametrize("corpus", ["unseen_calls", "unseen_calls_2", "unseen_calls_3"])
def test_awards_are_nearly_always_right_and_most_acts_are_found(measured: dict[str, Measured], corpus: str) -> None:
    """Less than one award in ten is wrong, and four acts in five are awarded or shown to a person."""
    told = measured[corpus].evaluation

    assert told.micro_awarded.precision.value > 0.9
    assert told.micro_awarded.recall.value > 0.7
    assert told.micro.recall.value > 0.8
    assert told.calibration_error < 0.05


@pytest.mark.parametrize(
    ("corpus", "pairs", "flagged_at_most"),
    [
        ("unseen_hard_turns", 220, 0.1),
        ("unseen_hard_turns_2", 100, 0.2),
        ("unseen_hard_turns_3", 112, 0.2),
        ("unseen_hard_turns_4", 778, 0.1),
        ("unseen_scorn", 120, 0.4),
    ],
)
def test_hard_acts_are_found_and_what_only_looks_like_them_is_left(
    measured: dict[str, Measured], corpus: str, pairs: int, flagged_at_most: float
) -> None:
    """Of acts in unusual words most are found; of usual words that do no such act few are flagged."""
    targets = measured[corpus].found_targets

    assert targets is not None
    found, positives, flagged, near_misses = targets
    assert positives == near_misses == pairs
    assert found / positives > 0.6
    assert flagged / near_misses < flagged_at_most
