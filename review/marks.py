"""Evidence marked in place: a turn's words cut where marks begin and end. Pure, and total on any text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Mark:
    """A range of characters and what it is marked for."""

    start: int
    end: int
    owner: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words under the same marks."""

    text: str
    owners: tuple[str, ...]


def pieces(text: str, marks: Iterable[Mark]) -> list[Piece]:
    """Return the text cut into pieces that, put together, are the text again; ranges outside it are cut off."""
    within = [Mark(max(0, one.start), min(len(text), one.end), one.owner) for one in marks]
    kept = [one for one in within if one.start < one.end]
    cuts = sorted({0, len(text), *(one.start for one in kept), *(one.end for one in kept)})
    return [Piece(text[start:end], _owners(kept, start, end)) for start, end in pairwise(cuts)]


def _owners(marks: Sequence[Mark], start: int, end: int) -> tuple[str, ...]:
    over = {one.owner: None for one in marks if one.start <= start and end <= one.end}
    return tuple(over)
