"""Probabilities as logits and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.logistic import logits_of, probabilities_of


@given(st.floats(1e-6, 1 - 1e-6))
def test_a_probability_comes_back_from_its_logit(probability: float) -> None:
    """To nine digits."""
    assert float(probabilities_of(logits_of(probability))) == pytest.approx(probability, abs=1e-9)


def test_the_surest_probabilities_have_endless_logits() -> None:
    """Nought and one are told without a warning; a half is nought."""
    assert logits_of([0, 0.5, 1]).tolist() == [-np.inf, 0, np.inf]


def test_no_logit_is_too_large_to_be_a_probability() -> None:
    """The far ends are nought and one, in the width of what was given."""
    probabilities = probabilities_of(np.array([-1e9, 1e9], dtype=np.float32))

    assert probabilities.tolist() == [0, 1]
    assert probabilities.dtype == np.float32
