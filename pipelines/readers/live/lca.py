"""AWS Live Call Analytics: events of calls from its Kinesis stream. Times are seconds, written as strings."""

from collections.abc import Mapping

from detector.transcript import Speaker
from pipelines.readers.conversation import Said, milliseconds
from pipelines.readers.document import PascalShape, shaped
from pipelines.readers.live.under_way import Message, Translated, UnderWay, ended, started, turn, turns
from pipelines.readers.roles import Roles
from pipelines.readers.source import UnreadableError

CHANNELS: Mapping[str, Speaker] = {
    "AGENT": Speaker.AGENT,
    "AGENT_VOICETONE": Speaker.SYSTEM,
    "CALLER": Speaker.CUSTOMER,
    "CALLER_VOICETONE": Speaker.SYSTEM,
    "AGENT_ASSISTANT": Speaker.SYSTEM,
    "CATEGORY_MATCH": Speaker.SYSTEM,
}


class Event(PascalShape):
    """A message."""

    event_type: str
    call_id: str
    agent_id: str | None = None
    segment_id: str | None = None
    channel: str | None = None
    transcript: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    is_partial: bool = False


def call_id(message: Message) -> str | None:
    """Return the call."""
    return message.get("CallId")


def translate(call: UnderWay, message: Message, *, roles: Roles) -> Translated:
    """Return what an event leads to; what the solution's own assistants and categories say is no turn."""
    event = shaped(message, Event)
    begun = started(call, agent_id=_agent_id(event, roles))
    if event.event_type == "END":
        return ended(begun, call.call_id)
    if event.event_type != "ADD_TRANSCRIPT_SEGMENT" or event.is_partial or event.transcript is None:
        return begun
    if CHANNELS.get(event.channel or "") is Speaker.SYSTEM:
        return begun
    return turns(begun, _turn(event, roles))


def _agent_id(event: Event, roles: Roles) -> str | None:
    if not event.agent_id:
        return None
    return roles.who(event.agent_id, known=Speaker.AGENT, agent_id=event.agent_id).agent_id


def _turn(event: Event, roles: Roles) -> Message:
    start = milliseconds(event.start_time)
    if not event.segment_id or start is None:
        raise UnreadableError("a transcript segment needs SegmentId and StartTime")
    said = Said(
        who=roles.who(event.channel, known=CHANNELS.get(event.channel or "")),
        text=event.transcript or "",
        start_ms=start,
        end_ms=milliseconds(event.end_time),
    )
    return turn(said, turn_id=event.segment_id, index=start)
