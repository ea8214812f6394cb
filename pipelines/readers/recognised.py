"""What Deepgram's recogniser gives, put together to pieces of one speaker: also inside other formats."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from pydantic import model_validator

from pipelines.readers.document import Clock, Shape
from pipelines.readers.source import UnreadableError


class Word(Shape):
    """A word; times in seconds, `speaker` where speakers are told apart."""

    word: str
    punctuated_word: str | None = None
    start: Clock = None
    end: Clock = None
    speaker: int | None = None


class Sentence(Shape):
    """A sentence of a paragraph."""

    text: str


class Paragraph(Shape):
    """Sentences of one speaker."""

    sentences: tuple[Sentence, ...]
    speaker: int | None = None
    start: Clock = None
    end: Clock = None


class Paragraphs(Shape):
    """The paragraphs of a channel."""

    paragraphs: tuple[Paragraph, ...] = ()


class Alternative(Shape):
    """What was heard in a channel; `paragraphs` where they were asked for."""

    transcript: str
    words: tuple[Word, ...] = ()
    paragraphs: Paragraphs = Paragraphs()


class Channel(Shape):
    """A channel's alternatives, the best first."""

    alternatives: tuple[Alternative, ...] = ()
    detected_language: str | None = None


class Utterance(Shape):
    """An utterance; given where they were asked for, in time order over all channels."""

    id: str | None = None
    transcript: str
    start: Clock = None
    end: Clock = None
    channel: int | None = None
    speaker: int | None = None


class Results(Shape):
    """The results of a recording."""

    channels: tuple[Channel, ...] = ()
    utterances: tuple[Utterance, ...] = ()

    @model_validator(mode="after")
    def _holds_something(self) -> "Results":
        if not self.channels and not self.utterances:
            raise ValueError("has neither channels nor utterances")
        return self


PAUSE, SHORT_PAUSE = 1.0, 0.3
"""Seconds between the words of a channel that part two turns; the short one where another channel begins in it."""
Others: TypeAlias = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one speaker; `label` is the channel of several, else the speaker, else None."""

    label: int | str | None
    text: str
    start: float | None
    end: float | None
    piece_id: str | None = None


def pieces(results: Results) -> list[Piece]:
    """Return what was said: the utterances, else the paragraphs, else the words by speaker; channels by time.

    Raises:
        UnreadableError: several channels spoke, and nothing tells in which order.
    """
    if results.utterances:
        several = len(results.channels) > 1 or len({one.channel for one in results.utterances}) > 1
        return [
            Piece(one.channel if several else one.speaker, one.transcript, one.start, one.end, one.id)
            for one in results.utterances
        ]
    best = {number: one.alternatives[0] for number, one in enumerate(results.channels) if one.alternatives}
    if len(results.channels) == 1:
        return [piece for one in best.values() for piece in of_alternative(one)]
    starts = {number: sorted(_starts(one.words)) for number, one in best.items()}
    found: list[Piece] = []
    for number, one in best.items():
        others = [starts[other] for other in starts if other != number]
        found += of_alternative(one, number, others)
    return _by_time(found)


def of_alternative(best: Alternative, channel: int | None = None, others: Others = ()) -> Iterator[Piece]:
    """Yield the pieces of one channel; `channel` is its number where there are several, with the `others`' words."""
    if best.paragraphs.paragraphs:
        for one in best.paragraphs.paragraphs:
            text = " ".join(sentence.text for sentence in one.sentences)
            yield Piece(one.speaker if channel is None else channel, text, one.start, one.end)
    elif best.words and channel is None and any(word.speaker is not None for word in best.words):
        for speaker, words in groupby(best.words, key=lambda word: word.speaker):
            yield _piece(speaker, list(words))
    elif channel is not None and any(_starts(best.words)):
        yield from (_piece(channel, words) for words in _cut(best.words, others))
    elif best.transcript:
        start, end = (best.words[0].start, best.words[-1].end) if best.words else (None, None)
        yield Piece(channel, best.transcript, start, end)


def text_of_words(words: Iterable[Word]) -> str:
    """Return words as they are written."""
    return " ".join(word.punctuated_word or word.word for word in words)


def _starts(words: Iterable[Word]) -> Iterator[float]:
    return (word.start for word in words if word.start is not None)


def _cut(words: Sequence[Word], others: Others) -> Iterator[Sequence[Word]]:
    """Yield the words of a channel in turns: parted by a pause, or by a short one in which another channel begins."""
    begin, end = 0, words[0].end
    for at, word in enumerate(words):
        if at and word.start is not None and end is not None and _parted(end, word.start, others):
            yield words[begin:at]
            begin = at
        end = next((time for time in (word.end, word.start) if time is not None), end)
    yield words[begin:]


def _parted(end: float, start: float, others: Others) -> bool:
    pause = start - end
    return pause >= PAUSE or (pause >= SHORT_PAUSE and any(_begins(other, end, start) for other in others))


def _begins(starts: Sequence[float], end: float, start: float) -> bool:
    """Tell whether one of the sorted starts lies in a pause."""
    at = bisect_left(starts, end)
    return at < len(starts) and starts[at] < start


def _piece(label: int | None, words: Sequence[Word]) -> Piece:
    return Piece(label, text_of_words(words), words[0].start, words[-1].end)


def _by_time(found: list[Piece]) -> list[Piece]:
    """Return the pieces of several channels by their start."""
    if len({piece.label for piece in found}) > 1 and any(piece.start is None for piece in found):
        raise UnreadableError("several channels, and no times to put what was said in order: ask for utterances=true")
    return sorted(found, key=lambda piece: piece.start or 0)
