"""What Deepgram's recogniser gives, put together to pieces of one speaker: also inside other formats."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pydantic import model_validator

from pipelines.readers.document import Shape


class Word(Shape):
    """A word; times in seconds, `speaker` where speakers are told apart."""

    word: str
    punctuated_word: str | None = None
    start: float | None = None
    end: float | None = None
    speaker: int | None = None


class Sentence(Shape):
    """A sentence of a paragraph."""

    text: str


class Paragraph(Shape):
    """Sentences of one speaker."""

    sentences: tuple[Sentence, ...]
    speaker: int | None = None
    start: float | None = None
    end: float | None = None


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
    start: float | None = None
    end: float | None = None
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


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one speaker; `label` is the channel of several, else the speaker, else None."""

    label: int | str | None
    text: str
    start: float | None
    end: float | None
    piece_id: str | None = None


def pieces(results: Results) -> list[Piece]:
    """Return what was said: the utterances, else the paragraphs, else the words by speaker; channels by time."""
    if results.utterances:
        several = len(results.channels) > 1 or len({one.channel for one in results.utterances}) > 1
        return [
            Piece(one.channel if several else one.speaker, one.transcript, one.start, one.end, one.id)
            for one in results.utterances
        ]
    several = len(results.channels) > 1
    found = [
        piece
        for number, channel in enumerate(results.channels)
        for best in channel.alternatives[:1]
        for piece in of_alternative(best, number if several else None)
    ]
    return _by_time(found) if several else found


def of_alternative(best: Alternative, channel: int | None = None) -> Iterator[Piece]:
    """Yield the pieces of one channel; `channel` is its number where there are several."""
    if best.paragraphs.paragraphs:
        for one in best.paragraphs.paragraphs:
            text = " ".join(sentence.text for sentence in one.sentences)
            yield Piece(one.speaker if channel is None else channel, text, one.start, one.end)
    elif best.words and channel is None and any(word.speaker is not None for word in best.words):
        for speaker, words in groupby(best.words, key=lambda word: word.speaker):
            yield _piece(speaker, list(words))
    elif best.transcript:
        start, end = (best.words[0].start, best.words[-1].end) if best.words else (None, None)
        yield Piece(channel, best.transcript, start, end)


def text_of_words(words: Iterable[Word]) -> str:
    """Return words as they are written."""
    return " ".join(word.punctuated_word or word.word for word in words)


def _piece(speaker: int | None, words: Sequence[Word]) -> Piece:
    return Piece(speaker, text_of_words(words), words[0].start, words[-1].end)


def _by_time(found: list[Piece]) -> list[Piece]:
    """Return the pieces of several channels by their start; where one has no time, in the order of the channels."""
    if any(piece.start is None for piece in found):
        return found
    return sorted(found, key=lambda piece: piece.start or 0)
