"""What the core asks of the floors above it."""

from typing import Protocol

from detector.call import Memory
from detector.candidate import Candidate, Reading
from detector.transcript import Turn


class Reader(Protocol):
    """The text engine: finds a turn's words, and the playbook's phrases in them."""

    def read(self, turn: Turn, memory: Memory) -> Reading:
        """Return the reading of a turn; of a turn without words, one without words. Must be pure."""


class Scorer(Protocol):
    """The learner: says how probable each behaviour is in an agent's turn."""

    @property
    def version(self) -> str:
        """Return the version told in every decision."""

    def candidates(self, reading: Reading, memory: Memory) -> tuple[Candidate, ...]:
        """Return the behaviours that may be in the turn, explained. Must be pure."""
