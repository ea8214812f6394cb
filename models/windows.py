"""A long turn is scored window by window: an act takes a few words, and must not drown in what else is said.

What is said of the turn is what is said of the window it is surest of. Figures: docs/design.md.
"""

from math import ceil

from detector.candidate import Reading

WORDS, SHARED = 25, 8
"""The words of a window, and how many two of them share at least; few turns are longer than one."""


def windows(reading: Reading) -> tuple[Reading, ...]:
    """Return the windows of a reading, from its beginning to its end; a short one is its own window.

    A hit is in the windows that hold all of its words. Spans are still those of the turn's text.
    """
    length = len(reading.words)
    if length <= WORDS:
        return (reading,)
    return tuple(_window(reading, start) for start in starts(length, size=WORDS, shared=SHARED))


def starts(length: int, *, size: int, shared: int, most: int | None = None) -> list[int]:
    """Return where the windows of a sequence begin, spread evenly over it: two of them share so many at least.

    Where there would be more than `most`, they stand apart instead.
    """
    further = max(length - size, 0)
    steps = ceil(further / (size - shared))
    if most is not None:
        steps = min(steps, most - 1)
    return [round(at * further / steps) for at in range(steps + 1)] if steps else [0]


def _window(reading: Reading, start: int) -> Reading:
    end = start + WORDS
    hits = (
        hit._replace(first=hit.first - start, last=hit.last - start)
        for hit in reading.hits
        if start <= hit.first and hit.last <= end
    )
    return reading._replace(
        words=reading.words[start:end],
        spans=reading.spans[start:end],
        clauses=reading.clauses[start:end],
        hits=tuple(hits),
    )
