"""Amazon Connect Contact Lens in real time: segments of contacts from Kinesis.

An `Utterance` is partial and dropped; the `Transcript` it becomes is final. Turns are ordered by their offset, one
clock for both sides; a chat's by their moment. The agent's id is not in a segment: give `--agent-id AGENT=ID`.
"""

from collections.abc import Mapping

from detector.transcript import Speaker, TurnId
from pipelines.readers.conversation import Said, milliseconds
from pipelines.readers.document import Moment, PascalShape, shaped
from pipelines.readers.live.under_way import Message, Translated, UnderWay, ended, started, turn, turns
from pipelines.readers.roles import Roles
from pipelines.readers.source import UnreadableError

ENDS = frozenset({"COMPLETED", "FAILED"})
PARTICIPANT_ROLES: Mapping[str, Speaker] = {
    "AGENT": Speaker.AGENT,
    "CUSTOMER": Speaker.CUSTOMER,
    "SYSTEM": Speaker.SYSTEM,
    "CUSTOM_BOT": Speaker.SYSTEM,
}


class Time(PascalShape):
    """When a chat's message was sent."""

    absolute_time: Moment


class Transcript(PascalShape):
    """A final turn."""

    id: TurnId
    participant_id: str | None = None
    participant_role: str | None = None
    content: str | None = None
    begin_offset_millis: float | None = None
    end_offset_millis: float | None = None
    time: Time | None = None


class Segment(PascalShape):
    """One of several kinds; only transcripts are read."""

    transcript: Transcript | None = None


class Event(PascalShape):
    """A message."""

    contact_id: str
    event_type: str
    language_code: str | None = None
    segments: tuple[Segment, ...] = ()


def call_id(message: Message) -> str | None:
    """Return the contact."""
    return message.get("ContactId")


def translate(call: UnderWay, message: Message, *, roles: Roles) -> Translated:
    """Return what an event leads to."""
    event = shaped(message, Event)
    begun = started(call, language=event.language_code)
    final = (one.transcript for one in event.segments if one.transcript and one.transcript.content is not None)
    told = turns(begun, *(_turn(one, roles) for one in final))
    return ended(told, call.call_id) if event.event_type in ENDS else told


def _turn(one: Transcript, roles: Roles) -> Message:
    role = one.participant_role
    start = milliseconds(one.begin_offset_millis, per_second=1000)
    said = Said(
        who=roles.who(role, one.participant_id, known=PARTICIPANT_ROLES.get(role or "")),
        text=one.content or "",
        start_ms=start,
        end_ms=milliseconds(one.end_offset_millis, per_second=1000),
    )
    return turn(said, turn_id=one.id, index=_sent(one) if start is None else start)


def _sent(one: Transcript) -> int:
    """Return when a chat's message was sent, in milliseconds since 1970."""
    if one.time is None or one.time.absolute_time is None:
        raise UnreadableError("Segments: a transcript has neither BeginOffsetMillis nor Time")
    return int(one.time.absolute_time.timestamp() * 1000)
