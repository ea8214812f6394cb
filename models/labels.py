"""Labelled agent turns to learn from and to measure on: the project's own writing, or any labelled conversations."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from detector.call import Memory, opened, remember
from detector.candidate import Reading
from detector.errors import DetectorError
from detector.playbook import Playbook
from detector.ports import Reader
from detector.transcript import Call, Speaker, Turn, call_of

EXAMPLES_FOLDER = Path(__file__).parent / "examples"
SCORN = "scorn"
"""A label beside the behaviours: the turn mocks whom it is said to, and what it does in words it does not mean."""
SHORT_WORDS, MOST_RUN_TOGETHER = 2, 4
"""How many words a recogniser may miss between an agent's turns, and how many of these then become one."""
_SPEAKERS = {"a": "agent", "c": "customer"}


class LabelError(DetectorError):
    """A labelled file that breaks its format; tells file and line."""


@dataclass(frozen=True, slots=True)
class LabelledCall:
    """A call and the behaviours a person saw in its agent turns, by turn id; turns without an entry are context."""

    call: Call
    labels: Mapping[str, frozenset[str]]
    sector: str
    voice: str
    origin: str
    judged: frozenset[str] | None = None
    """The behaviours the labels speak of; None is all."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A labelled agent turn as the scorer meets it: its reading, the memory before it, and the true labels."""

    call_id: str
    turn: Turn
    reading: Reading
    memory: Memory
    labels: frozenset[str]
    sector: str
    voice: str
    origin: str
    judged: frozenset[str] | None = None


def own_calls(folder: Path = EXAMPLES_FOLDER) -> Iterator[LabelledCall]:
    """Yield the project's own examples: `turns/*.jsonl` (single turns with what came before) and `calls/*.jsonl`."""
    for file in sorted((folder / "turns").glob("*.jsonl")):
        for number, row in _rows(file):
            yield _single_turn(file, number, row)
    for file in sorted((folder / "calls").glob("*.jsonl")):
        for number, row in _rows(file):
            yield _whole_call(file, number, row)


def calls_to_learn(folder: Path = EXAMPLES_FOLDER) -> Iterator[LabelledCall]:
    """Yield the project's own examples, and after them their calls as `run_together` makes of them."""
    calls = list(own_calls(folder))
    return chain(calls, run_together(calls))


def run_together(labelled: Iterable[LabelledCall]) -> Iterator[LabelledCall]:
    """Yield calls as a recogniser gives them that misses a customer's short words: the agent's turns around are one.

    Only turns that were run together are labelled, with the labels of all their parts; a call without any is left out.
    """
    for one in labelled:
        runs = _runs(one)
        turns = tuple(run[0].model_copy(update={"text": " ".join(turn.text for turn in run)}) for run in runs)
        labels = {
            run[0].turn_id: frozenset[str]().union(*(one.labels[turn.turn_id] for turn in run))
            for run in runs
            if len(run) > 1
        }
        if labels:
            yield replace(one, call=one.call.model_copy(update={"turns": turns}), labels=labels)


def _runs(one: LabelledCall) -> list[list[Turn]]:
    """Return the turns of a call, those that become one together; what the customer said between them is lost."""
    runs: list[list[Turn]] = []
    for turn in one.call.turns:
        if turn.turn_id in one.labels:
            if len(runs) > 1 and _is_short(runs[-1]) and _may_grow(runs[-2], one):
                del runs[-1]
            if runs and _may_grow(runs[-1], one):
                runs[-1].append(turn)
                continue
        runs.append([turn])
    return runs


def _is_short(run: Sequence[Turn]) -> bool:
    return run[0].speaker is Speaker.CUSTOMER and len(run[0].text.split()) <= SHORT_WORDS


def _may_grow(run: Sequence[Turn], one: LabelledCall) -> bool:
    return run[0].turn_id in one.labels and len(run) < MOST_RUN_TOGETHER


def playbook_calls(playbook: Playbook) -> Iterator[LabelledCall]:
    """Yield the playbook's examples as calls labelled for the one behaviour each stands under; agent's turns only."""
    for behaviour in playbook.behaviours:
        for kind, examples in (("catch", behaviour.examples.catch), ("leave", behaviour.examples.leave)):
            for number, example in enumerate(examples):
                call_id = f"playbook/{behaviour.id}/{kind}/{number}"
                said = [*example.before, (example.speaker, example.text)]
                turns = [{"speaker": speaker, "text": text} for speaker, text in said]
                call = call_of(
                    {
                        "call_id": call_id,
                        "customer_name": example.customer_name,
                        "agent_name": example.agent_name,
                        "turns": turns,
                    }
                )
                labels = frozenset({behaviour.id} if kind == "catch" else ())
                judged = frozenset({behaviour.id})
                yield LabelledCall(call, {call.turns[-1].turn_id: labels}, "playbook", "playbook", "playbook", judged)


def observe(labelled: Iterable[LabelledCall], reader: Reader) -> Iterator[Observation]:
    """Yield every labelled agent turn with the memory the turns before it leave; a system's turns leave none."""
    for one in labelled:
        memory = opened(one.call.header).memory
        for turn in one.call.turns:
            if turn.speaker is Speaker.SYSTEM:
                continue
            reading = reader.read(turn, memory)
            labels = one.labels.get(turn.turn_id)
            if labels is not None and turn.speaker is Speaker.AGENT:
                yield Observation(
                    one.call.call_id,
                    turn,
                    reading,
                    memory,
                    labels,
                    one.sector,
                    one.voice,
                    one.origin,
                    one.judged,
                )
            memory = remember(memory, turn, reading)


def learnable(labelled: Iterable[LabelledCall], reader: Reader) -> list[Observation]:
    """Return the labelled agent turns that have words; of the others there is nothing to learn."""
    return [one for one in observe(labelled, reader) if one.reading.words]


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise LabelError(f"{file}:{number}: is not JSON: {error.msg}") from None


def _single_turn(file: Path, number: int, row: dict[str, Any]) -> LabelledCall:
    try:
        before = [words.partition(":") for words in row["before"]]
        said = [(_SPEAKERS[speaker.strip()], text.strip()) for speaker, _, text in before]
        turns = [{"speaker": speaker, "text": text} for speaker, text in (*said, ("agent", row["text"]))]
        call = call_of({"call_id": f"{file.stem}/{number}", "customer_name": row["name"], "turns": turns})
        labels = {call.turns[-1].turn_id: frozenset(row["labels"])}
        return LabelledCall(call, labels, row["sector"], row["voice"], f"turns/{file.stem}")
    except (KeyError, DetectorError) as error:
        raise LabelError(f"{file}:{number}: {error}") from None


def _whole_call(file: Path, number: int, row: dict[str, Any]) -> LabelledCall:
    try:
        turns = [{"speaker": _SPEAKERS[turn[0]], "text": turn[1]} for turn in row["turns"]]
        call = call_of(
            {
                "call_id": f"{file.stem}/{number}",
                "agent_name": row["agent_name"],
                "customer_name": row["customer_name"],
                "turns": turns,
            }
        )
        labels = {
            made.turn_id: frozenset(raw[2]) for made, raw in zip(call.turns, row["turns"], strict=True) if raw[0] == "a"
        }
        return LabelledCall(call, labels, row["sector"], row["voice"], f"calls/{file.stem}")
    except (KeyError, IndexError, DetectorError) as error:
        raise LabelError(f"{file}:{number}: {error}") from None
