"""What can go wrong in the core, one class a kind; every message says what to do."""

from collections.abc import Iterable
from dataclasses import dataclass


class DetectorError(Exception):
    """Any error a user of the detector can mend."""


def to_install(extra: str) -> str:
    """Return how an extra of this package is installed, which is from the project's folder."""
    return f"pip install '.[{extra}]' in the project's folder"


class TranscriptError(DetectorError):
    """A call or a turn that breaks the contract. The message names the field, never the words said."""


class ModelError(DetectorError):
    """A model that is missing, tampered with, or made for something else."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a playbook: the file, the line (from 1) and what to do about it."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class PlaybookError(DetectorError):
    """All the faults of a playbook, told together."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{count} fault{'s' if count != 1 else ''} in the playbook:\n{lines}")
