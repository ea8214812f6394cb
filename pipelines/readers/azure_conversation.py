"""Azure Language's conversation input: `analysisInput.conversations`, several calls in one document.

A participant's id is its role as Azure's own samples write it (`Agent`, `Customer_1`), or `role` says it; timing,
where the transcript brings it, is in ticks of 100 nanoseconds. A conversation's id is often no more than its number
in the request (`1`): a short one names the call together with the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detector.errors import TranscriptError
from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation, milliseconds
from pipelines.readers.document import CamelShape, Clock, document, shaped
from pipelines.readers.roles import Roles, role_word
from pipelines.readers.sniffing import Head
from pipelines.readers.source import CallOrFault, InputFault, UnreadableError, faults_told

TICKS = 10_000_000
WHOLE_ID_FROM = 8
"""Characters of an id that tells a call apart from those of other requests."""


class Timing(CamelShape):
    """Where an item stands in the recording, in ticks."""

    offset: Clock = None
    duration: Clock = None


class Item(CamelShape):
    """A turn: `text`, or of a transcript the display or spoken form."""

    id: str | None = None
    participant_id: str | None = None
    role: str | None = None
    text: str | None = None
    itn: str | None = None
    lexical: str | None = None
    masked_itn: str | None = None
    conversation_item_level_timing: Timing | None = None

    @property
    def words(self) -> str | None:
        """What was said: as it was written, else as it was heard, at last with what Azure masked in it."""
        return next((one for one in (self.text, self.itn, self.lexical, self.masked_itn) if one is not None), None)


class Conversation(CamelShape):
    """A call."""

    id: str | None = None
    language: str | None = None
    conversation_items: tuple[Item, ...]


class Conversations(CamelShape):
    """The calls of a document, each to be shaped by itself."""

    conversations: tuple[Any, ...]


class Request(CamelShape):
    """The file: the request, or only its input."""

    analysis_input: Conversations | None = None
    conversations: tuple[Any, ...] = ()


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("conversationItems")


@faults_told
def read(file: Path, roles: Roles) -> Iterator[CallOrFault]:
    """Yield the conversations of a file; one that cannot be read leaves the others as they are."""
    found = document(file, Request)
    conversations = found.analysis_input.conversations if found.analysis_input else found.conversations
    if not conversations:
        raise UnreadableError("analysisInput.conversations: is missing or empty")
    for number, raw in enumerate(conversations):
        default = file.stem if len(conversations) == 1 else f"{file.stem}:{number}"
        try:
            one = shaped(raw, Conversation)
            yield _call(one, _call_id(one.id, file.stem) or default, roles)
        except (TranscriptError, UnreadableError) as error:
            yield InputFault(str(file), 0, f"conversations.{number}: {error}")


def _call_id(own: str | None, stem: str) -> str | None:
    """Return the call's id of a conversation's own, where it has one."""
    return f"{stem}:{own}" if own and len(own) < WHOLE_ID_FROM else own


def _call(one: Conversation, call_id: str, roles: Roles) -> Call:
    said = [_said(item, number, roles) for number, item in enumerate(one.conversation_items)]
    return conversation(call_id, said, language=one.language)


def _said(item: Item, number: int, roles: Roles) -> Said:
    timing = item.conversation_item_level_timing or Timing()
    start = milliseconds(timing.offset, per_second=TICKS)
    length = milliseconds(timing.duration, per_second=TICKS)
    if (text := item.words) is None:
        raise UnreadableError(f"conversationItems.{number}: has neither text nor itn nor lexical nor maskedItn")
    return Said(
        who=roles.who(item.participant_id, item.role, known=role_word(item.role) or role_word(item.participant_id)),
        text=text,
        turn_id=item.id,
        start_ms=start,
        end_ms=None if start is None or length is None else start + length,
    )
