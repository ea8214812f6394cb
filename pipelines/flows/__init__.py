"""Flows: each joins readers, the detector or the learner, and sinks, for one job."""
