"""How much the encoder counts beside the classifier: a logistic regression on turns where the classifier is unsure."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from models.logistic import logits_of
from models.semantic.tier import Blend, to_weigh

BAND = 0.03, 0.95
"""Below, a second reading finds too little; above, the classifier is right by itself (figures: docs/design.md)."""
WEIGHED_FROM = 0.003
"""What is less likely is left alone in a turn that is read for the sake of another behaviour."""

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def blend_of(own: Numbers, read: Numbers, truth: Flags) -> Blend:
    """Return how the classifier's logits and the encoder's are weighed on turns where the classifier is unsure.

    All are turns x behaviours, of calls neither learned from. The two slopes are common to all behaviours, the
    constant is each one's own.
    """
    seen = to_weigh(own, logits_of((WEIGHED_FROM, *BAND)).tolist())
    _, columns = np.nonzero(seen)
    each = np.eye(truth.shape[1])[columns]
    inputs = np.column_stack([own[seen], read[seen], each])
    fitted = LogisticRegression(C=1.0, max_iter=1000, fit_intercept=False).fit(inputs, truth[seen])
    own_slope, read_slope, *constant = fitted.coef_[0].tolist()
    return Blend(WEIGHED_FROM, *BAND, own_slope, read_slope, np.array(constant, dtype=np.float32))
