"""Twilio's live transcription: the webhooks of `<Transcription>`, one JSON object of their parameters a message.

A message has a track and no role: give `--role inbound_track=customer --role outbound_track=agent`, as the call was
set up. Turns are ordered by their sequence number; their timestamp is when they were sent, so they have no times.
"""

from typing import Annotated

import orjson
from pydantic import Field

from detector.transcript import LEAST_NUMBER, MOST_NUMBER
from pipelines.readers.conversation import Said
from pipelines.readers.document import PascalShape, Shape, shaped
from pipelines.readers.live.under_way import Message, Translated, UnderWay, ended, started, turn, turns
from pipelines.readers.roles import Roles
from pipelines.readers.source import UnreadableError

ENDS = frozenset({"transcription-stopped", "transcription-error"})


class Event(PascalShape):
    """A webhook's parameters, all of them text."""

    transcription_event: str
    sequence_id: Annotated[int, Field(ge=LEAST_NUMBER, le=MOST_NUMBER)]
    track: str | None = None
    language_code: str | None = None
    transcription_data: str = "{}"
    final: bool = False


class Data(Shape):
    """What was heard."""

    transcript: str


def call_id(message: Message) -> str | None:
    """Return the call."""
    return message.get("CallSid")


def translate(call: UnderWay, message: Message, *, roles: Roles) -> Translated:
    """Return what a webhook leads to."""
    event = shaped(message, Event)
    begun = started(call, language=event.language_code)
    if event.transcription_event in ENDS:
        return ended(begun, call.call_id)
    if event.transcription_event != "transcription-content" or not event.final:
        return begun
    try:
        data = shaped(orjson.loads(event.transcription_data), Data)
    except orjson.JSONDecodeError:
        raise UnreadableError("TranscriptionData: is not JSON") from None
    said = Said(who=roles.who(event.track), text=data.transcript)
    return turns(begun, turn(said, turn_id=f"{call.call_id}:{event.sequence_id}", index=event.sequence_id))
