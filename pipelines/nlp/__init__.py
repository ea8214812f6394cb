"""The only place that knows spaCy."""

from pipelines.nlp.reader import SpacyReader

__all__ = ["SpacyReader"]
