"""What was seen in a turn: its words, the phrases that hit, and the evidence for a behaviour."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from detector.transcript import Contract


class HitKind(StrEnum):
    """What a phrase of the playbook is for."""

    RULE = "rule"
    HINT = "hint"
    UNLESS = "unless"
    CUE = "cue"


RULE, HINT, UNLESS, CUE = HitKind
"""Looked up once: until Python 3.12 `HitKind.RULE` takes as long as reading a word, and it is asked for at each hit."""


class Hit(NamedTuple):
    """A phrase found in a turn: `owner` is a behaviour or, for a cue, a fact of the call.

    `first` and `last` count words of the reading, `last` excluded. A void rule hit proposes nothing.
    """

    kind: HitKind
    owner: str
    rule: str
    first: int
    last: int
    void_by: str | None = None


class Reading(NamedTuple):
    """A turn as the text engine sees it.

    `words` are normalised (see docs/playbook.md); `spans` are the character ranges of each in the turn's text;
    `clauses` is the number of the clause each word stands in; `names` are personal names its speaker gave, `called`
    those by which an agent called the customer.
    """

    words: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    clauses: tuple[int, ...] = ()
    hits: tuple[Hit, ...] = ()
    names: tuple[str, ...] = ()
    called: tuple[str, ...] = ()

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """Return the character range of the words from `first` up to, not including, `last`."""
        return self.spans[first][0], self.spans[last - 1][1]


class Evidence(Contract):
    """Where in a turn something was seen: a rule's id or the classifier, and a character range of the text."""

    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A behaviour possibly seen in a turn: where, how probable (0 to 1, calibrated), why; and if a rule says so."""

    behaviour: str
    score: float
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]
    by_rule: bool = False
