"""WebVTT captions: who speaks stands in voice tags (`<v Name>`), or as Zoom writes it before the text (`Name: text`).

A name is a role only where it says so by itself (`Agent`); for others give `--role "Jo Marsh=agent"`. A cue is a turn,
or several where several speak in it: behind `</v>` it is nobody known, and where anybody is named a further line may
begin with another's name. Captions are cut to fit a screen: a cue that ends amid a sentence goes on in the next one.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import webvtt
from webvtt.models import Caption, Timestamp

from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation
from pipelines.readers.labels import Labelled, labelled, names_somebody
from pipelines.readers.roles import Roles
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, contents, faults_told, text_of

SIGNATURE = "WEBVTT"
BESIDES = ("NOTE", "STYLE", "REGION")
"""What blocks begin with that are no cues."""
_VOICE = re.compile(r"<v(?:\.[^\s>]+)*(?:\s+([^>]*))?>|</v>", re.IGNORECASE)
_ENDS = re.compile(r"[.?!…][\"'”’)\]]*$")
PAUSE_MS, JOINED_WORDS = 1000, 60
"""A cue goes on in the next one where no longer pause parts them, and until it has so many words."""
_LANGUAGE = re.compile(r"^Language:\s*(\S+)\s*$", re.MULTILINE)


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    return head.text.startswith(SIGNATURE)


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file."""
    text = text_of(contents(file))
    if not text.startswith(SIGNATURE):
        raise UnreadableError(f"does not begin with {SIGNATURE}", line=1)
    language = _LANGUAGE.search(text.replace("\r\n", "\n").partition("\n\n")[0])
    cues = list(_cues(text))
    if not cues:
        raise UnreadableError("has no cue: nothing was said, or the file is cut off")
    names = _names(cues)
    said = (one for cue in cues for one in _said(cue, roles, names))
    yield conversation(file.stem, _joined(said), language=language[1] if language else None)


def _cues(text: str) -> Iterator[Caption]:
    """Yield the cues; blocks without times are notes, or what stands before the first cue: styles and regions."""
    begun = False
    for line, block in _blocks(text):
        times = sum("-->" in one for one in block)
        if not times and (not begun or block[0].startswith(BESIDES)):
            continue
        captions = webvtt.from_string("\n".join((SIGNATURE, "", *block))).captions if times else ()
        if not times or len(captions) != times:
            raise UnreadableError("is not a cue: its times are not as in 00:01:02.345 --> 00:01:04.500", line=line)
        begun = True
        yield from captions


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield what stands between empty lines, and the line it begins at."""
    block: list[str] = []
    for number, line in enumerate([*re.split(r"\r\n|\n|\r", text), ""], 1):
        if line:
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _names(cues: list[Caption]) -> frozenset[str]:
    """Return the names before the text; believed where, as in Zoom's files, the first cue and most others have one."""
    begun = [None if _VOICE.search(cue.raw_text) else labelled(_plain(cue, cue.raw_text)[0]) for cue in cues]
    found = [one.label for one in begun if one and not one.tight]
    return frozenset(found) if begun[0] and len(found) * 2 >= len(cues) else frozenset()


def _said(cue: Caption, roles: Roles, names: frozenset[str]) -> Iterator[tuple[str | None, Said]]:
    """Yield who said what in a cue, by the name that stands there."""
    start, end = (Timestamp.from_string(time).in_milliseconds() for time in (cue.start, cue.end))
    for voice, text in _voices(cue.raw_text):
        for name, part in _by_line(voice, _plain(cue, text), roles, names):
            if part:
                yield name, Said(who=roles.written(name), text=part, start_ms=start, end_ms=end)


def _joined(said: Iterable[tuple[str | None, Said]]) -> list[Said]:
    """Return what was said, with the parts of a sentence cut by captions put together."""
    joined: list[tuple[str | None, Said]] = []
    for voice, part in said:
        before, whole = joined[-1] if joined else (None, part)
        if voice is not None and voice == before and _goes_on(whole, part):
            joined[-1] = voice, replace(whole, text=f"{whole.text} {part.text}", end_ms=part.end_ms)
        else:
            joined.append((voice, part))
    return [one for _, one in joined]


def _goes_on(whole: Said, part: Said) -> bool:
    """Tell whether a sentence that has not ended goes on."""
    pause = (part.start_ms or 0) - (whole.end_ms or 0)
    return not _ENDS.search(whole.text) and len(whole.text.split()) < JOINED_WORDS and 0 <= pause <= PAUSE_MS


def _voices(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield voice and text of each part of a cue with voice tags; outside of them it is nobody."""
    before, *spans = _VOICE.split(text)
    yield None, before
    for voice, part in zip(spans[::2], spans[1::2], strict=True):
        yield html.unescape(voice).strip() if voice else None, part


def _by_line(
    voice: str | None, lines: list[str], roles: Roles, names: frozenset[str]
) -> Iterator[tuple[str | None, str]]:
    """Yield name and text of each part of what a voice says: a line of it may begin with another name."""
    if voice is None and not names:
        yield None, " ".join(lines).strip()
        return
    name, part = voice, ""
    for at, line in enumerate(lines):
        begun = labelled(line)
        known = begun is not None and (begun.label in names or roles.tells(begun.label))
        if begun and (known or _opens(begun, further=at > 0, voiced=voice is not None)):
            yield name, part.strip()
            name, part = begun.label, begun.text
        else:
            part = f"{part} {line}"
    yield name, part.strip()


def _opens(begun: Labelled, *, further: bool, voiced: bool) -> bool:
    """Tell whether a line with a name that is not known opens a turn: a further one by its looks."""
    return names_somebody(begun.label, begun.text) if further else not voiced and not begun.tight


def _plain(cue: Caption, text: str) -> list[str]:
    """Return the lines of text without tags."""
    return html.unescape(str(Caption(cue.start, cue.end, text).text)).split("\n")
