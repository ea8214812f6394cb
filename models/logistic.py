"""Probabilities as logits, the natural logarithms of their odds, and back."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def probabilities_of(logits: Floats) -> Floats:
    """Return the logistic function of logits, in their width; written so that no logit is too large for it."""
    probabilities: Floats = 0.5 + 0.5 * np.tanh(0.5 * logits)
    return probabilities


def logits_of(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the logits of probabilities; of nought and one they are infinite."""
    given = np.asarray(probabilities, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logits: npt.NDArray[np.float64] = np.log(given) - np.log1p(-given)
    return logits
