"""Google's contact-centre conversations: the import format (`entries`) and the Insights conversation resource.

Entries have microseconds since 1970 and no end; segments have a channel or a participant's role, and offsets of
their words. The `user_id` of an entry is its speaker's number in the conversation, not an agent's id. Of several agents
of a resource one is named only where a segment's participant has an agent's id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, WrapValidator

from detector.transcript import Call, Speaker
from pipelines.readers.conversation import Said, conversation, milliseconds, since
from pipelines.readers.document import CamelShape, Moment, document, or_none
from pipelines.readers.roles import Roles, Who
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, faults_told

ROLES: Mapping[str, Speaker] = {
    "AGENT": Speaker.AGENT,
    "HUMAN_AGENT": Speaker.AGENT,
    "CUSTOMER": Speaker.CUSTOMER,
    "END_USER": Speaker.CUSTOMER,
    "AUTOMATED_AGENT": Speaker.SYSTEM,
}
LAST_MICROSECOND = 253_402_300_799_000_000


class Entry(CamelShape):
    """A turn of the import format."""

    start_timestamp_usec: Annotated[int | None, WrapValidator(or_none)] = None
    text: str
    role: str | None = None
    user_id: str | None = None


def _seconds(value: Any) -> Any:
    """Return a duration as JSON has them (`1.500s`) without its unit."""
    return value.removesuffix("s") if isinstance(value, str) else value


Offset: TypeAlias = Annotated[float | None, BeforeValidator(_seconds), WrapValidator(or_none)]


class Word(CamelShape):
    """A word's place in time, in seconds from the conversation's start."""

    start_offset: Offset = None
    end_offset: Offset = None


class Participant(CamelShape):
    """Who says a segment."""

    role: str | None = None
    user_id: str | None = None


class Segment(CamelShape):
    """A turn of a conversation resource."""

    message_time: Moment = None
    text: str
    words: tuple[Word, ...] = ()
    language_code: str | None = None
    channel_tag: int | None = None
    segment_participant: Participant = Participant()


class AgentInfo(CamelShape):
    """An agent of the conversation."""

    agent_id: str | None = None
    display_name: str | None = None
    team: str | None = None


class CallMetadata(CamelShape):
    """Which channel is whose."""

    agent_channel: int | None = None
    customer_channel: int | None = None


class QualityMetadata(CamelShape):
    """What the resource tells for quality management."""

    agent_info: tuple[AgentInfo, ...] = ()


class Transcript(CamelShape):
    """The segments of a conversation resource."""

    transcript_segments: tuple[Segment, ...]


class Conversation(CamelShape):
    """The file, of either kind."""

    entries: tuple[Entry, ...] | None = None
    name: str | None = None
    start_time: Moment = None
    language_code: str | None = None
    agent_id: str | None = None
    call_metadata: CallMetadata = CallMetadata()
    quality_metadata: QualityMetadata = QualityMetadata()
    transcript: Transcript | None = None


def fits(head: Head) -> bool:
    """Tell whether a file begins as either kind does."""
    entries = head.has("entries", "text") and (head.has("start_timestamp_usec") or head.has("role"))
    return entries or head.has("transcriptSegments") or head.has("transcript_segments")


@dataclass(frozen=True, slots=True)
class Agents:
    """The ids of a conversation's agents; `sole` is the one whom all agent turns are of."""

    ids: frozenset[str]
    sole: str | None


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one conversation of a file."""
    found = document(file, Conversation)
    if found.entries is not None:
        yield _imported(file.stem, found.entries, roles)
    elif found.transcript is not None:
        yield _resource(file.stem, found, found.transcript, roles)
    else:
        raise UnreadableError("has neither entries nor transcript.transcriptSegments")


def _imported(call_id: str, entries: tuple[Entry, ...], roles: Roles) -> Call:
    moments = [_moment(one) for one in entries]
    start = min((one for one in moments if one), default=None)
    said = [
        Said(
            who=roles.who(one.role, one.user_id, known=_role(one.role)),
            text=one.text,
            start_ms=since(start, moment),
        )
        for one, moment in zip(entries, moments, strict=True)
    ]
    return conversation(call_id, said, started_at=start)


def _moment(entry: Entry) -> datetime | None:
    at = entry.start_timestamp_usec
    if at is None or not 0 < at <= LAST_MICROSECOND:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def _resource(stem: str, found: Conversation, transcript: Transcript, roles: Roles) -> Call:
    info = found.quality_metadata.agent_info
    sole = info[0] if len(info) == 1 else AgentInfo()
    agents = _agents(found, transcript)
    return conversation(
        (found.name or "").rpartition("/")[2] or stem,
        [_said(one, found, agents, roles) for one in transcript.transcript_segments],
        agent_name=sole.display_name,
        team=sole.team,
        language=found.language_code or next((one.language_code for one in transcript.transcript_segments), None),
        started_at=found.start_time if found.start_time and found.start_time.tzinfo else None,
    )


def _agents(found: Conversation, transcript: Transcript) -> Agents:
    """Return the ids of the agents, and whose the turns are: the only one's, where no more than one speaks."""
    named = {one.agent_id for one in found.quality_metadata.agent_info if one.agent_id}
    people = [one.segment_participant for one in transcript.transcript_segments]
    speaking = {one.user_id for one in people if one.user_id and _role(one.role) is Speaker.AGENT}
    several = len(found.quality_metadata.agent_info) > 1 or len(speaking) > 1
    return Agents(frozenset(named), None if several else next(iter(named), found.agent_id))


def _said(segment: Segment, found: Conversation, agents: Agents, roles: Roles) -> Said:
    first, last = (segment.words[0], segment.words[-1]) if segment.words else (Word(), Word())
    start = milliseconds(first.start_offset)
    return Said(
        who=_who(segment, found.call_metadata, agents, roles),
        text=segment.text,
        start_ms=since(found.start_time, segment.message_time) if start is None else start,
        end_ms=milliseconds(last.end_offset),
    )


def _who(segment: Segment, metadata: CallMetadata, agents: Agents, roles: Roles) -> Who:
    role, channel, user_id = segment.segment_participant.role, segment.channel_tag, segment.segment_participant.user_id
    known = _role(role)
    if known is None and channel is not None:
        known = {metadata.agent_channel: Speaker.AGENT, metadata.customer_channel: Speaker.CUSTOMER}.get(channel)
    numbered = (user_id or "").isdecimal() and not (channel is None and known is None)
    labels = (channel, role) if numbered else (channel, role, user_id)  # a number could be taken for a channel's
    own = user_id in agents.ids or (numbered and roles.renames(user_id))
    return roles.who(*labels, known=known, agent_id=user_id if own else agents.sole)


def _role(name: str | None) -> Speaker | None:
    return ROLES.get((name or "").upper())
