"""AssemblyAI, a finished transcript. Speakers are letters, or names where it was asked to tell them; times are ms.

The transcript's id changes whenever the recording is transcribed again, so the call is named by the file.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import Clock, Shape, document
from pipelines.readers.roles import Roles, role_word
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, faults_told


class Words(Shape):
    """A word, or an utterance of one speaker."""

    text: str
    start: Clock = None
    end: Clock = None
    speaker: str | None = None
    channel: str | None = None


class Transcript(Shape):
    """The file."""

    status: str | None = None
    text: str | None = None
    language_code: str | None = None
    words: tuple[Words, ...] | None = None
    utterances: tuple[Words, ...] | None = None


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("status", "text") and (head.has("audio_url") or head.has("acoustic_model"))


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file."""
    found = document(file, Transcript)
    if found.status not in (None, "completed"):
        raise UnreadableError("status: the transcript is not completed")
    yield conversation(file.stem, [_said(one, roles) for one in _utterances(found)], language=found.language_code)


def _utterances(found: Transcript) -> list[Words]:
    """Return the utterances; else the words by speaker, where speakers are told apart; else the text as one."""
    if found.utterances:
        return list(found.utterances)
    words = found.words or ()
    if any(word.speaker for word in words):
        return [_joined(list(group)) for _, group in groupby(words, key=lambda word: word.speaker)]
    if found.text is None:
        raise UnreadableError("has neither utterances nor words nor text")
    times = {"start": words[0].start, "end": words[-1].end} if words else {}
    return [Words(text=found.text, **times)]


def _joined(words: list[Words]) -> Words:
    return words[0].model_copy(update={"text": " ".join(word.text for word in words), "end": words[-1].end})


def _said(one: Words, roles: Roles) -> Said:
    return Said(
        who=roles.who(one.speaker, one.channel, known=role_word(one.speaker)),
        text=one.text,
        start_ms=milliseconds(one.start, per_second=1000),
        end_ms=milliseconds(one.end, per_second=1000),
    )
