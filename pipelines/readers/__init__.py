"""Readers of transcript files, one a format, by name. A new format is one `read` function and one line here."""

from collections.abc import Mapping
from pathlib import Path

from detector.errors import DetectorError
from pipelines.readers import labelled, native
from pipelines.readers.source import CallOrFault, InputFault, ReadFile

READERS: Mapping[str, ReadFile] = {
    "native": native.read,
    "labelled": labelled.read,
}
SNIFFED_BYTES = 65_536


class FormatError(DetectorError):
    """A format that is not known, or a file that cannot be opened."""


def reader(name: str, file: Path) -> ReadFile:
    """Return the reader of a format by its name, or for `auto` the one the file's beginning asks for.

    Raises:
        FormatError: no such format, or no such file.
    """
    if name != "auto":
        if name not in READERS:
            raise FormatError(f"unknown format {name!r}; the known ones: auto, {', '.join(READERS)}")
        return READERS[name]
    return READERS[sniff(file)]


def sniff(file: Path) -> str:
    """Return the name of the format a file is in; `native` where nothing else is recognised."""
    try:
        with file.open("rb") as stream:
            head = stream.read(SNIFFED_BYTES)
    except OSError as error:
        raise FormatError(f"{file}: cannot be opened: {error.strerror}") from None
    first = head.split(b"\n", 1)[0]
    if b'"utterances"' in first or (b'"before"' in first and b'"labels"' in first):
        return "labelled"
    return "native"


__all__ = ["READERS", "CallOrFault", "FormatError", "InputFault", "ReadFile", "reader", "sniff"]
