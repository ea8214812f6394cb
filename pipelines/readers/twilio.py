"""Twilio Conversational Intelligence: the sentences of a transcript, as the Sentences resource gives them.

A sentence has a channel and no role. The transcript resource may be merged in; its `channel.participants` name the
roles: `jq -s '.[0] * {sentences: .[1].sentences}' transcript.json sentences.json`. Times are seconds.
The call goes by the transcript's `sid`: a `customer_key` may stand for a customer, and so for several calls.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import Clock, Shape, document
from pipelines.readers.roles import Roles, role_word
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, faults_told

_SID = re.compile(r"/Transcripts/(GT\w+)/")


class Sentence(Shape):
    """A turn."""

    sid: str | None = None
    media_channel: int | None = None
    start_time: Clock = None
    end_time: Clock = None
    transcript: str


class Participant(Shape):
    """Whose a channel is."""

    channel_participant: int | None = None
    role: str | None = None
    user_id: str | None = None
    full_name: str | None = None


class Channel(Shape):
    """How the recording was made."""

    participants: tuple[Participant, ...] = ()


class Meta(Shape):
    """Which page of the sentences this is."""

    url: str | None = None
    previous_page_url: str | None = None
    next_page_url: str | None = None


class Transcript(Shape):
    """The file."""

    sid: str | None = None
    customer_key: str | None = None
    language_code: str | None = None
    channel: Channel | None = None
    meta: Meta = Meta()
    sentences: tuple[Sentence, ...]


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("sentences", "media_channel")


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file; one page of several is a fault, for the rest of the call would be missing."""
    found = document(file, Transcript)
    for name in ("next_page_url", "previous_page_url"):
        if getattr(found.meta, name):
            raise UnreadableError(f"meta.{name}: is one page of several; fetch all the sentences with PageSize=1000")
    url = _SID.search(found.meta.url or "")
    people = (found.channel or Channel()).participants
    participants: dict[int | None, Participant] = {
        one.channel_participant: one for one in people if one.channel_participant is not None
    }
    yield conversation(
        found.sid or (url[1] if url else None) or found.customer_key or file.stem,
        [_said(one, participants.get(one.media_channel, Participant()), roles) for one in found.sentences],
        language=found.language_code,
    )


def _said(sentence: Sentence, participant: Participant, roles: Roles) -> Said:
    return Said(
        who=roles.who(
            sentence.media_channel,
            participant.role,
            participant.full_name,
            known=role_word(participant.role),
            agent_id=participant.user_id,
        ),
        text=sentence.transcript,
        turn_id=sentence.sid,
        start_ms=milliseconds(sentence.start_time),
        end_ms=milliseconds(sentence.end_time),
    )
