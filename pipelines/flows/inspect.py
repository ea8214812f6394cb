"""What a transcript file is, and what it holds and lacks: told before anything is detected in it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from detector.transcript import Call, Speaker
from pipelines.flows.reading import read
from pipelines.readers import Columns, FormatError, InputFault, Roles, sniff
from pipelines.readers.tabular import NO_COLUMNS

TOLD_FAULTS = 5
TOLD_LABELS = 50
TABLES = ("csv", "parquet")


@dataclass(slots=True)
class Inspected:
    """What one file holds. Labels are the format's own words for who speaks, None where a turn has none.

    Times are milliseconds from a call's start.
    """

    file: Path
    format_name: str | None
    calls: int = 0
    turns: int = 0
    faults: int = 0
    told_faults: list[InputFault] = field(default_factory=list)
    speakers: Counter[Speaker] = field(default_factory=Counter)
    labels: Counter[tuple[str | None, Speaker]] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    timed_turns: int = 0
    last_ms: int = 0
    without_agent_id: int = 0
    without_customer: int = 0

    def hear(self, label: str | None, speaker: Speaker) -> None:
        """Count a label; no more than `TOLD_LABELS` different ones, and turns without any."""
        if label is None or (label, speaker) in self.labels or len(self.labels) < TOLD_LABELS:
            self.labels[label, speaker] += 1

    def add(self, call: Call) -> None:
        """Count one call."""
        spoken = Counter(turn.speaker for turn in call.turns)
        timed = [turn for turn in call.turns if turn.start_ms is not None]
        last = (turn.end_ms if turn.end_ms is not None else turn.start_ms or 0 for turn in timed)
        self.calls += 1
        self.turns += len(call.turns)
        self.speakers += spoken
        self.languages[call.language or ""] += 1
        self.timed_turns += len(timed)
        self.last_ms = max(self.last_ms, max(last, default=0))
        named = call.agent_id or any(turn.agent_id for turn in call.turns)
        self.without_agent_id += bool(spoken[Speaker.AGENT]) and not named
        self.without_customer += bool(spoken[Speaker.AGENT]) and not spoken[Speaker.CUSTOMER]

    def fault(self, fault: InputFault) -> None:
        """Count a fault; the first few are kept."""
        self.faults += 1
        if len(self.told_faults) < TOLD_FAULTS:
            self.told_faults.append(fault)

    @property
    def missing(self) -> Iterator[str]:
        """What the file lacks, and what to do about it."""
        if not self.turns:
            yield "turns: there is nothing to detect in"
            return
        unknown, agent = self.speakers[Speaker.UNKNOWN], self.speakers[Speaker.AGENT]
        if unknown:
            yield f"who says {unknown:,} of {self.turns:,} turns: {'; '.join(self._who())}"
        elif not agent:
            yield "an agent: nothing can be detected"
        if self.without_customer and not unknown:
            yield f"a customer in {_counted(self.without_customer, 'call')}: nothing is rewarded there"
        if self.without_agent_id:
            yield f"the agent's id in {_counted(self.without_agent_id, 'call')}: give --agent-id NAME=ID"
        if self.timed_turns < self.turns:
            yield f"the time of {_counted(self.turns - self.timed_turns, 'turn')}"
        if self.languages[""]:
            yield f"the language of {_counted(self.languages[''], 'call')}"

    def _who(self) -> Iterator[str]:
        """What to do about unknown speakers: the option for those with a label, and what helps without one."""
        nameless = self.labels[None, Speaker.UNKNOWN]
        unknown = (label for label, speaker in self.labels if speaker is Speaker.UNKNOWN and label is not None)
        label = next(unknown, None if nameless else "LABEL")
        if label is not None:
            shell = f'"{label}"' if " " in label else label
            yield f"give --role {shell}=agent or --role {shell}=customer, and so for each label"
        if nameless:
            told = f"{_counted(nameless, 'turn')} without a label, which no --role can name"
            if self.format_name in TABLES:
                yield f"{told}: give --column speaker=COLUMN, or fill that column in"
            else:
                yield f"{told}: get a transcript that tells speakers or channels apart (docs/formats)"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def inspect(
    file: Path,
    *,
    format_name: str = "auto",
    roles: Roles,
    columns: Columns = NO_COLUMNS,
) -> Inspected:
    """Return what a file holds; a file in no known format has only its fault."""
    try:
        found = sniff(file, otherwise="csv" if columns else None) if format_name == "auto" else format_name
    except FormatError:
        found = None
    inspected = Inspected(file, found)
    hearing = Roles(roles.speakers, roles.agent_ids, inspected.hear)
    for _, one in read([file], format_name=format_name, roles=hearing, columns=columns):
        if isinstance(one, InputFault):
            inspected.fault(one)
        else:
            inspected.add(one)
    return inspected
