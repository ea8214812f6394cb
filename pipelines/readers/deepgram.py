"""Deepgram, the answer to a recorded file. Channels or numbered speakers, no roles; times are seconds.

`--role 0=agent` means channel 0 of several, or speaker 0 of a single one. The request's id changes whenever the
recording is transcribed again, so the call is named by the file.
"""

from collections.abc import Iterator
from pathlib import Path

from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import Shape, document
from pipelines.readers.recognised import Results, pieces
from pipelines.readers.roles import Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import faults_told


class Answer(Shape):
    """The file."""

    results: Results


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("results") and (head.has("alternatives") or head.has("channels"))


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file."""
    results = document(file, Answer).results
    said = [
        Said(
            who=roles.who(one.label),
            text=one.text,
            turn_id=one.piece_id,
            start_ms=milliseconds(one.start),
            end_ms=milliseconds(one.end),
        )
        for one in pieces(results)
    ]
    languages = {one.detected_language for one in results.channels}
    yield conversation(file.stem, said, language=languages.pop() if len(languages) == 1 else None)
