"""vCon, the IETF's conversation container: text dialogs, and transcript analyses of recordings.

A party's role comes from the contact-centre extension. A recognised recording has channels or numbered speakers:
channels are the dialog's parties in their order where there are as many, numbered speakers are nobody until told, nor
is a channel that several parties share. What was said is in the order of the dialogs: by their start, then number.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from detector.transcript import Call, Speaker
from pipelines.readers.conversation import Said, conversation, milliseconds, since
from pipelines.readers.document import Clock, Moment, Shape, decoded, document, shaped
from pipelines.readers.recognised import Alternative, Piece, Results, of_alternative, pieces
from pipelines.readers.roles import Roles, Who
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, faults_told

PARTY_ROLES: Mapping[str, Speaker] = {
    "agent": Speaker.AGENT,
    "customer": Speaker.CUSTOMER,
    "contact": Speaker.CUSTOMER,
    "bot": Speaker.SYSTEM,
    "ivr": Speaker.SYSTEM,
}
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
"""How JSON begins that is no plain text such as `[music] Hello`."""
Part: TypeAlias = tuple[int | None, list[Said]]
"""What was said in a dialog, and the dialog's number."""


class Party(Shape):
    """Who takes part."""

    name: str | None = None
    role: str | None = None
    id: str | None = None
    uuid: str | None = None
    tel: str | None = None
    mailto: str | None = None


class Dialog(Shape):
    """A piece of the conversation: a text, or a recording."""

    type: str
    start: Moment = None
    duration: Clock = None
    parties: int | tuple[int | tuple[int, ...], ...] = ()
    originator: int | None = None
    url: str | None = None
    body: Any = None
    encoding: str | None = None

    @property
    def on_the_line(self) -> tuple[int | None, ...]:
        """The parties by their numbers, None where several share a place; without an originator the first spoke."""
        return (self.parties,) if isinstance(self.parties, int) else tuple(map(_sole, self.parties))


def _sole(parties: int | tuple[int, ...]) -> int | None:
    """Return the party that stands alone in a place."""
    if isinstance(parties, int):
        return parties
    return parties[0] if len(parties) == 1 else None


class Analysis(Shape):
    """What was made of a dialog."""

    type: str
    dialog: int | list[int] | None = None
    body: Any = None
    encoding: str | None = None

    @property
    def dialogs(self) -> Sequence[int | None]:
        """The dialogs by their numbers; None alone, where none is named."""
        return (self.dialog if isinstance(self.dialog, list) else [self.dialog]) or [None]


class Container(Shape):
    """The file."""

    uuid: str | None = None
    parties: tuple[Party, ...] = ()
    dialog: tuple[Dialog, ...] = ()
    analysis: tuple[Analysis, ...] = ()


