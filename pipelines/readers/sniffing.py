"""The beginning of a file, as formats are told by: by what stands in it, not by its name."""

import re
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

SNIFFED_BYTES = 65_536
_KEY = re.compile(r'"(\w+)"\s*:')


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file: its bytes, its text, and the JSON keys in it, at whatever depth."""

    raw: bytes
    text: str
    keys: frozenset[str]

    def has(self, *keys: str) -> bool:
        """Tell whether all these JSON keys are there."""
        return self.keys.issuperset(keys)

    @property
    def first_line(self) -> str:
        """The first line that is not blank."""
        return self.text.lstrip().partition("\n")[0]


def only_once(file: Path) -> bool:
    """Tell whether what a file holds can be read only once, as of a pipe: whoever looks at its beginning takes it.

    Raises:
        OSError: there is no such file.
    """
    mode = file.stat().st_mode
    return not (S_ISREG(mode) or S_ISDIR(mode))


def head_of(file: Path) -> Head:
    """Return the beginning of a file."""
    with file.open("rb") as stream:
        return head(stream.read(SNIFFED_BYTES))


def head(raw: bytes) -> Head:
    """Return the head that bytes make; what is no text is replaced."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = raw.decode(encoding, errors="replace")
    is_json = text.lstrip()[:1] in ("{", "[")
    return Head(raw, text, frozenset(_KEY.findall(text)) if is_json else frozenset())
