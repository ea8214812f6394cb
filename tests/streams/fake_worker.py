"""A detector whose reader and scorer are made of plain words, and a worker process that runs it.

A word of `SEEN` in an agent's turn is the behaviour; the word `bug` raises, with the turn's text in the message.
"""

import re

from detector.call import Memory
from detector.candidate import Candidate, Evidence, Hit, HitKind, Reading
from detector.detect import Detector
from detector.playbook import load_playbook
from detector.transcript import Turn
from pipelines.settings import Settings
from streams import worker

SEEN = {
    "sorry": ("apologise", 0.97),
    "feedback": ("ask_for_feedback", 0.99),
    "wonderful": ("wish_well", 0.95),
    "anything": ("offer_further_help", 0.7),
}


class WordReader:
    """Reads words as they stand; `bye` makes the closing of the call known."""

    def read(self, turn: Turn, memory: Memory) -> Reading:
        """Return the words of a turn, in lower case."""
        found = list(re.finditer(r"\w+", turn.text.lower()))
        words = tuple(one.group() for one in found)
        hits = tuple(
            Hit(HitKind.CUE, "call_closed", "bye", at, at + 1) for at, word in enumerate(words) if word == "bye"
        )
        return Reading(words, tuple(one.span() for one in found), (0,) * len(words), hits)


class WordScorer:
    """Scores by single words."""

    version = "words"

    def candidates(self, reading: Reading, memory: Memory) -> tuple[Candidate, ...]:
        """Return a candidate for each behaviour whose word is said."""
        if "bug" in reading.words:
            raise RuntimeError(f"cannot score: {' '.join(reading.words)}")
        found = {}
        for at, word in enumerate(reading.words):
            if word in SEEN:
                behaviour, score = SEEN[word]
                start, end = reading.characters(at, at + 1)
                found[behaviour] = Candidate(
                    behaviour, score, (Evidence(source=word, start=start, end=end),), ("a word",)
                )
        return tuple(found.values())


def word_detector(settings: Settings) -> Detector:
    """Return the detector that goes by words."""
    return Detector(
        playbook=load_playbook(settings.playbook), reader=WordReader(), scorer=WordScorer(), tenant=settings.tenant
    )


if __name__ == "__main__":
    worker.run(Settings(), word_detector(Settings()))
