"""Deepgram, live: results of one connection, a piece at a time.

A result that `is_final` may still be one piece of an utterance: pieces are joined until `speech_final`,
`UtteranceEnd` or the connection's end. A result names its connection, an `UtteranceEnd` does not: give `--call-id`, or
put `call_id` into each message.
"""

from collections.abc import Iterator
from itertools import groupby

from pipelines.readers.document import Shape, shaped
from pipelines.readers.live.under_way import Message, Piece, Translated, UnderWay, ended, joined, kept, rest, started
from pipelines.readers.recognised import Word, text_of_words
from pipelines.readers.roles import Roles


class Alternative(Shape):
    """What was heard."""

    transcript: str
    words: tuple[Word, ...] = ()


class Channel(Shape):
    """The alternatives, the best first."""

    alternatives: tuple[Alternative, ...] = ()


class Results(Shape):
    """A result; `channel_index` is the channel and how many there are; times in seconds."""

    channel_index: tuple[int, int] = (0, 1)
    start: float
    duration: float
    is_final: bool = False
    speech_final: bool = False
    channel: Channel


class UtteranceEnd(Shape):
    """Silence after an utterance."""

    channel: tuple[int, int] = (0, 1)


def call_id(message: Message) -> str | None:
    """Return the request, where the message has its id: one connection is one request."""
    metadata = message.get("metadata")
    request = metadata.get("request_id") if isinstance(metadata, dict) else message.get("request_id")
    return request if isinstance(request, str) else None


def translate(call: UnderWay, message: Message, *, roles: Roles) -> Translated:
    """Return what a message of the connection leads to."""
    begun = started(call)
    match message.get("type"):
        case "Results":
            results = shaped(message, Results)
            if not results.is_final:
                return begun
            number = results.channel_index[0]
            held = (*call.pieces.get(number, ()), *_pieces(results))
            return joined(begun, number, held, roles) if results.speech_final else kept(begun, number, held)
        case "UtteranceEnd":
            number = shaped(message, UtteranceEnd).channel[0]
            return joined(begun, number, call.pieces.get(number, ()), roles)
        case "Metadata":
            return ended(rest(begun, roles), call.call_id)
        case _:
            return Translated(call)


def _pieces(results: Results) -> Iterator[Piece]:
    number, several = results.channel_index[0], results.channel_index[1] > 1
    for best in results.channel.alternatives[:1]:
        if not several and any(word.speaker is not None for word in best.words):
            for speaker, group in groupby(best.words, key=lambda word: word.speaker):
                words = list(group)
                start, end = words[0].start, words[-1].end
                yield Piece(
                    str(speaker),
                    text_of_words(words),
                    results.start if start is None else start,
                    results.start + results.duration if end is None else end,
                )
        elif best.transcript:
            yield Piece(str(number), best.transcript, results.start, results.start + results.duration)
