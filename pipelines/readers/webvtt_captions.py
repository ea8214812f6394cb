"""WebVTT captions: who speaks stands in voice tags (`<v Name>`), or as Zoom writes it before the text (`Name: text`).

A name is a role only where it says so by itself (`Agent`); for others give `--role "Jo Marsh=agent"`. A cue is a turn.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import webvtt
from webvtt.models import Caption, Timestamp

from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation
from pipelines.readers.roles import Roles, role_word
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, contents, faults_told, text_of

SIGNATURE = "WEBVTT"
_VOICE = re.compile(r"<v(?:\.[^\s>]+)*\s+([^>]*)>")
_NAME = re.compile(r"(?P<name>[^:<>\n]{1,80}):\s+(?P<text>\S.*)", re.DOTALL)
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
    names = _names_stand_before(cues)
    said = [one for cue in cues for one in _said(cue, roles, names=names)]
    yield conversation(file.stem, said, language=language[1] if language else None)


def _cues(text: str) -> Iterator[Caption]:
    """Yield the cues; blocks without times are notes, styles and regions."""
    for line, block in _blocks(text):
        times = sum("-->" in one for one in block)
        if not times:
            continue
        captions = webvtt.from_string("\n".join((SIGNATURE, "", *block))).captions
        if len(captions) != times:
            raise UnreadableError("is not a cue: its times are not as in 00:01:02.345 --> 00:01:04.500", line=line)
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


def _names_stand_before(cues: list[Caption]) -> bool:
    """Tell whether names stand before the text: as in Zoom's files, before the first and before most."""
    named = [bool(_NAME.fullmatch(cue.raw_text)) for cue in cues]
    return named[0] and sum(named) * 2 >= len(named)


def _said(cue: Caption, roles: Roles, *, names: bool) -> Iterator[Said]:
    start, end = (Timestamp.from_string(time).in_milliseconds() for time in (cue.start, cue.end))
    for voice, text in _spans(cue, names=names):
        yield Said(who=roles.who(voice, known=role_word(voice)), text=text, start_ms=start, end_ms=end)


def _spans(cue: Caption, *, names: bool) -> Iterator[tuple[str | None, str]]:
    """Yield voice and text of each part of a cue; several may speak in one."""
    named = _NAME.fullmatch(cue.raw_text) if names else None
    if named and not _VOICE.search(cue.raw_text):
        yield html.unescape(named["name"]).strip(), _plain(cue, named["text"])
        return
    before, *spans = _VOICE.split(cue.raw_text)
    for voice, text in [(None, before), *zip(spans[::2], spans[1::2], strict=True)]:
        if plain := _plain(cue, text):
            yield html.unescape(voice).strip() if voice else None, plain


def _plain(cue: Caption, text: str) -> str:
    """Return text without tags, its lines joined."""
    return " ".join(html.unescape(str(Caption(cue.start, cue.end, text).text)).split("\n")).strip()
