"""Verdicts from a file to the reward events they lead to: what the stream does with its `verdicts` topic."""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
from pydantic import ValidationError

from detector.errors import DetectorError
from detector.playbook import Playbook
from detector.reward import RewardEvent
from detector.settlement import judged_from_memory
from detector.transcript import what_is_wrong
from detector.verdict import Verdict


class SettleError(DetectorError):
    """A line that is no verdict or no reward event; tells file, line and what is wrong."""


def verdicts(file: Path) -> Iterator[Verdict]:
    """Yield the verdicts of a file of JSON lines.

    Raises:
        SettleError: a line is no verdict.
    """
    for number, line in _lines(file):
        try:
            yield Verdict.model_validate_json(line)
        except ValidationError as error:
            raise SettleError(f"{file}:{number}: no verdict: {what_is_wrong(error)}") from None


def ids_written(file: Path) -> set[str]:
    """Return the ids of the reward events in a file of JSON lines; none where there is no such file.

    Raises:
        SettleError: a line is no reward event.
    """
    if not file.is_file():
        return set()
    found: set[str] = set()
    for number, line in _lines(file):
        try:
            found.add(orjson.loads(line)["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise SettleError(f"{file}:{number}: no reward event: it has no id") from None
    return found


def settle(
    given: Iterable[Verdict], *, playbook: Playbook, tenant: str, written: Iterable[str] = ()
) -> Iterator[RewardEvent]:
    """Yield the reward events that verdicts lead to, each once; those written before are left out."""
    seen = set(written)
    for verdict in given:
        for event in judged_from_memory(verdict, playbook=playbook, tenant=tenant):
            if event.id not in seen:
                seen.add(event.id)
                yield event


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each line that is not blank; there may be none. A byte order mark is left out."""
    with file.open("rb") as source:
        for number, raw in enumerate(source, start=1):
            line = raw.removeprefix(BOM_UTF8) if number == 1 else raw
            if line.strip():
                yield number, line
