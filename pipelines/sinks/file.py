"""Files that are written to, as every output is: their folder is made, and what they refuse is told with their name."""

import io
from pathlib import Path
from typing import Any, BinaryIO, cast


class _Named(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = self.name
            raise


def file_to_write(name: str | Path, mode: str = "wb") -> BinaryIO:
    """Return a file to write bytes to; `wb` empties it first, `ab` adds to it."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return cast("BinaryIO", io.BufferedWriter(_Named(str(path), mode)))
