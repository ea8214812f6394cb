"""Readers of transcript files, one a format, by name.

A new format is one module with `read` and `fits`, one line here, and one sample in `samples/formats`.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from detector.errors import DetectorError
from pipelines.readers import (
    assemblyai,
    azure_conversation,
    comma_separated,
    contact_lens,
    deepgram,
    genesys,
    google_ccai,
    labelled,
    native,
    parquet,
    plain_text,
    post_call_analytics,
    transcribe_call_analytics,
    twilio,
    vcon,
    webvtt_captions,
)
from pipelines.readers.roles import NO_ROLES, Roles
from pipelines.readers.sniffing import Head, head_of, only_once
from pipelines.readers.source import MAX_DOCUMENT_BYTES, CallOrFault, InputFault, ReadFile
from pipelines.readers.tabular import NO_COLUMNS, Columns


class Format(Protocol):
    """What the module of a format has."""

    @property
    def read(self) -> ReadFile:
        """The reader."""

    def fits(self, head: Head, /) -> bool:
        """Tell whether a file begins as the format does."""


READERS: Mapping[str, Format] = {
    "native": native,
    "vcon": vcon,
    "contact-lens": contact_lens,
    "transcribe-call-analytics": transcribe_call_analytics,
    "post-call-analytics": post_call_analytics,
    "genesys": genesys,
    "google-ccai": google_ccai,
    "twilio": twilio,
    "azure-conversation": azure_conversation,
    "deepgram": deepgram,
    "assemblyai": assemblyai,
    "labelled": labelled,
    "webvtt": webvtt_captions,
    "parquet": parquet,
    "csv": comma_separated,
    "plain-text": plain_text,
}


class FormatError(DetectorError):
    """A format that is not known, or a file that cannot be opened."""


def reader(name: str, file: Path, *, columns: Columns = NO_COLUMNS) -> ReadFile:
    """Return the reader of a format by its name, or for `auto` the one the file's beginning asks for.

    `columns` says which column of a table is what; a file that is not known otherwise is then taken for CSV.

    Raises:
        FormatError: no such format, no such file, or a pipe for `auto`.
    """
    if name != "auto" and name not in READERS:
        raise FormatError(f"unknown format {name!r}; the known ones: auto, {', '.join(READERS)}")
    found = READERS[sniff(file, otherwise="csv" if columns else None) if name == "auto" else name]
    if columns and found is comma_separated:
        return partial(comma_separated.read, columns=columns)
    if columns and found is parquet:
        return partial(parquet.read, columns=columns)
    return found.read


def sniff(file: Path, *, otherwise: str | None = None) -> str:
    """Return the name of the first format that a file's beginning fits; else `otherwise`.

    What looks like JSON lines, and an empty file, is native: there a bad line spoils no other. Of a JSON document whose
    beginning tells nothing the rest is looked at, too.

    Raises:
        FormatError: the file is in no known format, is a pipe, or cannot be opened.
    """
    try:
        if only_once(file):
            raise FormatError(f"{file}: is a pipe, whose beginning can be read only once; give --format")
        head = head_of(file)
        found = _fitting(head)
        if found is None and head.is_json and not head.whole and not head.may_be_lines:
            head = head_of(file, MAX_DOCUMENT_BYTES)
            found = _fitting(head)
    except OSError as error:
        raise FormatError(f"{file}: cannot be opened: {error.strerror}") from None
    if found or otherwise:
        return found or otherwise or ""
    if not head.text.strip() or head.may_be_lines:
        return "native"
    if head.has("call_id", "turns"):
        raise FormatError(f"{file}: holds native calls over several lines: write each in one line, as `jq -c` does")
    raise FormatError(f"{file}: is in no known format; give --format, one of: {', '.join(READERS)}")


def _fitting(head: Head) -> str | None:
    return next((name for name, one in READERS.items() if one.fits(head)), None)


__all__ = [
    "NO_ROLES",
    "READERS",
    "CallOrFault",
    "Columns",
    "FormatError",
    "InputFault",
    "ReadFile",
    "Roles",
    "reader",
    "sniff",
]
