"""The learner: features, classifier, evaluation, training; the examples it learns from and the shipped model."""
