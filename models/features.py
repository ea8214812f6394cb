"""Features of an agent's turn and of the turns before it: the one place for training and for serving.

A feature is a string. Features of the turn's words carry a place (first and last word), so that what weighed in a
score can be shown in the turn; features of the context carry none.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from detector.call import Memory
from detector.candidate import HitKind, Reading
from detector.transcript import Speaker

CHARACTERS = (3, 4, 5)
CONTEXT_WORDS = 24
CONTEXT_WEIGHT = 0.5
CHARACTER_WEIGHT = 0.25

Feature: TypeAlias = tuple[str, float, int, int]


@lru_cache(maxsize=100_000)
def character_features(word: str) -> tuple[str, ...]:
    """Return the character n-grams of a word, its ends marked: they forgive slips of spelling and hearing."""
    if word.startswith("{"):
        return ()
    marked = f"<{word}>"
    return tuple(f"c={marked[at : at + size]}" for size in CHARACTERS for at in range(len(marked) - size + 1))


def features(reading: Reading, memory: Memory) -> Iterator[Feature]:
    """Yield name, value, first word and the word after the last of each feature; context features stand at (0, 0)."""
    words = reading.words
    count = len(words)
    yield from _of_words(words)
    for hit in reading.hits:
        state = hit.kind.value if hit.void_by is None else "void"
        yield f"{state}={hit.owner}.{hit.rule}", 1.0, hit.first, hit.last
        yield f"{state}={hit.owner}", 1.0, hit.first, hit.last
        if hit.kind is HitKind.RULE and hit.void_by is None:
            yield f"rule={hit.owner}|{_need(memory)}", 0.5, hit.first, hit.last
    yield f"length={min(count.bit_length(), 7)}", CONTEXT_WEIGHT, 0, 0
    yield from _of_context(memory)


def _of_words(words: tuple[str, ...]) -> Iterator[Feature]:
    count = len(words)
    for at, word in enumerate(words):
        yield word, 1.0, at, at + 1
        for part in character_features(word):
            yield part, CHARACTER_WEIGHT, at, at + 1
        if at + 1 < count:
            yield f"{word} {words[at + 1]}", 1.0, at, at + 2
        if at + 2 < count:
            yield f"{word} {words[at + 1]} {words[at + 2]}", 1.0, at, at + 3
            yield f"{word} _ {words[at + 2]}", 0.7, at, at + 3
        if at + 3 < count:
            yield f"{word} _ _ {words[at + 3]}", 0.5, at, at + 4
    yield f"^ {words[0]}", 1.0, 0, 1
    yield f"^ {' '.join(words[:2])}", 1.0, 0, min(2, count)
    yield f"{words[-1]} $", 1.0, count - 1, count
    yield f"{' '.join(words[-2:])} $", 1.0, max(0, count - 2), count


def _of_context(memory: Memory) -> Iterator[Feature]:
    yield f"need={_need(memory)}", CONTEXT_WEIGHT, 0, 0
    yield f"heard={min(memory.heard, 4)}", CONTEXT_WEIGHT, 0, 0
    for fact in sorted(memory.facts):  # sets differ in order from process to process, and so would sums
        yield f"fact={fact}", CONTEXT_WEIGHT, 0, 0
    if not memory.recent:
        yield "before=nobody", CONTEXT_WEIGHT, 0, 0
        return
    last = memory.recent[-1]
    yield f"before={last.speaker.value}", CONTEXT_WEIGHT, 0, 0
    yield f"before.length={min(len(last.words).bit_length(), 6)}", CONTEXT_WEIGHT, 0, 0
    for fact in sorted(last.facts):
        yield f"before.fact={fact}", 1.0, 0, 0
    side = "c" if last.speaker is Speaker.CUSTOMER else "a"
    for word in last.words[-CONTEXT_WORDS:]:
        yield f"before.{side}={word}", CONTEXT_WEIGHT, 0, 0


def _need(memory: Memory) -> str:
    return "handled" if memory.need_handled else "stated" if memory.need_stated else "none"
