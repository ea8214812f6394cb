"""AWS Post-Call Analytics, the solution's own output file. Times are seconds; recorded menus are marked as such.

A speaker number has a role only where its display text is one (`Agent`, `Customer`, `Agent 2`). Of several agents none
is named: which of them a number is stands nowhere.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from detector.transcript import Call, Speaker
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import Clock, PascalShape, document
from pipelines.readers.roles import Roles, role_word
from pipelines.readers.sniffing import Head
from pipelines.readers.source import faults_told


class SpeakerLabel(PascalShape):
    """What a speaker number is shown as."""

    speaker: str
    display_text: str | None = None


class Analytics(PascalShape):
    """What is known of the call."""

    guid: str | None = Field(default=None, alias="GUID")
    agent: str | None = None
    agents: tuple[str, ...] = ()
    language_code: str | None = None
    speaker_labels: tuple[SpeakerLabel, ...] = ()


class Segment(PascalShape):
    """A turn; `OriginalText` is what was said, `DisplayText` may be edited."""

    segment_start_time: Clock = None
    segment_end_time: Clock = None
    segment_speaker: str | None = None
    ivr_segment: bool = Field(default=False, alias="IVRSegment")
    original_text: str


class Analysis(PascalShape):
    """The file."""

    conversation_analytics: Analytics = Analytics()
    speech_segments: tuple[Segment, ...]


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("ConversationAnalytics") or head.has("SpeechSegments", "SegmentSpeaker")


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file."""
    analysis = document(file, Analysis)
    known = analysis.conversation_analytics
    shown = {one.speaker: one.display_text for one in known.speaker_labels}
    agent = _sole_agent(analysis, shown, roles)
    yield conversation(
        known.guid or file.stem,
        [_said(one, shown, agent, roles) for one in analysis.speech_segments],
        language=known.language_code,
    )


def _sole_agent(analysis: Analysis, shown: Mapping[str, str | None], roles: Roles) -> str | None:
    """Return the call's agent, where only one is named and only one speaks."""
    known = analysis.conversation_analytics
    named = {one for one in (known.agent, *known.agents) if one}
    spoken = [one for one in analysis.speech_segments if not one.ivr_segment]
    labels = {(one.segment_speaker, shown.get(one.segment_speaker or "")) for one in spoken}
    speaking = [one for one in labels if roles.speaker(*one, known=role_word(one[1])) is Speaker.AGENT]
    return named.pop() if len(named) == 1 and len(speaking) <= 1 else None


def _said(segment: Segment, shown: Mapping[str, str | None], agent: str | None, roles: Roles) -> Said:
    display = shown.get(segment.segment_speaker or "")
    if segment.ivr_segment:
        who = roles.who("IVR", known=Speaker.SYSTEM)
    else:
        who = roles.who(segment.segment_speaker, display, known=role_word(display), agent_id=agent)
    return Said(
        who=who,
        text=segment.original_text,
        start_ms=milliseconds(segment.segment_start_time),
        end_ms=milliseconds(segment.segment_end_time),
    )
