"""The domain core: values and pure functions, with no text engine, learner, file, clock or network."""
