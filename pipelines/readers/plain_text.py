"""Plain text, a line a turn: `Agent: …`, `Customer: …`, `Speaker 1: …`; one call a file.

A line without a label goes on with the turn before it. A label is believed where it is a role by itself, where the
user says who it is, or where it begins two lines or more; so a colon in what is said is left alone. Behind the first
such label a line that looks as if somebody else spoke (`Supervisor: …`) is a turn of its own, of an unknown speaker:
as part of the turn before, an agent would be paid for another's words. A time before the label is left aside, for it
may be of the day or of the call.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from detector.transcript import Call
from pipelines.readers.conversation import Said, conversation
from pipelines.readers.labels import Labelled, labelled, names_somebody
from pipelines.readers.roles import NO_ROLES, Roles, written_role
from pipelines.readers.sniffing import Head
from pipelines.readers.source import UnreadableError, contents, faults_told, text_of

BELIEVED_FROM = 2
SPEAKERS_FROM = 2


def fits(head: Head) -> bool:
    """Tell whether lines of a file begin with roles, or with two speakers or more."""
    if head.keys or "\0" in head.text or head.text.lstrip().startswith("{"):
        return False
    labels = _believed(head.text.splitlines(), NO_ROLES)
    return len(labels) >= SPEAKERS_FROM or any(map(written_role, labels))


@faults_told
def read(file: Path, roles: Roles) -> Iterator[Call]:
    """Yield the one call of a file."""
    lines = text_of(contents(file)).splitlines()
    believed = _believed(lines, roles)
    if not believed:
        raise UnreadableError("no line begins with who speaks, such as 'Agent: …'", line=1)
    yield conversation(
        file.stem,
        [
            Said(who=roles.written(label), text=" ".join(part for part in said if part))
            for label, said in _turns(lines, believed)
        ],
    )


def _believed(lines: Iterable[str], roles: Roles) -> frozenset[str]:
    """Return the labels that say who speaks."""
    begun = [one for line in lines if (one := labelled(line))]
    counted = Counter(one.label for one in begun if not one.tight or names_somebody(one.label, one.text))
    often = {label for label, count in counted.items() if count >= BELIEVED_FROM}
    return frozenset(one.label for one in begun if one.label in often or roles.tells(one.label))


def _turns(lines: Iterable[str], believed: frozenset[str]) -> Iterator[tuple[str | None, list[str]]]:
    label: str | None = None
    said: list[str] = []
    for line in lines:
        begun = labelled(line)
        if begun and _opens(begun, believed, amid=label is not None):
            if label is not None or said:
                yield label, said
            label, said = begun.label, [begun.text]
        elif line.strip():
            said.append(line.strip())
    if label is not None or said:
        yield label, said


def _opens(begun: Labelled, believed: frozenset[str], *, amid: bool) -> bool:
    """Tell whether a line opens a turn; `amid` the turns, so does what looks as if somebody else spoke."""
    return begun.label in believed or (amid and names_somebody(begun.label, begun.text))
