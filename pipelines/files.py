"""Files that are written to, as every output is: their folder is made, and what they refuse is told with their name."""

import io
from collections.abc import Iterable
from os import SEEK_END
from os.path import lexists
from pathlib import Path
from typing import Any, BinaryIO, cast


class _Named(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.name
            raise


def file_to_write(name: str | Path) -> BinaryIO:
    """Return a file to write bytes to, emptied."""
    return _opened(Path(name), "wb")


def check_writable(name: str | Path) -> None:
    """Have the refusal of a file that cannot be written to before the work for it; what is in it stays.

    Raises:
        OSError: it cannot be written to.
    """
    path = Path(name)
    there = lexists(path)
    if path.is_fifo():
        return  # who reads it would take the closing for the end
    _opened(path, "ab").close()
    if not there:
        path.unlink()


def add_lines(name: str | Path, lines: Iterable[bytes]) -> None:
    """Add lines to a file; where its last line has no end, as some editors and all who are cut off leave it, end it."""
    path, added = Path(name), [line + b"\n" for line in lines]
    if added and _ends_amid_a_line(path):
        added.insert(0, b"\n")
    with _opened(path, "ab") as out:
        out.writelines(added)


def _opened(path: Path, mode: str) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return cast("BinaryIO", io.BufferedWriter(_Named(str(path), mode)))


def _ends_amid_a_line(file: Path) -> bool:
    if not file.is_file() or not file.stat().st_size:
        return False
    with file.open("rb") as source:
        source.seek(-1, SEEK_END)
        return source.read(1) != b"\n"
