"""The beginning of a file, as formats are told by: by what stands in it, not by its name."""

import re
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from detector.errors import TranscriptError
from pipelines.readers.decoding import json_value

SNIFFED_BYTES = 65_536
JSON_BEGINS = ("{", "[")
_KEY = re.compile(r'"(\w+)"\s*:')
_CALL_LINE = re.compile(r'^\{.*"call_id"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, or `whole` it is: its bytes, its text, and the JSON keys in it, at whatever depth."""

    raw: bytes
    text: str
    keys: frozenset[str]
    whole: bool = False

    def has(self, *keys: str) -> bool:
        """Tell whether all these JSON keys are there."""
        return self.keys.issuperset(keys)

    @property
    def first_line(self) -> str:
        """The first line that is not blank."""
        return self.text.lstrip().partition("\n")[0]

    @property
    def is_json(self) -> bool:
        """Tell whether it begins as JSON does."""
        return self.text.lstrip()[:1] in JSON_BEGINS

    @property
    def may_be_lines(self) -> bool:
        """Tell whether it may be JSON lines: the first is a JSON object, or one that names a call begins with `{`."""
        text = self.text.lstrip()
        first, end, _ = text.partition("\n")
        if first.startswith("{") and (end or self.whole) and _is_object(first):
            return True
        return not text.startswith("[") and _CALL_LINE.search(text) is not None


def _is_object(line: str) -> bool:
    try:
        return isinstance(json_value(line.encode("utf-8", "replace")), dict)
    except TranscriptError:
        return False


def only_once(file: Path) -> bool:
    """Tell whether what a file holds can be read only once, as of a pipe: whoever looks at its beginning takes it.

    Raises:
        OSError: there is no such file.
    """
    mode = file.stat().st_mode
    return not (S_ISREG(mode) or S_ISDIR(mode))


def head_of(file: Path, size: int = SNIFFED_BYTES) -> Head:
    """Return the beginning of a file: what it holds, up to a size in bytes."""
    with file.open("rb") as stream:
        raw = stream.read(size)
        return head(raw, whole=not stream.read(1))


def head(raw: bytes, *, whole: bool = True) -> Head:
    """Return the head that bytes make; what is no text is replaced."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = raw.decode(encoding, errors="replace")
    keys = frozenset(found[1] for found in _KEY.finditer(text)) if text.lstrip()[:1] in JSON_BEGINS else frozenset()
    return Head(raw, text, keys, whole)
