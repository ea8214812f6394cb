"""Errors that a user can mend, each in one line: the project's own, wrong settings, and what files refuse."""

from pydantic import ValidationError

from detector.errors import DetectorError
from detector.transcript import what_is_wrong
from pipelines.settings import Settings


def told(error: Exception) -> str | None:
    """Return what is wrong, without what a call or a setting holds; None where it is a bug of ours."""
    match error:
        case DetectorError():
            return str(error)
        case OSError():
            place = "" if error.filename is None else f"{error.filename}: "
            return f"{place}{error.strerror or error}"
        case ValidationError() if error.title == Settings.__name__:
            return f"settings (DETECTOR_…, in the environment or .env): {what_is_wrong(error)}"
        case _:
            return None
