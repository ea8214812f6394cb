"""Which turns raw patterns need to be tried on, by the words alone: a call of a Matcher costs as much as a turn."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

KNOWN_WORDS = 50_000
OPTIONAL = frozenset("?*!")


class RawGate:
    """Lets a turn through when, for some pattern, each thing it asks of a word's letters is met by a word of the turn.

    What else a pattern asks for is left to the Matcher; a pattern that asks nothing of letters lets every turn through.
    """

    def __init__(self) -> None:
        self._asked: list[Callable[[str], object]] = []
        self._needs: list[int] = []
        self._met = lru_cache(maxsize=KNOWN_WORDS)(self._met_by)

    def put(self, pattern: Iterable[Mapping[str, Any]]) -> None:
        """Add a pattern. Nothing may be asked before all patterns are there."""
        asked = [one for one in map(_asked_of_letters, pattern) if one is not None]
        self._needs.append(((1 << len(asked)) - 1) << len(self._asked))
        self._asked += asked

    def lets_through(self, words: Iterable[str]) -> bool:
        """Tell whether a pattern may match these words."""
        if not self._needs:
            return False
        met = 0
        for word in words:
            met |= self._met(word)
        return any(need & met == need for need in self._needs)

    def _met_by(self, word: str) -> int:
        return sum(1 << at for at, asked in enumerate(self._asked) if asked(word))


def _asked_of_letters(token: Mapping[str, Any]) -> Callable[[str], object] | None:
    """Return what a token cannot do without in a word's letters, or None where that is nothing we know."""
    fields = {name.upper(): value for name, value in token.items()}
    asked = fields.get("ORTH", fields.get("TEXT"))
    if asked is None or fields.get("OP", "1") in OPTIONAL:
        return None
    if isinstance(asked, str):
        return asked.__eq__
    if "REGEX" in asked and isinstance(asked["REGEX"], str):
        return re.compile(asked["REGEX"]).search
    return frozenset(asked["IN"]).__contains__ if "IN" in asked else None
