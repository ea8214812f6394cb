"""Amazon Connect Contact Lens, the analysis file of a finished contact (versions 1.0 and 1.1, voice and chat).

A turn names its participant; the participants name their roles. Offsets are milliseconds, and turns may overlap. The
agent's id is not in the file, only the participant's id: give `--agent-id AGENT=ID`, or name the participant.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from detector.transcript import Call, Speaker
from pipelines.readers.conversation import Said, conversation, milliseconds, since
from pipelines.readers.document import Clock, Moment, PascalShape, document
from pipelines.readers.roles import Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import faults_told

PARTICIPANT_ROLES: Mapping[str, Speaker] = {
    "AGENT": Speaker.AGENT,
    "CUSTOMER": Speaker.CUSTOMER,
    "SYSTEM": Speaker.SYSTEM,
    "CUSTOM_BOT": Speaker.SYSTEM,
}

EVENT = "amazonaws.connect.event."


class Participant(PascalShape):
    """Who takes part in a contact."""

    participant_id: str | None = None
    participant_role: str


class Segment(PascalShape):
    """A turn. A chat's have a moment (`AbsoluteTime`) for offsets; events of it are told by the content's type."""

    id: str | None = None
    participant_id: str | None = None
    participant_role: str | None = None
    content: str | None = None
    content_type: str = "text/plain"
    begin_offset_millis: Clock = None
    end_offset_millis: Clock = None
    absolute_time: Moment = None

    @property
    def is_said(self) -> bool:
        """Tell whether it holds words: text, markdown or an interactive message's JSON, whatever the type's case."""
        return self.content is not None and EVENT not in self.content_type.lower()


class CustomerMetadata(PascalShape):
    """What names the contact."""

    contact_id: str | None = None


class Contact(PascalShape):
    """The file."""

    channel: str | None = None
    language_code: str | None = None
    participants: tuple[Participant, ...] = ()
    customer_metadata: CustomerMetadata = CustomerMetadata()
    transcript: tuple[Segment, ...]


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    long_before = head.has("ConversationCharacteristics")  # may fill the beginning before the transcript comes
    return head.has("ParticipantId") and (head.has("Transcript") or long_before) and not head.has("JobName")


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one contact of a file."""
    contact = document(file, Contact)
    of_participant = {one.participant_id: one.participant_role for one in contact.participants if one.participant_id}
    spoken = [one for one in contact.transcript if one.is_said]
    start = min((one.absolute_time for one in spoken if one.absolute_time), key=_sortable, default=None)
    yield conversation(
        contact.customer_metadata.contact_id or file.stem,
        [_said(one, of_participant, roles, start) for one in spoken],
        language=contact.language_code,
        started_at=start if start and start.tzinfo else None,
    )


def _said(segment: Segment, of_participant: Mapping[str, str], roles: Roles, start: datetime | None) -> Said:
    role = segment.participant_role or of_participant.get(segment.participant_id or "", segment.participant_id)
    begin = milliseconds(segment.begin_offset_millis, per_second=1000)
    return Said(
        who=roles.who(role, segment.participant_id, known=PARTICIPANT_ROLES.get((role or "").upper())),
        text=segment.content or "",
        turn_id=segment.id,
        start_ms=since(start, segment.absolute_time) if begin is None else begin,
        end_ms=milliseconds(segment.end_offset_millis, per_second=1000),
    )


def _sortable(moment: datetime) -> tuple[bool, float]:
    return moment.tzinfo is None, moment.timestamp()