class Segment(Shape):
    """A segment of the World Transcription Format; times in seconds."""

    text: str
    start: Clock = None
    end: Clock = None
    speaker: int | str | None = None


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.has("parties") and (head.has("vcon") or head.has("dialog") or head.has("analysis"))


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one conversation of a file."""
    found = document(file, Container)
    starts = [one.start for one in found.dialog if one.start and one.start.tzinfo]
    start = min(starts, default=None)
    said = _in_order([*_texts(found, start, roles), *_transcripts(found, start, roles)], found.dialog)
    if not said:
        raise UnreadableError("has no text dialog and no transcript analysis that is known: nothing to read")
    agent, customer = (_named(found, speaker) for speaker in (Speaker.AGENT, Speaker.CUSTOMER))
    yield conversation(
        found.uuid or file.stem, said, started_at=start, agent_name=agent.name, customer_name=customer.name
    )


def _in_order(parts: list[Part], dialogs: Sequence[Dialog]) -> list[Said]:
    """Return parts by the start of their dialog, where all have one, then by its number; of no dialog come last."""
    starts = {number: dialogs[number].start for number, _ in parts if number is not None and 0 <= number < len(dialogs)}
    moments = {number: start.timestamp() for number, start in starts.items() if start is not None and start.tzinfo}

    def place(part: Part) -> tuple[float, int]:
        number = part[0]
        if number is None or number not in starts:
            return inf, 0
        return moments[number] if len(moments) == len(starts) else 0, number

    return [one for _, said in sorted(parts, key=place) for one in said]


def _named(found: Container, speaker: Speaker) -> Party:
    """Return the one party of a role that has a name (some put the telephone number there)."""
    same = [one for one in found.parties if PARTY_ROLES.get((one.role or "").lower()) is speaker]
    named = [one for one in same if one.name and any(letter.isalpha() for letter in one.name)]
    return named[0] if len(named) == len(same) == 1 else Party()


def _texts(found: Container, start: datetime | None, roles: Roles) -> Iterator[Part]:
    for place, one in enumerate(found.dialog):
        if one.type == "text" and one.body is None and one.url:
            raise UnreadableError(
                f"dialog.{place}: its text is at a url, not in the file: half the call would be missing"
            )
        if one.type == "text" and one.body is not None:
            speaker = one.originator if one.originator is not None else next(iter(one.on_the_line), None)
            text = _text(one.body, one.encoding, f"dialog.{place}.body")
            yield place, [Said(who=_party(found, speaker, roles), text=text, start_ms=since(start, one.start))]


def _transcripts(found: Container, start: datetime | None, roles: Roles) -> Iterator[Part]:
    """Yield what was said in recordings: of several transcripts of one, the first that is known.

    Raises:
        UnreadableError: part of the call would be missing, for a transcript is of no known kind, or may be a repeat.
    """
    told: set[int | None] = set()
    unknown: dict[int, frozenset[int | None]] = {}
    for place, one in enumerate(found.analysis):
        if one.type not in ("transcript", "wtf_transcription"):
            continue
        dialogs = _told_of(one, found.dialog)
        if _repeats(dialogs, told, place):
            continue
        heard = _pieces(_json(one, f"analysis.{place}.body"))
        if heard is None:
            unknown[place] = dialogs
            continue
        told.update(dialogs if heard[0] else ())
        yield one.dialogs[0], _spoken(found, one.dialogs[0], heard, start, roles)
    for place, dialogs in unknown.items():
        if not dialogs <= told:
            raise UnreadableError(f"analysis.{place}.body: is no transcript that is known; what was said is not read")


def _told_of(analysis: Analysis, dialogs: Sequence[Dialog]) -> frozenset[int | None]:
    """Return the dialogs a transcript is of; where it names none, and there is one recording, that."""
    recordings = [number for number, one in enumerate(dialogs) if one.type == "recording"]
    return frozenset(recordings if analysis.dialogs == [None] and len(recordings) == 1 else analysis.dialogs)


def _repeats(dialogs: frozenset[int | None], told: set[int | None], place: int) -> bool:
    """Tell whether a transcript is of dialogs that others told.

    Raises:
        UnreadableError: it may be, or is in part: read, it would be paid twice; left aside, words would be missing.
    """
    if told and None in {*dialogs, *told}:
        raise UnreadableError(
            f"analysis.{place}.dialog: does not tell whether it repeats what another transcript holds"
        )
    if told.isdisjoint(dialogs) or dialogs <= told:
        return dialogs <= told
    raise UnreadableError(f"analysis.{place}.dialog: another transcript holds part of these dialogs")


def _spoken(
    found: Container, number: int | None, heard: tuple[list[Piece], int], start: datetime | None, roles: Roles
) -> list[Said]:
    """Return what was heard in a dialog, and of how many channels, as turns."""
    spoken, channels = heard
    dialog = found.dialog[number] if number is not None and 0 <= number < len(found.dialog) else None
    parties = dialog.on_the_line if dialog else ()
    by_channel = parties if channels > 1 and channels == len(parties) else ()
    offset = (since(start, dialog.start) if dialog else None) or 0
    return [
        Said(
            who=_heard(found, piece.label, by_channel, roles),
            text=piece.text,
            start_ms=_later(offset, piece.start),
            end_ms=_later(offset, piece.end),
        )
        for piece in spoken
    ]


def _heard(found: Container, label: int | str | None, by_channel: Sequence[int | None], roles: Roles) -> Who:
    """Return who a piece's label stands for: the party of a channel, nobody where several share it."""
    if isinstance(label, int) and 0 <= label < len(by_channel):
        return _party(found, by_channel[label], roles)
    return roles.who(label)


def _pieces(body: Any) -> tuple[list[Piece], int] | None:
    """Return what a transcript's body holds, and of how many channels: Deepgram's answer, segments or text.

    None where it is of no known kind.
    """
    if isinstance(body, Mapping) and "results" in body:
        results = shaped(body["results"], Results)
        return pieces(results), len(results.channels)
    listed = body.get("segments") if isinstance(body, Mapping) else body
    if isinstance(listed, list) and all(isinstance(one, Mapping) and "text" in one for one in listed):
        segments = [shaped(one, Segment) for one in listed]
        return [Piece(one.speaker, one.text, one.start, one.end) for one in segments], 0
    if isinstance(body, Mapping) and "transcript" in body:
        return list(of_alternative(shaped(body, Alternative))), 1
    return ([Piece(None, body, None, None)] if body else [], 0) if isinstance(body, str) else None


def _party(found: Container, number: int | None, roles: Roles) -> Who:
    if number is None or not 0 <= number < len(found.parties):
        return roles.who(number)
    party = found.parties[number]
    return roles.who(
        party.role,
        party.name,
        number,
        party.tel,
        party.mailto,
        known=PARTY_ROLES.get((party.role or "").lower()),
        agent_id=party.id or party.uuid,
    )


def _text(body: Any, encoding: str | None, place: str) -> str:
    if not isinstance(body, str):
        raise UnreadableError(f"{place}: is not text")
    if encoding != "base64url":
        return body
    try:
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    except (binascii.Error, ValueError):
        raise UnreadableError(f"{place}: is not base64url of text") from None


def _json(one: Analysis, place: str) -> Any:
    """Return the body of a transcript, decoded where it is JSON in a string."""
    if not isinstance(one.body, str):
        return one.body
    text = _text(one.body, one.encoding, place)
    if one.encoding != "json" and not _JSON.match(text):
        return text
    try:
        return decoded(text.encode())
    except UnreadableError:
        raise UnreadableError(f"{place}: is not JSON") from None


def _later(offset: int, seconds: float | None) -> int | None:
    passed = milliseconds(seconds)
    return None if passed is None else offset + passed
