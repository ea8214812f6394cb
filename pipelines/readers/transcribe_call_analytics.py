"""Amazon Transcribe Call Analytics, the output file of a job. Each turn says its role; offsets are milliseconds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from detector.transcript import Call, Speaker
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import Clock, PascalShape, document
from pipelines.readers.roles import Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, faults_told

PARTICIPANT_ROLES: Mapping[str, Speaker] = {"AGENT": Speaker.AGENT, "CUSTOMER": Speaker.CUSTOMER}


class Segment(PascalShape):
    """A turn; `ParticipantRole` comes from the channel definitions the job was started with."""

    id: str | None = None
    participant_role: str | None = None
    content: str
    begin_offset_millis: Clock = None
    end_offset_millis: Clock = None


class Job(PascalShape):
    """The file."""

    job_name: str | None = None
    job_status: str | None = None
    language_code: str | None = None
    transcript: tuple[Segment, ...]


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    told = head.has("Transcript") or head.has("ConversationCharacteristics")
    return told and head.has("ParticipantRole") and not head.has("ParticipantId")


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file."""
    job = document(file, Job)
    if job.job_status not in (None, "COMPLETED"):
        raise UnreadableError("JobStatus: the job is not completed")
    yield conversation(
        job.job_name or file.stem,
        [
            Said(
                who=roles.who(one.participant_role, known=PARTICIPANT_ROLES.get(one.participant_role or "")),
                text=one.content,
                turn_id=one.id,
                start_ms=milliseconds(one.begin_offset_millis, per_second=1000),
                end_ms=milliseconds(one.end_offset_millis, per_second=1000),
            )
            for one in job.transcript
        ],
        language=job.language_code,
    )
