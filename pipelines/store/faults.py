"""What can be wrong with what somebody asks of the store, one class a kind; the messages are shown to people."""

from detector.errors import DetectorError


class UnknownItemError(DetectorError):
    """There is no such call, decision, verdict, appeal or user."""


class StaleError(DetectorError):
    """Somebody decided meanwhile; nothing was overwritten."""


class NotAllowedError(DetectorError):
    """Who asks may not do this."""


class UnfitError(DetectorError):
    """What is asked makes no sense: a note too long, a range outside the words, an unknown behaviour."""
