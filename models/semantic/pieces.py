"""WordPiece: words in pieces of a fixed list, the longest that fits first (Wu et al. 2016, section 4.1).

The list is BERT's uncased one. Names and numbers stand in it as one name and one number, whoever and whatever they
are: what is read is the same for Priya and Paul.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

from models.windows import starts

FIRST, LAST, UNKNOWN, WITHIN = "[CLS]", "[SEP]", "[UNK]", "##"
TURN_PIECES, BEFORE_PIECES = 60, 44
"""The most that is read at once of a turn, and of the end of the turns before."""
SHARED_PIECES, MOST_WINDOWS = 15, 16
"""A longer turn is read in windows: how many pieces two of them share, and how many there are of the longest turn."""
LONGEST = TURN_PIECES + BEFORE_PIECES + 3
"""Pieces with the marks at both ends and between."""
STAND_INS = {
    "{number}": "seven",
    "{name}": "mary",
    "{customer_name}": "mary",
    "{agent_name}": "john",
    "{signed}": "signed",
    "❝": '"',
}
KNOWN_WORDS = 25_000
Numbered: TypeAlias = tuple[list[int], int]
"""The numbers of pieces, and how many of them are the turn's own; the others are of the turns before."""
_RUNS = re.compile(r"[^\W_]+|[\W_]")


class Pieces:
    """Numbers words' pieces by their place in a list."""

    def __init__(self, listed: Sequence[str]) -> None:
        self._numbers = {piece: at for at, piece in enumerate(listed)}
        self._longest = max(map(len, listed))
        self._of_word = lru_cache(maxsize=KNOWN_WORDS)(self._split)

    def windows(self, words: Iterable[str], before: Iterable[str]) -> list[Numbered]:
        """Return a turn's pieces and those of the turns before by number: one window, or those a long turn is read in.

        Of a turn too long even for them the windows stand apart.
        """
        turn, last = self._numbered(words), self._numbered(before)
        first, mark = self._numbers[FIRST], self._numbers[LAST]
        cut = starts(len(turn), size=TURN_PIECES, shared=SHARED_PIECES, most=MOST_WINDOWS)
        parts = [turn[start : start + TURN_PIECES] for start in cut]
        return [([first, *part, mark, *last[-BEFORE_PIECES:], mark], len(part) + 2) for part in parts]

    def _numbered(self, words: Iterable[str]) -> list[int]:
        return [piece for word in words for piece in self._of_word(word)]

    def _split(self, word: str) -> tuple[int, ...]:
        plain = unicodedata.normalize("NFD", STAND_INS.get(word, word).lower())
        runs = _RUNS.findall("".join(letter for letter in plain if unicodedata.category(letter) != "Mn"))
        return tuple(piece for run in runs for piece in self._of_run(run))

    def _of_run(self, run: str) -> list[int]:
        """Return the pieces of letters without a break; one unknown piece where a part of them is in no list."""
        found: list[int] = []
        start, mark = 0, ""
        while start < len(run):
            for end in range(min(len(run), start + self._longest), start, -1):
                number = self._numbers.get(mark + run[start:end])
                if number is not None:
                    break
            else:
                return [self._numbers[UNKNOWN]]
            found.append(number)
            start, mark = end, WITHIN
        return found
