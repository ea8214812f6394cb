"""Genesys Cloud, the transcript file of a conversation (the answer of its transcript URL).

A phrase is `external` (the customer) or `internal` (the centre). Where the participants are listed with their times,
an internal phrase is the agent's who was on the line at that moment, or the system's where only menus were. Times are
milliseconds, since 1970 or from the start.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from detector.transcript import Call, Speaker
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import CamelShape, Clock, document
from pipelines.readers.roles import Roles, Who
from pipelines.readers.sniffing import Head
from pipelines.readers.source import faults_told

EPOCH_FROM_MS, EPOCH_TO_MS = 10**11, 10**14
MENUS = frozenset({"ivr", "acd", "workflow", "botflow", "voicemail", "campaign"})
PURPOSES: Mapping[str, Speaker] = {"internal": Speaker.AGENT, "agent": Speaker.AGENT, "user": Speaker.AGENT}
CUSTOMERS = frozenset({"external", "customer"})


class Span(CamelShape):
    """A length of time."""

    milliseconds: Clock = None


class Phrase(CamelShape):
    """A turn; `decoratedText` is the text with punctuation and digits."""

    text: str
    decorated_text: str | None = None
    start_time_ms: Clock = None
    duration: Span | None = None
    participant_purpose: str | None = None


class Transcript(CamelShape):
    """One leg of the conversation."""

    transcript_id: str | None = None
    language: str | None = None
    phrases: tuple[Phrase, ...] = ()


class Participant(CamelShape):
    """Somebody, or something, on the line for a time."""

    participant_purpose: str | None = None
    user_id: str | None = None
    start_time_ms: Clock = None
    end_time_ms: Clock = None


class Conversation(CamelShape):
    """The file."""

    conversation_id: str | None = None
    conversation_start_time: Clock = None
    start_time: Clock = None
    participants: tuple[Participant, ...] = ()
    transcripts: tuple[Transcript, ...]


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("transcripts", "phrases")


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one conversation of a file."""
    found = document(file, Conversation)
    phrases = [phrase for transcript in _in_order(found.transcripts) for phrase in transcript.phrases]
    origin = _origin(found, phrases)
    languages = {one.language for one in found.transcripts if one.language}
    yield conversation(
        found.conversation_id or file.stem,
        [_said(one, found.participants, origin, roles) for one in phrases],
        language=languages.pop() if len(languages) == 1 else None,
        started_at=datetime.fromtimestamp(origin / 1000, tz=UTC) if origin else None,
    )


def _in_order(legs: tuple[Transcript, ...]) -> list[Transcript]:
    """Return the legs by their first time; in the order of the file where one has none."""
    spoken = [leg for leg in legs if leg.phrases]
    times = [[one.start_time_ms for one in leg.phrases if one.start_time_ms is not None] for leg in spoken]
    if not all(times):
        return spoken
    return [spoken[place] for _, place in sorted((min(found), place) for place, found in enumerate(times))]


def _origin(found: Conversation, phrases: list[Phrase]) -> float:
    """Return the start in milliseconds since 1970: as told, else the first phrase's; 0 where times are offsets."""
    times = [one.start_time_ms for one in phrases if one.start_time_ms is not None]
    if not times or not EPOCH_FROM_MS <= min(times) <= EPOCH_TO_MS:
        return 0
    told = found.conversation_start_time or found.start_time
    return told if told is not None and EPOCH_FROM_MS <= told <= min(times) else min(times)


def _said(phrase: Phrase, participants: tuple[Participant, ...], origin: float, roles: Roles) -> Said:
    at = phrase.start_time_ms
    start = None if at is None else milliseconds(at - origin, per_second=1000)
    length = milliseconds(phrase.duration.milliseconds, per_second=1000) if phrase.duration else None
    return Said(
        who=_who(phrase, participants, roles),
        text=phrase.decorated_text or phrase.text,
        start_ms=start,
        end_ms=None if start is None or length is None else start + length,
    )


def _who(phrase: Phrase, participants: tuple[Participant, ...], roles: Roles) -> Who:
    """Return who says a phrase; of several agents on the line at once none is named.

    Where times do not tell who was on the line, an internal phrase may be a menu's, if there was one.
    """
    purpose = (phrase.participant_purpose or "").lower()
    if purpose in CUSTOMERS:
        return roles.who(phrase.participant_purpose, known=Speaker.CUSTOMER)
    timed = _timed(phrase, participants)
    inside = [one for one in participants if not timed or _on_the_line(one, phrase.start_time_ms)]
    agents = {one.user_id for one in inside if PURPOSES.get((one.participant_purpose or "").lower())}
    menus = [one for one in inside if (one.participant_purpose or "").lower() in MENUS]
    if purpose == "internal" and menus and not timed:
        return roles.who(phrase.participant_purpose)
    if purpose == "internal" and menus and not agents:
        return roles.who("ivr", known=Speaker.SYSTEM)
    return roles.who(
        phrase.participant_purpose, known=PURPOSES.get(purpose), agent_id=agents.pop() if len(agents) == 1 else None
    )


def _timed(phrase: Phrase, participants: tuple[Participant, ...]) -> bool:
    """Tell whether a phrase has a time, and those of the participants are by the same clock: since 1970, or not."""
    at = phrase.start_time_ms
    times = (time for one in participants for time in (one.start_time_ms, one.end_time_ms) if time is not None)
    return at is not None and all((time >= EPOCH_FROM_MS) == (at >= EPOCH_FROM_MS) for time in times)


def _on_the_line(participant: Participant, at: float | None) -> bool:
    start, end = participant.start_time_ms, participant.end_time_ms
    return at is not None and (start is None or start <= at) and (end is None or at <= end)
