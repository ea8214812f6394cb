"""Labelled conversations as researchers share them: JSON lines with `conversation_id`, `utterances` and `labels`.

A row may also be a single turn with what came `before` it: `{"id", "before", "text", "labels", …}`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from detector.errors import TranscriptError
from detector.transcript import Call, call_of
from pipelines.readers.decoding import json_value
from pipelines.readers.roles import NO_ROLES, Roles, assigned, role_word
from pipelines.readers.sniffing import Head
from pipelines.readers.source import CallOrFault, InputFault, lines


def fits(head: Head) -> bool:
    """Tell whether a file begins as this format does."""
    first = head.first_line
    return '"utterances"' in first or ('"before"' in first and '"labels"' in first)


def read(file: Path, *, roles: Roles = NO_ROLES) -> Iterator[CallOrFault]:
    """Yield the conversations of a file as calls, without their labels."""
    for row in rows(file):
        yield row if isinstance(row, InputFault) else assigned(row[0], roles)


def rows(
    file: Path, *, text: str = "text"
) -> Iterator[tuple[Call, dict[str, frozenset[str]], dict[str, Any]] | InputFault]:
    """Yield each call with its labels by turn id and the raw row; `text` names the field the words are in."""
    with file.open("rb") as stream:
        for line in lines(stream, str(file)):
            if isinstance(line, InputFault):
                yield line
                continue
            number, raw = line
            try:
                yield _row(json_value(raw), text)
            except KeyError as error:
                yield InputFault(str(file), number, f"is not a labelled conversation: it lacks the field {error}")
            except (TranscriptError, AttributeError, TypeError) as error:
                yield InputFault(str(file), number, f"is not a labelled conversation ({type(error).__name__})")


def _row(row: dict[str, Any], text: str) -> tuple[Call, dict[str, frozenset[str]], dict[str, Any]]:
    single = "before" in row and "utterances" not in row
    said = [*row["before"], {**row, "speaker": "agent"}] if single else row["utterances"]
    own_id = row.get("conversation_id")
    call = call_of(
        {
            "call_id": str(row["id"] if own_id in (None, "") else own_id),
            "agent_id": row.get("agent_id") or row.get("agent_name"),
            "agent_name": row.get("agent_name"),
            "customer_name": row.get("customer_name"),
            "turns": [_turn(turn, text) for turn in said],
        }
    )
    labels = {
        turn.turn_id: frozenset(raw["labels"]) for turn, raw in zip(call.turns, said, strict=True) if "labels" in raw
    }
    return call, labels, row


def _turn(raw: Mapping[str, Any], text: str) -> dict[str, Any]:
    words = raw.get(text)
    times = {name: raw[name] for name in ("start_ms", "end_ms") if isinstance(raw.get(name), int)}
    speaker = role_word(raw["speaker"]) or raw["speaker"]
    return {"speaker": speaker, "text": raw["text"] if words is None else words, **times}
