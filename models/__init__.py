"""The learner: features, classifier, calibration, evaluation, training; the examples it learns from and the shipped model."""
